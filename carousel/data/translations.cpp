#include "carousel/data/translations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"

namespace carousel::data {

/// The pairs used for learning with their parameters looked up once, so that an iteration is additions over arrays.
struct Translations::Corpus {
  struct Pair {
    size_t first_cell;  // cells[first_cell + t * source_length + s] is the link of target symbol t and source symbol s
    size_t source_length;
    size_t target_length;
  };
  std::vector<uint32_t> cells;
  std::vector<Pair> pairs;
};

namespace {

/// Of a step of T and a position of S.
double nearness(size_t t, size_t steps, size_t s, size_t positions, double tension) {
  if (tension == 0) return 1;
  const double off =
      static_cast<double>(t) / static_cast<double>(steps) - static_cast<double>(s) / static_cast<double>(positions);
  return std::exp(-tension * std::abs(off));
}

}  // namespace

Translations::Corpus Translations::take(std::span<const std::vector<int32_t>> sources,
                                        std::span<const std::vector<int32_t>> targets) {
  Corpus corpus;
  double all_cells = 0;
  for (size_t i = 0; i < sources.size(); ++i)
    all_cells += static_cast<double>(sources[i].size()) * static_cast<double>(targets[i].size());
  // As many as fit, spread evenly: a corpus may be sorted.
  const auto by_cells =
      static_cast<size_t>(std::ceil(all_cells / static_cast<double>(std::max<int64_t>(1, config_.max_cells))));
  const size_t stride =
      std::max({size_t{1}, by_cells, sources.size() / static_cast<size_t>(std::max<int64_t>(1, config_.max_pairs))});
  for (size_t i = 0; i < sources.size(); i += stride) {
    const std::vector<int32_t>& source = sources[i];
    const std::vector<int32_t>& target = targets[i];
    const size_t cells = source.size() * target.size();
    if (cells == 0 || corpus.cells.size() + cells > static_cast<size_t>(config_.max_cells)) continue;
    corpus.pairs.push_back({corpus.cells.size(), source.size(), target.size()});
    for (const int32_t t : target) {
      for (const int32_t s : source) {
        const auto [place, fresh] = places_.try_emplace(key(s, t), static_cast<uint32_t>(links_.size()));
        if (fresh) links_.push_back({s, t, 1.0, 0.0});
        corpus.cells.push_back(place->second);
      }
    }
    for (const int32_t s : source) {
      if (static_cast<size_t>(s) >= occurrences_.size()) occurrences_.resize(static_cast<size_t>(s) + 1);
      ++occurrences_[static_cast<size_t>(s)];
    }
  }
  return corpus;
}

/// Spreads every target symbol over the source symbols of its pair in proportion to their probabilities.
void Translations::expect(const Corpus& corpus) {
  for (Link& link : links_) link.expected = 0.0;
  std::vector<double> shares;
  for (const Corpus::Pair& pair : corpus.pairs) {
    shares.resize(pair.source_length);
    for (size_t t = 0; t < pair.target_length; ++t) {
      const uint32_t* cells = corpus.cells.data() + pair.first_cell + t * pair.source_length;
      double sum = 0.0;
      for (size_t s = 0; s < pair.source_length; ++s)
        sum += shares[s] =
            links_[cells[s]].probability * nearness(t, pair.target_length, s, pair.source_length, config_.tension);
      if (sum <= 0.0) continue;
      for (size_t s = 0; s < pair.source_length; ++s) links_[cells[s]].expected += shares[s] / sum;
    }
  }
}

Translations Translations::learn(std::span<const std::vector<int32_t>> sources,
                                 std::span<const std::vector<int32_t>> targets, const TranslationsConfig& config) {
  if (sources.size() != targets.size()) {
    throw ShapeError(
        fmt::format("[translations] there must be one target per source; got {} sources and {} targets. Pass "
                    "both sides of the same pairs.",
                    sources.size(), targets.size()));
  }
  Translations model;
  model.config_ = config;
  const Corpus corpus = model.take(sources, targets);
  for (int64_t iteration = 0; iteration < std::max<int64_t>(1, config.iterations); ++iteration) {
    model.expect(corpus);
    model.brought_forth_.assign(model.occurrences_.size(), 0.0);
    for (const Link& link : model.links_) model.brought_forth_[static_cast<size_t>(link.source)] += link.expected;
    for (Link& link : model.links_) {
      const double total = model.brought_forth_[static_cast<size_t>(link.source)];
      link.probability = total > 0.0 ? link.expected / total : 0.0;
    }
  }
  return model;
}

double Translations::probability(int32_t source, int32_t target) const {
  const auto place = places_.find(key(source, target));
  return place == places_.end() ? 0.0 : links_[place->second].probability;
}

std::vector<float> Translations::align(std::span<const int32_t> source, std::span<const int32_t> target) const {
  std::vector<float> rows;
  rows.reserve(source.size() * target.size());
  std::vector<double> shares(source.size());
  for (size_t t = 0; t < target.size(); ++t) {
    double sum = 0;
    for (size_t s = 0; s < source.size(); ++s)
      sum += shares[s] =
          probability(source[s], target[t]) * nearness(t, target.size(), s, source.size(), config_.tension);
    const bool silent = sum <= 0;
    for (size_t s = 0; silent && s < source.size(); ++s)
      sum += shares[s] = nearness(t, target.size(), s, source.size(), config_.tension);
    for (const double share : shares) rows.push_back(static_cast<float>(share / sum));
  }
  return rows;
}

}  // namespace carousel::data
