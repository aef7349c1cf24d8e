// Figures of data, for people who look at it before they train: counts, lengths, coverage, balance, ranges.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "carousel/data/any_data.h"

namespace carousel::data {

/// Whole numbers and how they are spread.
struct Distribution {
  std::string name;  ///< "length of the source"
  std::string unit;  ///< "symbols", "words", "values", "frames"
  int64_t count = 0, sum = 0;
  int64_t min = 0, median = 0, percentile_90 = 0, percentile_99 = 0, max = 0;
  struct Bin {
    int64_t low = 0, high = 0;  ///< both inclusive
    int64_t count = 0;
  };
  /// Equally wide from the least value to the 99th percentile, at most kBins; the last goes on to the largest.
  std::vector<Bin> bins;
  static constexpr int64_t kBins = 12;

  double mean() const { return count > 0 ? static_cast<double>(sum) / static_cast<double>(count) : 0; }
};
/// Of how often each value occurs: {value, times}, in any order.
Distribution distribution_of(std::string name, std::string unit,
                             const std::vector<std::pair<int64_t, int64_t>>& counts);

/// How much of a text few symbols make up, and what the training data does not have of a dev set.
struct Coverage {
  std::string name;     ///< "source"
  std::string symbols;  ///< kind of the symbols and why: "source: characters, because ..."
  int64_t running = 0, different = 0, once = 0;
  int64_t missed = 0;  ///< more than 0: `different` and `once` count only what was not forgotten, see SymbolCounts
  struct Top {
    int64_t symbols = 0;
    double share = 0;  ///< of the running symbols
  };
  std::vector<Top> tops;
  int64_t dev_running = 0, dev_unknown = 0;
  std::vector<std::string> dev_examples;  ///< of unknown symbols, the first ones
};

/// How often each label or tag occurs, most frequent first.
struct Balance {
  std::string name;  ///< "label"
  std::vector<std::pair<std::string, int64_t>> counts;
  int64_t total() const;
  /// Share of a label if all were equally frequent, that is e^entropy over their number: 1 for full balance.
  double evenness() const;
};

struct NumericColumn {
  std::string name;
  int64_t count = 0;
  double min = 0, max = 0, mean = 0, deviation = 0;  ///< deviation: of the population
};

struct DataStats {
  std::string kind, format, reason;
  std::vector<std::pair<std::string, int64_t>> counts;  ///< "examples", "lines", "words", ... in order
  std::vector<Distribution> lengths;
  std::vector<Coverage> coverage;
  std::vector<Balance> balance;
  std::vector<NumericColumn> columns;
  std::vector<std::string> notes;

  /// {"schema": "carousel/data-stats@1", ...} as JSON text.
  std::string to_json() const;
};

/// Reads `files` (one data set) and, when not empty, `dev` of the same kind. Running text is read line by line and may
/// be of any size. Throws what the readers refuse.
DataStats data_stats(const std::vector<std::string>& files, const std::vector<std::string>& dev,
                     const DataReading& reading = {});

}  // namespace carousel::data
