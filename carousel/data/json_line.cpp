#include "carousel/data/json_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/data/json_place.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

simdjson::dom::object JsonLine::object(simdjson::dom::parser& parser) const {
  simdjson::dom::object object;
  const auto error = parser.parse(text_.data(), text_.size()).get(object);
  if (!error) return object;
  // Where the form is sound, it is no object, or holds what the parser does not take.
  const std::optional<size_t> fault = json_fault(text_);
  throw error_at(file_, fault ? Place{line_, static_cast<int64_t>(*fault) + 1} : place(),
                 fmt::format("[data] a line must be an object of JSON; got {} ({}). Check its quotes and braces.",
                             clip_quoted(text_), simdjson::error_message(error)));
}

Place JsonLine::place() const {
  return {line_, static_cast<int64_t>(json_value(text_, {})) + 1};
}

Place JsonLine::place(size_t index) const {
  return {line_, static_cast<int64_t>(json_value(text_, {index})) + 1};
}

std::string JsonLine::cell(std::string_view key, const simdjson::dom::element& value, size_t index) const {
  std::string text;
  switch (value.type()) {
    case simdjson::dom::element_type::STRING:
      text = std::string(value.get_string().value_unsafe());
      break;
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::BOOL:
      text = simdjson::minify(value);
      break;
    default:
      throw error_at(file_, place(index),
                     fmt::format("[data] {} must be text, an integer or a truth value; got {}. Write it as text.",
                                 clip_quoted(key), clip_quoted(std::string(simdjson::minify(value)))));
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t' || c == '\0'; }, ' ');
  return text;
}

std::vector<std::string> keys_of(const simdjson::dom::object& object) {
  std::vector<std::string> keys;
  for (const auto field : object) keys.emplace_back(field.key);
  return keys;
}

std::optional<JsonField> find_field(const simdjson::dom::object& object, std::string_view key) {
  size_t index = 0;
  for (const auto field : object) {
    if (field.key == key) return JsonField{field.value, index};
    ++index;
  }
  return std::nullopt;
}

}  // namespace carousel::data
