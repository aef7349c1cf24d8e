// Lines that are objects of JSON: one example each.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/line_reader.h"
#include "carousel/data/place.h"

namespace carousel::data {

/// One line of a file of JSON objects; every fault is a DataError with the place in it.
class JsonLine {
 public:
  /// `text` is the line that `reader` gave last.
  JsonLine(const LineReader& reader, std::string_view text) : file_(reader.file()), line_(reader.line()), text_(text) {}

  /// The object; it belongs to `parser` and lives until its next use.
  simdjson::dom::object object(simdjson::dom::parser& parser) const;
  /// The value of field `index` as the text of a cell: text, an integer or a truth value, anything else but an array is
  /// refused here. Line ends, tabs and NULs, which a line could not hold, become spaces.
  std::string cell(std::string_view key, const simdjson::dom::element& value, size_t index) const;

  const std::string& file() const { return file_; }
  int64_t line() const { return line_; }
  /// Where the object begins.
  Place place() const;
  /// Where the value of its field `index` begins.
  Place place(size_t index) const;

 private:
  const std::string& file_;
  int64_t line_;
  std::string_view text_;
};

/// The keys of an object, in order.
std::vector<std::string> keys_of(const simdjson::dom::object& object);
/// A field by its key.
struct JsonField {
  simdjson::dom::element value;
  size_t index = 0;
};
/// The first of that key, if any.
std::optional<JsonField> find_field(const simdjson::dom::object& object, std::string_view key);

}  // namespace carousel::data
