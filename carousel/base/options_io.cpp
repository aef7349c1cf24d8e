// Option tables and the world outside: environment, TOML, JSON.
#include <fmt/format.h>
#include <simdjson.h>

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/options.h"

namespace carousel {

namespace {

/// Text of a TOML value as `OptionTable::set` reads it; nothing for tables, dates and mixed arrays.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* value = node.as_integer()) return fmt::format("{}", value->get());
  if (const auto* value = node.as_floating_point()) return fmt::format("{}", value->get());
  if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* array = node.as_array()) {
    std::string joined;
    for (const toml::node& element : *array) {
      if (!element.is_integer()) return std::nullopt;
      if (!joined.empty()) joined += ',';
      joined += fmt::format("{}", element.as_integer()->get());
    }
    return joined;
  }
  return std::nullopt;
}

/// The same for a JSON value.
std::optional<std::string> text_of(const simdjson::dom::element& element) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::INT64:
      return fmt::format("{}", element.get_int64().value_unsafe());
    case Type::UINT64:
      return fmt::format("{}", element.get_uint64().value_unsafe());
    case Type::DOUBLE:
      return fmt::format("{}", element.get_double().value_unsafe());
    case Type::BOOL:
      return element.get_bool().value_unsafe() ? "true" : "false";
    case Type::STRING:
      return std::string(element.get_string().value_unsafe());
    case Type::ARRAY: {
      simdjson::dom::array values;
      if (element.get_array().get(values)) return std::nullopt;
      std::string joined;
      for (const simdjson::dom::element value : values) {
        int64_t number = 0;
        if (value.get_int64().get(number)) return std::nullopt;
        if (!joined.empty()) joined += ',';
        joined += fmt::format("{}", number);
      }
      return joined;
    }
    default:
      return std::nullopt;
  }
}

std::string place(const std::string& file, const toml::source_position& position) {
  return fmt::format("file {}:{}:{}", file, position.line, position.column);
}

[[noreturn]] void throw_not_a_value(const std::string& origin, const std::string& key) {
  throw ConfigError(
      fmt::format("[{}] {} must be a number, text, true, false or a list of integers; got another kind of value. Write "
                  "one of those.",
                  origin, key));
}

[[noreturn]] void throw_list_for_one(const std::string& origin, const std::string& key) {
  throw ConfigError(
      fmt::format("[{}] {} must be one value; got a list. Write the value without brackets.", origin, key));
}

bool takes_list(const Option& row) {
  return std::holds_alternative<std::vector<int64_t>*>(row.field);
}

nlohmann::ordered_json json_of(const Option& row) {
  if (row.value_text() == row.auto_text && !row.auto_text.empty()) return row.auto_text;
  return std::visit([](auto* value) { return nlohmann::ordered_json(*value); }, row.field);
}

/// Index behind the quoted text that begins at `at`: "..." or '...' to the end of the line at most, or tripled quotes.
size_t skip_quoted(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string triple(3, quote);
  const bool long_text = text.substr(at, 3) == triple;
  for (at += long_text ? 3 : 1; at < text.size(); ++at) {
    if (long_text && text.substr(at, 3) == triple) return at + 3;
    if (!long_text && (text[at] == quote || text[at] == '\n')) return at + 1;
    if (quote == '"' && text[at] == '\\' && text.substr(at + 1, 1) != "\n") ++at;
  }
  return text.size();
}

[[noreturn]] void throw_at(std::string_view text, size_t at, const std::string& file, const std::string& what) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  throw DataError(file, line, static_cast<int64_t>(at - line_start) + 1, what);
}

/// The header of a table begins at `at`.
void require_table_name(std::string_view text, size_t at, const std::string& file) {
  const auto skip_blanks = [&] { at = std::min(text.find_first_not_of(" \t", at), text.size()); };
  ++at;
  skip_blanks();
  if (at < text.size() && text[at] == '[') {
    ++at;
    skip_blanks();
  }
  constexpr std::string_view kBegins =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-\"']";  // toml++ speaks of ] itself
  if (at == text.size() || kBegins.find(text[at]) != std::string_view::npos) return;
  throw_at(text, at, file,
           fmt::format("[config] the name of a table begins with a letter, a digit, _, - or a quote; got {}. Correct "
                       "this line.",
                       text[at] >= ' ' && text[at] < 0x7F ? fmt::format("'{}'", text[at])
                       : text[at] == '\n'                 ? std::string("the end of the line")
                                                          : fmt::format("byte 0x{:02X}", text[at] & 0xFF)));
}

