// The baseline that stands beside the scores of string-to-string models: each source symbol becomes its most probable
// target symbol, or nothing, whatever stands around it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "carousel/data/translations.h"

namespace carousel::data {

/// The most probable of Translations. A source symbol that brings forth less than half a target symbol on average maps
/// to nothing.
class SymbolMap {
 public:
  /// Learns from pairs of id sequences; both spans are equally long (ShapeError). Ids are at least 0.
  static SymbolMap learn(std::span<const std::vector<int32_t>> sources, std::span<const std::vector<int32_t>> targets,
                         const TranslationsConfig& config = {});

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
