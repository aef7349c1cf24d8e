// The baseline that stands beside the scores of string-to-string models: each source symbol becomes its most probable
// target symbol, or nothing, whatever stands around it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace carousel::data {

struct SymbolMapConfig {
  int64_t iterations = 5;                ///< of expectation maximisation
  int64_t max_pairs = 20000;             ///< used for learning, spread evenly over the data
  int64_t max_cells = int64_t{1} << 24;  ///< source symbols times target symbols, summed over the pairs used
};

/// Symbol translation by IBM model 1 (Brown et al. 1993, "The mathematics of statistical machine translation") without
/// the empty source word. A source symbol that brings forth less than half a target symbol on average maps to nothing.
class SymbolMap {
 public:
  /// Learns from pairs of id sequences; both spans are equally long (ShapeError). Ids are at least 0.
  static SymbolMap learn(std::span<const std::vector<int32_t>> sources, std::span<const std::vector<int32_t>> targets,
                         const SymbolMapConfig& config = {});

  /// The target ids for some source ids, in order; ids that were not in the training data give nothing.
  std::vector<int32_t> apply(std::span<const int32_t> source) const;

  /// {"targets": [...]}: by source id the target id, or -1 for nothing.
  std::string to_json() const;
  /// Throws FormatError naming `file` for another form or a target id of `target_vocab_size` or more.
  static SymbolMap from_json(const std::string& json, const std::string& file, int64_t target_vocab_size);

 private:
  std::vector<int32_t> targets_;  // by source id; -1: nothing
};

}  // namespace carousel::data
