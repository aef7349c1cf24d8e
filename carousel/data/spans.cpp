#include "carousel/data/spans.h"

#include <algorithm>
#include <array>

namespace carousel::data {

namespace {

constexpr std::array<const char*, 4> kNames = {"none", "iob1", "iob2", "bioes"};

/// O for what marks no span.
TagParts span_parts(std::string_view tag) {
  const TagParts parts = parts_of(tag);
  return parts.prefix == 0 ? TagParts{'O', ""} : parts;
}

bool ends_span(const TagParts& before, const TagParts& tag) {
  if (before.prefix == 'O') return false;
  if (before.prefix == 'E' || before.prefix == 'S') return true;
  return tag.prefix == 'B' || tag.prefix == 'S' || tag.prefix == 'O' || before.type != tag.type;
}

bool begins_span(const TagParts& before, const TagParts& tag) {
  if (tag.prefix == 'O') return false;
  if (tag.prefix == 'B' || tag.prefix == 'S') return true;
  return before.prefix == 'E' || before.prefix == 'S' || before.prefix == 'O' || before.type != tag.type;
}

}  // namespace

const char* name_of(TagScheme scheme) {
  return kNames[static_cast<size_t>(scheme)];
}

bool parse_scheme(std::string_view name, TagScheme& scheme) {
  const auto* const at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end()) return false;
  scheme = static_cast<TagScheme>(at - kNames.begin());
  return true;
}

TagParts parts_of(std::string_view tag) {
  if (tag.empty() || (tag.size() > 1 && tag[1] != '-')) return {};
  const std::string_view type = tag.size() > 1 ? tag.substr(2) : std::string_view();
  switch (tag[0]) {
    case 'O':
      return tag.size() == 1 ? TagParts{'O', ""} : TagParts{};
    case 'B':
    case 'I':
    case 'E':
    case 'S':
      return {tag[0], type};
    case 'M':
      return {'I', type};
    case 'L':
      return {'E', type};
    case 'U':
      return {'S', type};
    default:
      return {};
  }
}

TagScheme detect_scheme(const std::vector<std::vector<std::string>>& sentences) {
  int64_t begun_by_b = 0, begun_by_i = 0;  // spans that do not touch one of their type
  bool marked = false, ended = false;
  for (const auto& tags : sentences) {
    TagParts before{'O', ""};
    for (const std::string& tag : tags) {
      const TagParts parts = parts_of(tag);
      if (parts.prefix == 0) return TagScheme::none;
      marked = marked || parts.prefix != 'O';
      ended = ended || parts.prefix == 'E' || parts.prefix == 'S';
      if (begins_span(before, parts) && (before.prefix == 'O' || before.type != parts.type))
        ++(parts.prefix == 'B' ? begun_by_b : begun_by_i);
      before = parts;
    }
  }
  if (!marked) return TagScheme::none;
  if (ended) return TagScheme::bioes;
  return begun_by_i > begun_by_b ? TagScheme::iob1 : TagScheme::iob2;
}

bool may_follow(TagScheme scheme, std::string_view before, std::string_view after) {
  if (scheme == TagScheme::none) return true;
  const TagParts a = span_parts(before), b = span_parts(after);
  const bool inside = a.prefix == 'B' || a.prefix == 'I';
  const bool same = inside && a.type == b.type;
  switch (scheme) {
    case TagScheme::iob1:
      return b.prefix != 'B' || same;
    case TagScheme::iob2:
      return b.prefix != 'I' || same;
    case TagScheme::bioes:
      if (b.prefix == 'I' || b.prefix == 'E') return same;
      return !inside;
    case TagScheme::none:
      break;
  }
  return true;
}

std::vector<Span> spans_of(std::span<const std::string> tags) {
  std::vector<Span> spans;
  TagParts before{'O', ""};
  bool open = false;
  for (size_t i = 0; i <= tags.size(); ++i) {
    const TagParts tag = i < tags.size() ? span_parts(tags[i]) : TagParts{'O', ""};
    if (open && ends_span(before, tag)) {
      spans.back().end = static_cast<int64_t>(i);
      open = false;
    }
    if (begins_span(before, tag)) {
      spans.push_back({tag.type, static_cast<int64_t>(i), 0});
      open = true;
    }
    before = tag;
  }
  return spans;
}

}  // namespace carousel::data
