// The file formats that Carousel reads, and which one some files are in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/pair_format.h"
#include "carousel/data/pairs.h"

namespace carousel::data {

/// The first lines of a file, as format detection sees them.
struct Sample {
  std::string file;
  std::vector<std::string> lines;
  bool whole_file = false;         ///< `lines` are all of them
  int64_t filled = 0;              ///< lines that are not blank
  int64_t first = 0;               ///< number of the first of them, from 1
  int64_t bad_lines = 0;           ///< that were left out, where ReadOptions allow it
  std::optional<DataError> fault;  ///< of the first of them
};

/// The first 1,000 lines of a file. Throws what LineReader refuses.
Sample take_sample(const std::string& file, const ReadOptions& options);

/// A row of the registry. To add a format, write `<format>_reader.cpp` and one row in registry.cpp.
struct Format {
  std::string name;
  std::string summary;  ///< what a file looks like, for help and error messages
  /// Why the samples are in this format ("two tab-separated columns in all of the first 1,000 lines"), or "" when they
  /// are not.
  std::string (*detect)(const std::vector<Sample>& samples, const PairFormat& wanted, const ReadOptions& options);
  /// Reads pairs of texts; null when the format holds none.
  PairData (*read_pairs)(const std::vector<std::string>& files, const PairFormat& wanted, const ReadOptions& options);
};

/// All formats, in the order in which detection asks them.
const std::vector<Format>& formats();

struct Detection {
  const Format* format = nullptr;
  std::string reason;
};
/// The format of `files` (the files of one data set together). Throws DataError when none fits, naming those there are,
/// ConfigError for roles of columns that make no sense, and what LineReader refuses.
Detection detect_format(const std::vector<std::string>& files, const ReadOptions& options = {},
                        const PairFormat& wanted = {});

/// Detects the format and reads the pairs. DataError also when the format holds no pairs.
PairData read_pairs(const std::vector<std::string>& files, const ReadOptions& options = {},
                    const PairFormat& wanted = {});

}  // namespace carousel::data
