#include "carousel/data/json_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

simdjson::dom::object JsonLine::object(simdjson::dom::parser& parser, std::string_view text) const {
  simdjson::dom::object object;
  const auto error = parser.parse(text.data(), text.size()).get(object);
  if (error)
    throw DataError(file_, line_, 0,
                    fmt::format("[data] a line must be an object of JSON; got {} ({}). Check its quotes and braces.",
                                clip_quoted(text), simdjson::error_message(error)));
  return object;
}

std::string JsonLine::cell(std::string_view key, const simdjson::dom::element& value) const {
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
      throw DataError(file_, line_, 0,
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

}  // namespace carousel::data
