// Where something stands in a text file, as errors say it: `file:line:column`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/base/error.h"

namespace carousel::data {

/// Line and column from 1, as DataError has them: columns count bytes.
struct Place {
  int64_t line = 0, column = 0;
};

/// Column of `part`, which points into `line`.
inline int64_t column_of(std::string_view line, std::string_view part) {
  return part.data() - line.data() + 1;
}

/// Column where a line that should have been cut into `wanted` parts is to be mended: the first part too many, else the
/// end of the line, where the next is missing. The parts point into the line.
inline int64_t column_of_width(std::string_view line, const std::vector<std::string_view>& parts, size_t wanted) {
  return parts.size() > wanted ? column_of(line, parts[wanted]) : static_cast<int64_t>(line.size()) + 1;
}

/// Place of the byte of that index in a text of lines.
inline Place place_at(std::string_view text, size_t index) {
  const std::string_view before = text.substr(0, index);
  const size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return {1 + std::count(before.begin(), before.end(), '\n'), static_cast<int64_t>(index - begin) + 1};
}

inline DataError error_at(const std::string& file, Place place, const std::string& text) {
  return DataError(file, place.line, place.column, text);
}

}  // namespace carousel::data
