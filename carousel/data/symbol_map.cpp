#include "carousel/data/symbol_map.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "carousel/data/json_object.h"

namespace carousel::data {

SymbolMap SymbolMap::learn(std::span<const std::vector<int32_t>> sources, std::span<const std::vector<int32_t>> targets,
                           const TranslationsConfig& config) {
  const Translations translations = Translations::learn(sources, targets, config);
  const std::vector<double>& occurrences = translations.occurrences();
  SymbolMap map;
  map.targets_.assign(occurrences.size(), -1);
  std::vector<double> best(occurrences.size(), 0.0);
  for (const Translations::Link& link : translations.links()) {
    const auto source = static_cast<size_t>(link.source);
    const bool silent = translations.brought_forth()[source] < 0.5 * occurrences[source];
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
