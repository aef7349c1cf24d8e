// Bounds the length of examples: a text of a million symbols is legal, but a pass over it takes hours and all memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/data/tokenizer.h"

namespace carousel::data {

/// The tokenizers of both sides of pairs.
struct PairTokenizers {
  const Tokenizer& source;
  const Tokenizer& target;
};

struct LengthCut {
  std::vector<int64_t> kept;     ///< indices whose source and target both have at most max_length symbols
  std::vector<int64_t> dropped;  ///< the others, in order
  int64_t longest = 0;           ///< symbols of the longest side among the dropped
};
/// Divides `indices` (into data.examples) by the length of their longer side.
LengthCut cut_long(const PairData& data, const std::vector<int64_t>& indices, const PairTokenizers& tokenizers,
                   int64_t max_length);

/// "2 pairs have more than max_length = 1000 symbols ...: words.tsv lines 3, 9".
std::string describe_cut(const PairData& data, const LengthCut& cut, int64_t max_length);

/// Throws DataError naming the first dropped line when nothing was kept.
void require_kept(const PairData& data, const LengthCut& cut, int64_t max_length);

}  // namespace carousel::data