/// TOML is ASCII outside of quotes and comments. toml++ 3.3.0 has undefined behaviour for some characters that are not
/// (is_non_ascii_horizontal_whitespace), so they are refused before it sees them.
///
/// Nor does it look at how the name of a table begins before it takes it for a key: that is refused too.
void require_ascii_syntax(std::string_view text, const std::string& file) {
  size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  int depth = 0;  // of brackets
  bool line_begins = true;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '[' && line_begins && depth == 0) require_table_name(text, at, file);
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    line_begins = c == '\n' || (line_begins && (c == ' ' || c == '\t' || c == '\r'));
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '"' || c == '\'') {
      at = skip_quoted(text, at);
    } else if (static_cast<unsigned char>(c) < 0x80) {
      ++at;
    } else {
      throw_at(text, at, file,
               fmt::format("[config] outside of quotes and comments TOML is ASCII; got byte 0x{:02X}. Put the text "
                           "in quotes.",
                           static_cast<unsigned char>(c)));
    }
  }
}

}  // namespace

void OptionTable::read_environment() {
  for (const Option& row : std::vector<Option>(rows_)) {
    const std::string variable = row.environment_name();
    if (const char* text = std::getenv(variable.c_str())) set(row.name, text, "environment " + variable);
  }
}

void OptionTable::read_toml(const std::string& text, const std::string& file) {
  require_ascii_syntax(text, file);
  toml::table document;
  try {
    document = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw DataError(file, error.source().begin.line, error.source().begin.column,
                    fmt::format("[config] the file must be TOML; got: {}. Correct this line.", error.description()));
  }
  const auto assign = [&](const std::string& key, const toml::node& node, const toml::key& name) {
    const std::string origin = place(file, name.source().begin);
    const auto value = text_of(node);
    const Option* row = find(key);
    if (row && node.is_array() && !takes_list(*row)) throw_list_for_one(origin, key);
    if (row && !value) throw_not_a_value(origin, key);
    set(key, value.value_or(""), origin);
  };
  for (const auto& [name, node] : document) {
    const std::string first(name.str());
    if (const auto* section = node.as_table()) {
      for (const auto& [inner, value] : *section) assign(first + "." + std::string(inner.str()), value, inner);
    } else {
      assign(first, node, name);
    }
  }
}

std::string OptionTable::to_json() const {
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  for (const Option& row : rows_) document[row.section][row.name] = json_of(row);
  return document.dump();
}

void OptionTable::from_json(const std::string& json, const std::string& file) {
  const std::string origin = "file " + file;
  constexpr size_t kDeepest = 8;
  simdjson::dom::parser parser;
  simdjson::dom::object sections;
  auto error = parser.allocate(json.size() + 1, kDeepest);
  if (!error) error = parser.parse(json).get_object().get(sections);
  if (error) {
    throw ConfigError(fmt::format("[{}] options must be a JSON object of sections; got: {}. Write the file again.",
                                  origin, simdjson::error_message(error)));
  }
  std::set<std::string> seen;
  for (const auto section : sections) {
    simdjson::dom::object entries;
    if (section.value.get_object().get(entries)) {
      throw ConfigError(
          fmt::format("[{}] section \"{}\" must be an object of options; got another kind of value. Write "
                      "{{\"section\": {{\"name\": value}}}}.",
                      origin, section.key));
    }
    for (const auto entry : entries) {
      const std::string key = fmt::format("{}.{}", section.key, entry.key);
      if (!seen.insert(key).second) {
        throw ConfigError(fmt::format("[{}] each option stands once; got {} twice. Remove one.", origin, key));
      }
      const auto value = text_of(entry.value);
      const Option* row = find(key);
      if (row && entry.value.is_array() && !takes_list(*row)) throw_list_for_one(origin, key);
      if (row && !value) throw_not_a_value(origin, key);
      set(key, value.value_or(""), origin);
    }
  }
}

}  // namespace carousel
