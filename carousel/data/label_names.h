// How people call the columns and keys of texts with labels or targets.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "carousel/data/unicode.h"

namespace carousel::data {

inline constexpr std::array<std::string_view, 12> kTextNames = {"text",  "sentence", "review",   "question",
                                                                "query", "message",  "content",  "utterance",
                                                                "tweet", "comment",  "document", "body"};
inline constexpr std::array<std::string_view, 8> kLabelNames = {"label",     "labels", "class",  "category",
                                                                "sentiment", "intent", "target", "topic"};

inline constexpr std::array<std::string_view, 13> kSourceNames = {
    "source",   "src",      "input", "dialogue", "dialog",   "text",       "article",
    "document", "question", "query", "prompt",   "sentence", "instruction"};

/// True when `name`, in any letter case and with white space around it, is among `names`.
template <size_t N>
bool is_among(const std::array<std::string_view, N>& names, std::string_view name) {
  const std::string folded = fold_case(trim(name), LetterCase::lower);
  return std::find(names.begin(), names.end(), folded) != names.end();
}

}  // namespace carousel::data
