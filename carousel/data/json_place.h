// Where something stands in a text of JSON: the parser tells what is wrong and not where.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace carousel::data {

/// Index of the byte from which `text` is no JSON: that of the opening quote where a text is not closed, the size of
/// `text` where it ends too early. None where its form is sound; a number too large, and half a surrogate
/// pair, the parser may still refuse.
std::optional<size_t> json_fault(std::string_view text);

/// Index of the first byte of a value in sound JSON: {2, 0} is the first element, or field, of the third one of all.
/// That of the whole where there is no such value.
size_t json_value(std::string_view text, const std::vector<size_t>& path);

}  // namespace carousel::data
