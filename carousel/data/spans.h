// Tags that mark spans of tokens: B-PER I-PER O and their relatives.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::data {

/// How tags mark spans (Ramshaw & Marcus 1995; Tjong Kim Sang & Veenstra 1999).
///   none   they mark none: each stands for itself (parts of speech)
///   iob1   I- inside a span, B- only where one begins directly behind another of the same type
///   iob2   B- on the first token of every span, I- on the others
///   bioes  besides E- on the last token of a longer span and S- on a span of one; L and U (BILOU) and M (BMES, for I)
///          are other letters for the same
enum class TagScheme { none, iob1, iob2, bioes };
/// "none", "iob1", "iob2", "bioes".
const char* name_of(TagScheme scheme);
/// The scheme by its name; false when there is no such name.
bool parse_scheme(std::string_view name, TagScheme& scheme);

/// "I-PER" -> {'I', "PER"}, "O" -> {'O', ""}; the prefix is one of B I O E S, whatever letters the tag uses, and 0 for
/// a tag that marks no span.
struct TagParts {
  char prefix = 0;
  std::string_view type;  ///< points into the tag
};
TagParts parts_of(std::string_view tag);

/// The scheme of some sentences' tags. `none` unless all tags have a prefix and one of them marks a span.
TagScheme detect_scheme(const std::vector<std::vector<std::string>>& sentences);

/// Whether `after` may stand behind `before`. "" for `before` is the beginning of a sentence and for `after` its end.
bool may_follow(TagScheme scheme, std::string_view before, std::string_view after);

struct Span {
  std::string_view type;       ///< points into the tags
  int64_t begin = 0, end = 0;  ///< tokens [begin, end)
  bool operator==(const Span&) const = default;
};

/// The spans of a sentence as conlleval finds them (Tjong Kim Sang & Buchholz 2000), whatever the scheme: also of
/// sequences that no scheme allows, where an I- behind O or behind another type begins a span. A tag without prefix
/// counts as O.
std::vector<Span> spans_of(std::span<const std::string> tags);

}  // namespace carousel::data
