// Folders of series, and the windows of time in which they hold anomalies.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/series.h"

namespace carousel::data {

/// Windows of time with an anomaly, by file: a JSON object `{"group/file.csv": [["2014-02-26 13:45:00", "..."], ...]}`,
/// the form of the Numenta Anomaly Benchmark.
struct WindowLabels {
  struct Window {
    int64_t first = 0, last = 0;  ///< times, both inside
  };
  std::string file;
  std::map<std::string, std::vector<Window>> windows;

  /// Those of a data file: of the key that its path ends with, the longest; null when there is none.
  const std::vector<Window>* of(std::string_view path) const;
};

/// Reads such a file. DataError when it is missing or larger than 64 MiB, no JSON or of another form, or when a window
/// ends before it begins.
WindowLabels read_windows(const std::string& file);
/// The same from a text; `file` is the name that errors carry.
WindowLabels parse_windows(std::string_view json, const std::string& file);

/// What a folder of series holds.
struct SeriesFolder {
  std::vector<std::string> tables;  ///< files ending in .csv or .tsv, also packed, sorted
  std::string windows;              ///< the file of windows, or ""
};

/// Looks through a folder and the folders in it, to a depth of six; names that begin with a dot are left out. Windows
/// stand in `combined_windows.json`, or else in the one .json file with "windows" in its name. DataError when there is
/// more than one of those, when there is no table, or when the folder cannot be read.
SeriesFolder look_into(const std::string& folder);

/// All files that the name of some data stands for, to take their fingerprint: a folder of tagged sentences (see
/// files_behind) or of series, or the file itself.
std::vector<std::string> all_files_behind(const std::string& name);

}  // namespace carousel::data
