#include "carousel/data/lengths.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/text.h"

namespace carousel::data {

namespace {

/// Symbols of a text, or 0 when it is so short that it must fit: most texts need not be cut twice. A byte gives fewer
/// than two symbols (nfd takes U+0390, two bytes, into three); bpe adds one at the start of a word.
int64_t long_length(const Tokenizer& tokenizer, const std::string& text, int64_t max_length) {
  if (3 * static_cast<int64_t>(text.size()) + 1 <= max_length) return 0;
  return static_cast<int64_t>(tokenizer.encode(text).size());
}

}  // namespace

LengthCut cut_long(const PairData& data, const std::vector<int64_t>& indices, const PairTokenizers& tokenizers,
                   int64_t max_length) {
  LengthCut cut;
  for (const int64_t i : indices) {
    const PairExample& example = data.examples[static_cast<size_t>(i)];
    const int64_t length = std::max(long_length(tokenizers.source, example.source, max_length),
                                    long_length(tokenizers.target, example.target, max_length));
    (length > max_length ? cut.dropped : cut.kept).push_back(i);
    if (length > max_length) cut.longest = std::max(cut.longest, length);
  }
  return cut;
}

std::string describe_cut(const PairData& data, const LengthCut& cut, int64_t max_length) {
  return fmt::format("{} more than max_length = {} symbols on a side (up to {}) and {} left out: {}",
                     counted(static_cast<int64_t>(cut.dropped.size()), "pair has", "pairs have"), max_length,
                     cut.longest, cut.dropped.size() == 1 ? "is" : "are", describe_examples(data, cut.dropped));
}

void require_kept(const PairData& data, const LengthCut& cut, int64_t max_length) {
  if (!cut.kept.empty() || cut.dropped.empty()) return;
  const PairExample& first = data.examples[static_cast<size_t>(cut.dropped.front())];
  throw DataError(
      data.files[static_cast<size_t>(first.file)], first.line, 0,
      fmt::format("[data] a source or target may have at most {} symbols (max_length); got more in every pair, "
                  "up to {}. Cut the texts into sentences, or raise max_length.",
                  max_length, cut.longest));
}

}  // namespace carousel::data
