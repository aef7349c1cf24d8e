#include "carousel/tasks/copying.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace carousel::tasks {

SourceText encode_source(const data::Tokenizer& source, const data::Tokenizer& target, std::string_view text,
                         bool copying, const data::SubwordSampling& sampling) {
  SourceText encoded;
  const std::vector<std::string> symbols = source.cut(text, sampling);
  for (const std::string& symbol : symbols) encoded.ids.push_back(source.vocabulary().id(symbol));
  if (!copying) return encoded;
  const auto own = static_cast<int32_t>(target.vocabulary().size());
  std::unordered_map<std::string, int32_t> numbers;  // of the extras
  for (const std::string& symbol : symbols) {
    int32_t id = target.vocabulary().id(symbol);
    if (id == data::Vocabulary::kUnk) {
      const auto [entry, fresh] = numbers.try_emplace(symbol, own + static_cast<int32_t>(numbers.size()));
      if (fresh) encoded.extras.push_back(symbol);
      id = entry->second;
    }
    encoded.copies.push_back(id);
  }
  return encoded;
}

std::vector<int32_t> encode_target(const data::Tokenizer& target, std::string_view text, const SourceText& from,
                                   const data::SubwordSampling& sampling) {
  std::unordered_map<std::string_view, int32_t> numbers;
  for (const std::string& extra : from.extras)
    numbers.emplace(extra, static_cast<int32_t>(target.vocabulary().size() + static_cast<int64_t>(numbers.size())));
  std::vector<int32_t> ids;
  for (const std::string& symbol : target.cut(text, sampling)) {
    ids.push_back(target.vocabulary().id(symbol));
    if (ids.back() != data::Vocabulary::kUnk) continue;
    const auto place = numbers.find(symbol);
    if (place != numbers.end()) ids.back() = place->second;
  }
  return ids;
}

CopyShare copy_share(const data::PairData& data, const std::vector<int64_t>& indices, const data::Tokenizer& source,
                     const data::Tokenizer& target) {
  constexpr size_t kLookedAt = 3000;
  const size_t stride = std::max<size_t>(1, indices.size() / kLookedAt);
  std::unordered_set<std::string> before;
  int64_t all = 0, own = 0, other = 0, only = 0;
  for (size_t k = 0; k < indices.size(); k += stride) {
    const data::PairExample& example = data.examples[static_cast<size_t>(indices[k])];
    std::unordered_set<std::string> here;
    for (std::string& symbol : source.cut(example.source)) here.insert(std::move(symbol));
    for (const std::string& symbol : target.cut(example.target)) {
      if (k > 0) {
        ++all;
        own += here.contains(symbol);
        other += before.contains(symbol);
        only += here.contains(symbol) && !target.vocabulary().contains(symbol);
      }
    }
    before = std::move(here);
  }
  const auto share = [&](int64_t part) { return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0.0; };
  return {share(own), share(other), share(only)};
}

}  // namespace carousel::tasks
