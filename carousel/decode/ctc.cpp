#include "carousel/decode/ctc.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/log_add.h"

namespace carousel::decode {

namespace {

/// Paths that give one output so far: those that end in a blank and those that end in its last symbol; and what a
/// scorer says of the output, which is the same for all of them.
struct Ends {
  double blank = kNever, symbol = kNever;
  double fused = 0;                     ///< weight * log p_scorer + bonus * symbols
  PrefixScorer::Handle handle, parent;  ///< the parent's, until the output has proved worth one of its own
  double sum() const { return log_add(blank, symbol); }
  double score() const { return sum() + fused; }
};

using Prefixes = std::map<std::vector<int32_t>, Ends>;
using Ranked = std::vector<std::pair<std::vector<int32_t>, Ends>>;

void add_step(const Ranked& beam, std::span<const float> row, int32_t blank, const Fusion& fusion, Prefixes& next) {
  for (const auto& [prefix, ends] : beam) {
    Ends& same = next[prefix];
    same.fused = ends.fused;
    same.handle = ends.handle;
    same.blank = log_add(same.blank, ends.sum() + static_cast<double>(row[static_cast<size_t>(blank)]));
    if (!prefix.empty())
      same.symbol = log_add(same.symbol, ends.symbol + static_cast<double>(row[static_cast<size_t>(prefix.back())]));
    std::vector<int32_t> longer = prefix;
    longer.push_back(0);
    for (int32_t k = 0; k < static_cast<int32_t>(row.size()); ++k) {
      if (k == blank) continue;
      // A symbol comes twice only where a blank stood between.
      const double before = !prefix.empty() && k == prefix.back() ? ends.blank : ends.sum();
      if (before == kNever) continue;
      longer.back() = k;
      Ends& grown = next[longer];
      grown.symbol = log_add(grown.symbol, before + static_cast<double>(row[static_cast<size_t>(k)]));
      if (!fusion.scorer || grown.handle) continue;
      grown.parent = ends.handle;
      grown.fused = ends.fused + fusion.weight * ends.handle->log_prob(k) + fusion.symbol_bonus;
    }
  }
}

}  // namespace

Hypothesis ctc_greedy(std::span<const float> log_probs, int64_t vocab_size, int32_t blank) {
  check_log_probs(log_probs, vocab_size);
  Hypothesis best;
  best.ended = true;
  int32_t before = blank;
  for (size_t at = 0; at < log_probs.size(); at += static_cast<size_t>(vocab_size)) {
    const auto row = log_probs.subspan(at, static_cast<size_t>(vocab_size));
    const auto k = static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
    best.log_prob += static_cast<double>(row[static_cast<size_t>(k)]);
    if (k != blank && k != before) best.tokens.push_back(k);
    before = k;
  }
  best.score = best.log_prob;
  return best;
}

std::vector<Hypothesis> ctc_beam_search(std::span<const float> log_probs, int64_t vocab_size, int32_t blank,
                                        int64_t beam_size, int64_t nbest, const Fusion& fusion) {
  if (beam_size < 1 || nbest < 1)
    throw ConfigError(
        fmt::format("[ctc] beam_size and nbest must be at least 1; got {} and {}. Set them.", beam_size, nbest));
  check_log_probs(log_probs, vocab_size);
  const auto width = static_cast<size_t>(std::max(beam_size, nbest));
  Ranked beam(1);
  beam.front().second.blank = 0;
  if (fusion.scorer) beam.front().second.handle = fusion.scorer->begin();
  // Of equals the one with the lower symbols, which the map has put first.
  const auto rank = [](Ranked& outputs) {
    std::stable_sort(outputs.begin(), outputs.end(),
                     [](const auto& a, const auto& b) { return a.second.score() > b.second.score(); });
  };
  for (size_t at = 0; at < log_probs.size(); at += static_cast<size_t>(vocab_size)) {
    Prefixes next;
    add_step(beam, log_probs.subspan(at, static_cast<size_t>(vocab_size)), blank, fusion, next);
    beam.assign(next.begin(), next.end());
    rank(beam);
    if (beam.size() > width) beam.resize(width);
    if (!fusion.scorer) continue;
    for (auto& [prefix, ends] : beam)
      if (!ends.handle) ends.handle = fusion.scorer->extend(*std::exchange(ends.parent, nullptr), prefix.back());
  }
  if (fusion.scorer) {
    for (auto& [prefix, ends] : beam) ends.fused += fusion.weight * ends.handle->end_log_prob();
    rank(beam);
  }
  std::vector<Hypothesis> best;
  for (const auto& [prefix, ends] : beam) {
    if (best.size() == static_cast<size_t>(nbest)) break;
    best.push_back({prefix, ends.sum(), ends.score(), true});
  }
  return best;
}

}  // namespace carousel::decode
