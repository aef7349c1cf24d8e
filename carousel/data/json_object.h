// Reading small JSON objects from outside with an error for everything unexpected.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::data {

/// A JSON object whose fields must be exactly what the reader asks for. Every accessor throws FormatError naming `file`
/// and `what` ("vocabulary") when the field is missing or of another type.
class JsonObject {
 public:
  /// Parses `json`; FormatError when it is not JSON, not an object, nested deeper than 1,024 or holds a key twice.
  JsonObject(const std::string& json, std::string file, std::string what);

  bool has(std::string_view key) const;
  std::string text(std::string_view key) const;
  int64_t integer(std::string_view key, int64_t min, int64_t max) const;
  bool boolean(std::string_view key) const;
  double number(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<int64_t> integers(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  /// The JSON text of a field that is an object itself.
  std::string object(std::string_view key) const;
  [[noreturn]] void fail(const std::string& rule, const std::string& got) const;

 private:
  simdjson::dom::element field(std::string_view key, const char* type) const;
  simdjson::dom::array array(std::string_view key) const;

  std::string file_;
  std::string what_;
  std::unique_ptr<simdjson::dom::parser> parser_;  // owns what root_ points to
  simdjson::dom::object root_;
};

}  // namespace carousel::data
