#include "carousel/tasks/tag_baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "carousel/data/json_object.h"

namespace carousel::tasks {

WordTags WordTags::learn(const data::TagData& data, const std::vector<int64_t>& sentences, const Labels& tags) {
  std::unordered_map<std::string, std::map<int32_t, int64_t>> counts;
  for (const int64_t i : sentences) {
    const data::TaggedSentence& sentence = data.sentences[static_cast<size_t>(i)];
    for (size_t k = 0; k < sentence.tokens.size(); ++k)
      ++counts[sentence.tokens[k]][static_cast<int32_t>(tags.find(sentence.tags[k]))];
  }
  WordTags known;
  known.most_frequent_ = static_cast<int32_t>(tags.most_frequent());
  for (const auto& [word, tag_counts] : counts) {
    const auto best = std::max_element(tag_counts.begin(), tag_counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best->first != known.most_frequent_) known.tags_[word] = best->first;
  }
  return known;
}

int32_t WordTags::tag(const std::string& word) const {
  const auto at = tags_.find(word);
  return at == tags_.end() ? most_frequent_ : at->second;
}

std::string WordTags::to_json() const {
  const std::map<std::string, int32_t> ordered(tags_.begin(), tags_.end());
  nlohmann::ordered_json words = nlohmann::json::array(), tags = nlohmann::json::array();
  for (const auto& [word, tag] : ordered) {
    words.push_back(word);
    tags.push_back(tag);
  }
  return nlohmann::ordered_json{{"words", words}, {"tags", tags}}.dump();
}

WordTags WordTags::from_json(const std::string& json, const std::string& file, const Labels& tags) {
  const data::JsonObject object(json, file, "tag.baseline");
  const auto words = object.texts("words");
  const auto numbers = object.integers("tags");
  if (words.size() != numbers.size())
    object.fail("there must be a tag for each word", fmt::format("{} and {}", numbers.size(), words.size()));
  WordTags known;
  known.most_frequent_ = static_cast<int32_t>(tags.most_frequent());
  for (size_t i = 0; i < words.size(); ++i) {
    if (numbers[i] < 0 || numbers[i] >= tags.size())
      object.fail(fmt::format("tags from 0 to {}", tags.size() - 1), fmt::format("{}", numbers[i]));
    known.tags_[words[i]] = static_cast<int32_t>(numbers[i]);
  }
  return known;
}

}  // namespace carousel::tasks
