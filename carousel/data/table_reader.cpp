#include "carousel/data/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

void split(std::string_view line, char separator, std::vector<std::string>& cells) {
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(separator, begin), line.size());
    cells.emplace_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

TableReader::TableReader(const std::string& file, char separator, const ReadOptions& options)
    : reader_(file, options), options_(options), separator_(separator) {}

bool TableReader::next(std::vector<std::string>& cells) {
  std::string_view line;
  while (reader_.next(line)) {
    line_ = reader_.line();
    if (trim(line).empty()) {
      ++blank_lines_;
      continue;
    }
    try {
      cells.clear();
      if (separator_ == ',') {
        read_commas(line, cells);
      } else {
        split(line, separator_, cells);
      }
      return true;
    } catch (const DataError& error) {
      options_.bad_line(error);
    }
  }
  return false;
}

void TableReader::read_commas(std::string_view line, std::vector<std::string>& cells) {
  for (size_t at = 0;; ++at) {
    std::string cell;
    if (at < line.size() && line[at] == '"') {
      at = read_quoted(line, at, cell);
    } else {
      const size_t end = std::min(line.find(',', at), line.size());
      cell = line.substr(at, end - at);
      at = end;
    }
    cells.push_back(std::move(cell));
    if (at >= line.size()) return;
  }
}

/// `at` is that of the opening quote; returns that behind the closing one. `line` is then the line it stands on.
size_t TableReader::read_quoted(std::string_view& line, size_t at, std::string& cell) {
  const auto column = static_cast<int64_t>(at) + 1;
  for (++at;;) {
    const size_t quote = std::min(line.find('"', at), line.size());
    cell.append(line.substr(at, quote - at));
    if (static_cast<int64_t>(cell.size()) > options_.max_line_bytes)
      throw DataError(
          file(), line_, column,
          fmt::format("[data] a quoted cell may have at most {} bytes (max_line_bytes); got more. Check that "
                      "its closing quote is not missing, or raise max_line_bytes.",
                      options_.max_line_bytes));
    if (quote == line.size()) {
      cell += ' ';  // where the cell has a line end
      at = 0;
      if (reader_.next(line)) continue;
      throw DataError(file(), line_, column,
                      "[data] a quoted cell must be closed; got the end of the file. Close it with a quote, or double "
                      "a quote that belongs to the text.");
    }
    at = quote + 1;
    if (at == line.size() || line[at] == ',') return at;
    if (line[at] != '"')
      throw DataError(file(), reader_.line(), static_cast<int64_t>(at) + 1,
                      fmt::format("[data] a closing quote must stand before a comma or the end of the line; got {}. "
                                  "Double a quote that belongs to the text.",
                                  clip_quoted(line.substr(at))));
    cell += '"';
    ++at;
  }
}

}  // namespace carousel::data
