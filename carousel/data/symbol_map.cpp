#include "carousel/data/symbol_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/data/json_object.h"

namespace carousel::data {

namespace {

/// A pair of symbols that occur together somewhere: one parameter of the model.
struct Link {
  int32_t source;
  int32_t target;
  double probability;  // of the target given the source
  double expected;     // count under the present probabilities
};

/// The pairs used for learning with their parameters looked up once, so that an iteration is additions over arrays.
struct Corpus {
  struct Pair {
    size_t first_cell;  // cells[first_cell + t * source_length + s] is the link of target symbol t and source symbol s
    size_t source_length;
    size_t target_length;
  };
  std::vector<Link> links;
  std::vector<uint32_t> cells;
  std::vector<Pair> pairs;
  std::vector<double> occurrences;  // by source symbol
};

Corpus make_corpus(std::span<const std::vector<int32_t>> sources, std::span<const std::vector<int32_t>> targets,
                   const SymbolMapConfig& config) {
  Corpus corpus;
  std::unordered_map<uint64_t, uint32_t> known;
  const size_t stride =
      std::max<size_t>(1, sources.size() / static_cast<size_t>(std::max<int64_t>(1, config.max_pairs)));
  for (size_t i = 0; i < sources.size(); i += stride) {
    const std::vector<int32_t>& source = sources[i];
    const std::vector<int32_t>& target = targets[i];
    const size_t cells = source.size() * target.size();
    if (cells == 0 || corpus.cells.size() + cells > static_cast<size_t>(config.max_cells)) continue;
    corpus.pairs.push_back({corpus.cells.size(), source.size(), target.size()});
    for (const int32_t t : target) {
      for (const int32_t s : source) {
        const uint64_t key = (uint64_t{static_cast<uint32_t>(s)} << 32) | static_cast<uint32_t>(t);
        const auto [place, fresh] = known.try_emplace(key, static_cast<uint32_t>(corpus.links.size()));
        if (fresh) corpus.links.push_back({s, t, 1.0, 0.0});
        corpus.cells.push_back(place->second);
      }
    }
    for (const int32_t s : source) {
      if (static_cast<size_t>(s) >= corpus.occurrences.size()) corpus.occurrences.resize(static_cast<size_t>(s) + 1);
      ++corpus.occurrences[static_cast<size_t>(s)];
    }
  }
  return corpus;
}

/// Spreads every target symbol over the source symbols of its pair in proportion to their probabilities.
void expect(Corpus& corpus) {
  for (Link& link : corpus.links) link.expected = 0.0;
  for (const Corpus::Pair& pair : corpus.pairs) {
    for (size_t t = 0; t < pair.target_length; ++t) {
      const uint32_t* cells = corpus.cells.data() + pair.first_cell + t * pair.source_length;
      double sum = 0.0;
      for (size_t s = 0; s < pair.source_length; ++s) sum += corpus.links[cells[s]].probability;
      if (sum <= 0.0) continue;
      for (size_t s = 0; s < pair.source_length; ++s) {
        Link& link = corpus.links[cells[s]];
        link.expected += link.probability / sum;
      }
    }
  }
}

/// Expected number of target symbols by source symbol.
std::vector<double> totals_of(const Corpus& corpus) {
  std::vector<double> totals(corpus.occurrences.size(), 0.0);
  for (const Link& link : corpus.links) totals[static_cast<size_t>(link.source)] += link.expected;
  return totals;
}

}  // namespace

SymbolMap SymbolMap::learn(std::span<const std::vector<int32_t>> sources, std::span<const std::vector<int32_t>> targets,
                           const SymbolMapConfig& config) {
  if (sources.size() != targets.size()) {
    throw ShapeError(
        fmt::format("[symbol_map] there must be one target per source; got {} sources and {} targets. Pass "
                    "both sides of the same pairs.",
                    sources.size(), targets.size()));
  }
  Corpus corpus = make_corpus(sources, targets, config);
  std::vector<double> totals;
  for (int64_t iteration = 0; iteration < std::max<int64_t>(1, config.iterations); ++iteration) {
    expect(corpus);
    totals = totals_of(corpus);
    for (Link& link : corpus.links) {
      const double total = totals[static_cast<size_t>(link.source)];
      link.probability = total > 0.0 ? link.expected / total : 0.0;
    }
  }
  SymbolMap map;
  map.targets_.assign(corpus.occurrences.size(), -1);
  std::vector<double> best(corpus.occurrences.size(), 0.0);
  for (const Link& link : corpus.links) {
    const auto source = static_cast<size_t>(link.source);
    const bool silent = totals[source] < 0.5 * corpus.occurrences[source];
    if (silent || link.probability <= best[source]) continue;
    best[source] = link.probability;
    map.targets_[source] = link.target;
  }
  return map;
}

std::vector<int32_t> SymbolMap::apply(std::span<const int32_t> source) const {
  std::vector<int32_t> target;
  for (const int32_t id : source) {
    const bool known = id >= 0 && static_cast<size_t>(id) < targets_.size();
    if (known && targets_[static_cast<size_t>(id)] >= 0) target.push_back(targets_[static_cast<size_t>(id)]);
  }
  return target;
}

std::string SymbolMap::to_json() const {
  return nlohmann::json{{"targets", targets_}}.dump();
}

SymbolMap SymbolMap::from_json(const std::string& json, const std::string& file, int64_t target_vocab_size) {
  const JsonObject object(json, file, "symbol_map");
  SymbolMap map;
  for (const int64_t target : object.integers("targets")) {
    if (target < -1 || target >= target_vocab_size) {
      object.fail(fmt::format("target ids must lie in -1 to {}", target_vocab_size - 1), fmt::format("{}", target));
    }
    map.targets_.push_back(static_cast<int32_t>(target));
  }
  return map;
}

}  // namespace carousel::data
