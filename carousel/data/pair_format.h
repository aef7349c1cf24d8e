// How pairs lie in a table: which columns or keys are the source and the target.
#pragma once

#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/pairs.h"

namespace carousel::data {

/// What may be said about the columns of pairs; the rest is found out.
struct PairFormat {
  std::string columns = "auto";  ///< roles with commas between: source, target, _ (skipped)
  std::string header = "auto";   ///< auto | yes | no: whether a table's first row names its columns

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
};

/// How a file is read as a table of pairs.
struct PairTable {
  std::string format;                ///< "csv", "tsv" or "jsonl"; "" where the file is no such table
  std::vector<std::string> columns;  ///< role of each; for jsonl the names of the two keys, source first
  bool header = false;
  std::string reason;  ///< "3 comma-separated columns under a row of names; dialogue is the source, summary the target"
};

/// Looks at the beginning of a file. It is a table of pairs when `wanted` gives the columns, or when the first row (of
/// JSON lines the first object) has just one usual name of sources and one of targets; two columns may also be named
/// after languages. Throws ConfigError for roles that make no sense, and what LineReader refuses.
PairTable find_pair_table(const std::string& file, const PairFormat& wanted, const ReadOptions& options);

/// Reads all pairs. Tabs, line ends and NULs inside cells become spaces. DataError (file:line): an empty source or
/// target, another number of columns, an object without one of the keys, and what LineReader and TableReader refuse.
PairData read_pair_table(const std::string& file, const PairTable& plan, const ReadOptions& options);

}  // namespace carousel::data
