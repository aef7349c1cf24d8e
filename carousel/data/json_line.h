// Lines that are objects of JSON: one example each.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::data {

/// One line of a file of JSON objects; every fault is a DataError at `file`:`line`.
class JsonLine {
 public:
  JsonLine(const std::string& file, int64_t line) : file_(file), line_(line) {}

  /// The object; it belongs to `parser` and lives until its next use.
  simdjson::dom::object object(simdjson::dom::parser& parser, std::string_view text) const;
  /// A field's value as the text of a cell: text, an integer or a truth value, anything else but an array is refused
  /// here. Line ends, tabs and NULs, which a line could not hold, become spaces.
  std::string cell(std::string_view key, const simdjson::dom::element& value) const;

 private:
  const std::string& file_;
  int64_t line_;
};

/// The keys of an object, in order.
std::vector<std::string> keys_of(const simdjson::dom::object& object);

}  // namespace carousel::data
