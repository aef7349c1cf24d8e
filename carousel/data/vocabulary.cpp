#include "carousel/data/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/data/json_object.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

const std::array<std::string, Vocabulary::kMarkers>& markers() {
  static const std::array<std::string, Vocabulary::kMarkers> names = {"<s>", "</s>", "<unk>"};
  return names;
}

}  // namespace

void SymbolCounts::add(std::string_view symbol, int64_t times) {
  total_ += times;
  const auto known = places_.find(symbol);
  if (known != places_.end()) {
    symbols_[known->second].second += times;
    return;
  }
  if (most_ > 0 && size() >= most_) forget_rare();
  places_.emplace(symbol, symbols_.size());
  symbols_.emplace_back(symbol, times);
}

void SymbolCounts::forget_rare() {
  std::vector<int64_t> counts;
  counts.reserve(symbols_.size());
  for (const auto& [symbol, count] : symbols_) counts.push_back(count);
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  const int64_t rare = *middle;  // half of them are this frequent or less
  missed_ += rare;
  std::erase_if(symbols_, [&](const auto& symbol) { return symbol.second <= rare; });
  places_.clear();
  for (size_t i = 0; i < symbols_.size(); ++i) places_.emplace(symbols_[i].first, i);
}

int64_t SymbolCounts::count(std::string_view symbol) const {
  const auto known = places_.find(symbol);
  return known == places_.end() ? 0 : symbols_[known->second].second;
}

Vocabulary::Vocabulary(const SymbolCounts& counts, int64_t min_count, int64_t most) {
  const auto& symbols = counts.symbols();
  std::vector<size_t> order(symbols.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return symbols[a].second > symbols[b].second; });
  for (const size_t place : order) {
    if (most > 0 && size() == kMarkers + most) break;
    if (symbols[place].second >= min_count) insert(symbols[place].first);
  }
}

void Vocabulary::insert(std::string symbol) {
  ids_.emplace(symbol, static_cast<int32_t>(size()));
  symbols_.push_back(std::move(symbol));
}

int32_t Vocabulary::id(std::string_view symbol) const {
  const auto known = ids_.find(symbol);
  return known == ids_.end() ? kUnk : known->second;
}

const std::string& Vocabulary::symbol(int32_t id) const {
  if (id < 0 || id >= size()) {
    throw ShapeError(
        fmt::format("[vocabulary] an id must lie in 0 to {}; got {}. Use ids of this vocabulary.", size() - 1, id));
  }
  return id < kMarkers ? markers()[static_cast<size_t>(id)] : symbols_[static_cast<size_t>(id - kMarkers)];
}

std::string Vocabulary::to_json() const {
  return nlohmann::ordered_json{{"markers", markers()}, {"symbols", symbols_}}.dump();
}

Vocabulary Vocabulary::from_json(const std::string& json, const std::string& file) {
  const JsonObject object(json, file, "vocabulary");
  const std::vector<std::string> names = object.texts("markers");
  if (!std::equal(names.begin(), names.end(), markers().begin(), markers().end())) {
    object.fail(fmt::format("the markers must be {}", fmt::join(markers(), ", ")),
                fmt::format("{}", fmt::join(names, ", ")));
  }
  std::vector<std::string> symbols = object.texts("symbols");
  // Ids are 32-bit; a real vocabulary is far smaller.
  if (symbols.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max() - kMarkers)) {
    object.fail("ids must fit in 32 bits", fmt::format("{} symbols", symbols.size()));
  }
  Vocabulary vocabulary;
  for (std::string& symbol : symbols) {
    if (symbol.empty()) object.fail("symbols must have text", "an empty one");
    // No line of data can give them, and an answer with one would be two lines.
    if (symbol.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
      object.fail("symbols must not hold line ends or NUL", "one that does");
    if (vocabulary.contains(symbol)) object.fail("symbols must differ", fmt::format("{} twice", clip_quoted(symbol)));
    vocabulary.insert(std::move(symbol));
  }
  return vocabulary;
}

}  // namespace carousel::data
