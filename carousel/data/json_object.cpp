#include "carousel/data/json_object.h"

#include <fmt/format.h>

#include <set>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

JsonObject::JsonObject(const std::string& json, std::string file, std::string what)
    : file_(std::move(file)), what_(std::move(what)), parser_(std::make_unique<simdjson::dom::parser>()) {
  simdjson::dom::element element;
  if (const auto error = parser_->parse(json).get(element)) {
    fail("must be JSON", simdjson::error_message(error));
  }
  if (element.get_object().get(root_)) fail("must be a JSON object", "another kind of value");
  std::set<std::string_view> keys;
  for (const auto field : root_) {
    if (!keys.insert(field.key).second)
      fail("must have each key once", fmt::format("{} twice", clip_quoted(field.key)));
  }
}

void JsonObject::fail(const std::string& rule, const std::string& got) const {
  throw FormatError(file_, 0,
                    fmt::format("[{}] {}; got {}. The file is damaged or not made by Carousel.", what_, rule, got));
}

simdjson::dom::element JsonObject::field(std::string_view key, const char* type) const {
  simdjson::dom::element element;
  if (root_.at_key(key).get(element)) fail(fmt::format("must have {} \"{}\"", type, key), "none");
  return element;
}

bool JsonObject::has(std::string_view key) const {
  simdjson::dom::element element;
  return !root_.at_key(key).get(element);
}

std::string JsonObject::text(std::string_view key) const {
  std::string_view value;
  if (field(key, "text").get_string().get(value)) fail(fmt::format("\"{}\" must be text", key), "another type");
  return std::string(value);
}

int64_t JsonObject::integer(std::string_view key, int64_t min, int64_t max) const {
  int64_t value = 0;
  if (field(key, "integer").get_int64().get(value)) fail(fmt::format("\"{}\" must be an integer", key), "another type");
  if (value < min || value > max) {
    fail(fmt::format("\"{}\" must lie in {} to {}", key, min, max), fmt::format("{}", value));
  }
  return value;
}

bool JsonObject::boolean(std::string_view key) const {
  bool value = false;
  if (field(key, "boolean").get_bool().get(value))
    fail(fmt::format("\"{}\" must be true or false", key), "another type");
  return value;
}

double JsonObject::number(std::string_view key) const {
  double value = 0;
  if (field(key, "number").get_double().get(value)) fail(fmt::format("\"{}\" must be a number", key), "another type");
  return value;
}

simdjson::dom::array JsonObject::array(std::string_view key) const {
  simdjson::dom::array values;
  if (field(key, "list").get_array().get(values)) fail(fmt::format("\"{}\" must be a list", key), "another type");
  return values;
}

std::vector<std::string> JsonObject::texts(std::string_view key) const {
  std::vector<std::string> out;
  for (const simdjson::dom::element element : array(key)) {
    std::string_view value;
    if (element.get_string().get(value)) fail(fmt::format("\"{}\" must hold texts only", key), "another type");
    out.emplace_back(value);
  }
  return out;
}

std::vector<int64_t> JsonObject::integers(std::string_view key) const {
  std::vector<int64_t> out;
  for (const simdjson::dom::element element : array(key)) {
    int64_t value = 0;
    if (element.get_int64().get(value)) fail(fmt::format("\"{}\" must hold integers only", key), "another type");
    out.push_back(value);
  }
  return out;
}

std::vector<double> JsonObject::numbers(std::string_view key) const {
  std::vector<double> out;
  for (const simdjson::dom::element element : array(key)) {
    double value = 0;
    if (element.get_double().get(value)) fail(fmt::format("\"{}\" must hold numbers only", key), "another type");
    out.push_back(value);
  }
  return out;
}

std::string JsonObject::object(std::string_view key) const {
  simdjson::dom::object value;
  if (field(key, "object").get_object().get(value)) fail(fmt::format("\"{}\" must be an object", key), "another type");
  return simdjson::minify(value);
}

}  // namespace carousel::data
