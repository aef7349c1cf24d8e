// What stands beside a tagger: the most frequent tag of each word.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "carousel/data/tags.h"
#include "carousel/tasks/labels.h"

namespace carousel::tasks {

/// The tag that a word had most often in training (of equals the first by name); for a word that training did not have
/// the most frequent tag of all.
class WordTags {
 public:
  WordTags() = default;
  static WordTags learn(const data::TagData& data, const std::vector<int64_t>& sentences, const Labels& tags);
  /// Index into the labels.
  int32_t tag(const std::string& word) const;

  /// {"words": [...], "tags": [...]} of the words whose tag is not the most frequent one of all.
  std::string to_json() const;
  /// Throws FormatError naming `file` for another form or tags that there are not.
  static WordTags from_json(const std::string& json, const std::string& file, const Labels& tags);

 private:
  int32_t most_frequent_ = 0;
  std::unordered_map<std::string, int32_t> tags_;
};

}  // namespace carousel::tasks
