#include "carousel/base/error.h"

#include <fmt/format.h>

#include <utility>

namespace carousel {

namespace {

std::string at_position(const std::string& file, int64_t line, int64_t column, const std::string& text) {
  if (line <= 0) return fmt::format("{}: {}", file, text);
  if (column <= 0) return fmt::format("{}:{}: {}", file, line, text);
  return fmt::format("{}:{}:{}: {}", file, line, column, text);
}

}  // namespace

DataError::DataError(std::string file, int64_t line, int64_t column, const std::string& text)
    : Error(at_position(file, line, column, text)), file_(std::move(file)), line_(line), column_(column) {}

FormatError::FormatError(std::string file, int64_t offset, const std::string& text)
    : Error(offset < 0 ? fmt::format("{}: {}", file, text) : fmt::format("{}: byte {}: {}", file, offset, text)),
      file_(std::move(file)),
      offset_(offset) {}

}  // namespace carousel
