// Learning of a unigram model: many seeds, then EM and pruning in turn.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "carousel/base/log_add.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unigram.h"

namespace carousel::data {

namespace {

using Symbol = UnigramModel::Symbol;

constexpr int64_t kMostSubstrings = 1000000;  ///< counted at a time
constexpr int64_t kSeedsEach = 10;            ///< for each symbol that is wanted
constexpr int64_t kMostSeeds = 200000;
constexpr int kRoundsOfEm = 2;          ///< before each pruning
constexpr double kKept = 0.75;          ///< share of the symbols that a pruning leaves
constexpr double kLeastExpected = 0.5;  ///< a symbol expected less often is forgotten at once
constexpr double kFloor = 1e-6;         ///< count of a code point that the others explain

bool is_single(std::string_view text) {
  return count_code_points(text) == 1;
}

/// log(count / sum) for each.
std::vector<Symbol> normalised(std::vector<Symbol> symbols, const std::vector<double>& counts) {
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (size_t i = 0; i < symbols.size(); ++i) symbols[i].log_probability = std::log(counts[i]) - std::log(sum);
  return symbols;
}

/// All code points, and the substrings of pieces that occur more than once and cover most of the text.
std::vector<Symbol> seeds(const SymbolCounts& pieces, int64_t most) {
  SymbolCounts singles, substrings(kMostSubstrings);
  for (const auto& [piece, times] : pieces.symbols()) {
    const auto points = code_points(piece);
    for (size_t begin = 0; begin < points.size(); ++begin) {
      singles.add(points[begin], times);
      const size_t last = std::min(points.size(), begin + static_cast<size_t>(UnigramModel::kMaxLength));
      for (size_t end = begin + 2; end <= last; ++end) {
        const char* from = points[begin].data();
        substrings.add({from, static_cast<size_t>(points[end - 1].data() + points[end - 1].size() - from)}, times);
      }
    }
  }
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < substrings.symbols().size(); ++i) {
    const auto& [text, times] = substrings.symbols()[i];
    if (times > 1) order.emplace_back(static_cast<double>(times * count_code_points(text)), i);
  }
  // By falling coverage, then by first use.
  const auto kept = static_cast<size_t>(std::min({static_cast<int64_t>(order.size()), kSeedsEach * most, kMostSeeds}));
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
      [](const auto& a, const auto& b) { return a.first > b.first || (a.first == b.first && a.second < b.second); });
  std::vector<Symbol> symbols;
  std::vector<double> counts;
  for (const auto& [text, times] : singles.symbols()) {
    symbols.push_back({text, 0});
    counts.push_back(static_cast<double>(times));
  }
  for (size_t i = 0; i < kept; ++i) {
    symbols.push_back({substrings.symbols()[order[i].second].first, 0});
    counts.push_back(order[i].first);
  }
  return normalised(std::move(symbols), counts);
}

/// One round of EM. Symbols that hardly occur any more are left out, code points never.
UnigramModel em_round(const UnigramModel& model, const SymbolCounts& pieces) {
  std::vector<double> expected(model.symbols().size(), 0.0);
  for (const auto& [piece, times] : pieces.symbols()) model.add_expected(piece, static_cast<double>(times), expected);
  std::vector<Symbol> symbols;
  std::vector<double> counts;
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool single = is_single(model.symbols()[i].text);
    if (!single && expected[i] < kLeastExpected) continue;
    symbols.push_back(model.symbols()[i]);
    counts.push_back(std::max(expected[i], kFloor));
  }
  return UnigramModel(normalised(std::move(symbols), counts));
}

int64_t num_long(const UnigramModel& model) {
  return std::count_if(model.symbols().begin(), model.symbols().end(),
                       [](const Symbol& symbol) { return !is_single(symbol.text); });
}

/// How much likelihood is lost without each symbol: what it stands for is then cut as is best without it, and the
/// symbols of that cut become more frequent. Infinite for code points, 0 for symbols that the best segmentations do
/// not use.
std::vector<double> losses(const UnigramModel& model, const SymbolCounts& pieces) {
  std::vector<double> used(model.symbols().size(), 0.0);
  std::vector<int64_t> parts;
  double sum = 0;
  for (const auto& [piece, times] : pieces.symbols()) {
    model.best(piece, -1, &parts);
    for (const int64_t part : parts)
      if (part >= 0) used[static_cast<size_t>(part)] += static_cast<double>(times);
    sum += static_cast<double>(times) * static_cast<double>(parts.size());
  }
  std::vector<double> loss(used.size(), 0.0);
  for (size_t i = 0; i < used.size(); ++i) {
    const std::string& text = model.symbols()[i].text;
    if (is_single(text)) {
      loss[i] = -kNever;
      continue;
    }
    if (used[i] == 0) continue;
    model.best(text, static_cast<int64_t>(i), &parts);
    const double sum_without = sum + used[i] * static_cast<double>(parts.size() - 1);
    double without = 0;
    for (const int64_t part : parts) without += std::log((used[static_cast<size_t>(part)] + used[i]) / sum_without);
    loss[i] = used[i] * (std::log(used[i] / sum) - without);
  }
  return loss;
}

/// The symbols whose loss is largest, `most` long ones, in the order they had.
UnigramModel prune(const UnigramModel& model, const std::vector<double>& loss, int64_t most) {
  std::vector<size_t> order;
  std::vector<char> kept(model.symbols().size(), 1);
  for (size_t i = 0; i < kept.size(); ++i)
    if (!is_single(model.symbols()[i].text)) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return loss[a] > loss[b]; });
  for (size_t i = static_cast<size_t>(most); i < order.size(); ++i) kept[order[i]] = 0;
  std::vector<Symbol> symbols;
  std::vector<double> weights;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] == 0) continue;
    symbols.push_back(model.symbols()[i]);
    weights.push_back(std::exp(model.symbols()[i].log_probability));
  }
  return UnigramModel(normalised(std::move(symbols), weights));
}

}  // namespace

UnigramModel UnigramModel::learn(const SymbolCounts& pieces, int64_t most) {
  UnigramModel model(seeds(pieces, most));
  for (;;) {
    for (int round = 0; round < kRoundsOfEm; ++round) model = em_round(model, pieces);
    const int64_t now = num_long(model);
    if (now <= most) return model;
    const auto next = static_cast<int64_t>(static_cast<double>(now) * kKept);
    model = prune(model, losses(model, pieces), std::max(most, next));
  }
}

}  // namespace carousel::data
