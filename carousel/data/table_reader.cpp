#include "carousel/data/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

[[noreturn]] void refuse_behind_quote(const std::string& file, int64_t number, std::string_view line, size_t at,
                                      char separator) {
  throw DataError(file, number, static_cast<int64_t>(at) + 1,
                  fmt::format("[data] a closing quote must stand before a {} or the end of the line; got {}. "
                              "Double a quote that belongs to the text.",
                              separator == ',' ? "comma" : "semicolon", clip_quoted(line.substr(at))));
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
      places_.clear();
      if (separator_ == '\t') {
        read_tabs(line, cells);
      } else {
        read_with_quotes(line, cells);
      }
      return true;
    } catch (const DataError& error) {
      options_.bad_line(error);
    }
  }
  return false;
}

void TableReader::read_tabs(std::string_view line, std::vector<std::string>& cells) {
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    places_.push_back({line_, static_cast<int64_t>(begin) + 1});
    cells.emplace_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  end_ = {line_, static_cast<int64_t>(line.size()) + 1};
}

void TableReader::read_with_quotes(std::string_view line, std::vector<std::string>& cells) {
  for (size_t at = 0;; ++at) {
    places_.push_back({reader_.line(), static_cast<int64_t>(at) + 1});
    std::string cell;
    if (at < line.size() && line[at] == '"') {
      at = read_quoted(line, at, cell);
    } else {
      const size_t end = std::min(line.find(separator_, at), line.size());
      cell = line.substr(at, end - at);
      at = end;
    }
    cells.push_back(std::move(cell));
    if (at < line.size()) continue;
    end_ = {reader_.line(), static_cast<int64_t>(line.size()) + 1};
    return;
  }
}

/// `at` is that of the opening quote; returns that behind the closing one. `line` is then the line it stands on.
size_t TableReader::read_quoted(std::string_view& line, size_t at, std::string& cell) {
  const Place opening{reader_.line(), static_cast<int64_t>(at) + 1};
  for (++at;;) {
    const size_t quote = std::min(line.find('"', at), line.size());
    cell.append(line.substr(at, quote - at));
    if (static_cast<int64_t>(cell.size()) > options_.max_line_bytes)
      throw error_at(
          file(), opening,
          fmt::format("[data] a quoted cell may have at most {} bytes (max_line_bytes); got more. Check that "
                      "its closing quote is not missing, or raise max_line_bytes.",
                      options_.max_line_bytes));
    if (quote == line.size()) {
      cell += ' ';  // where the cell has a line end
      at = 0;
      if (reader_.next(line)) continue;
      throw error_at(file(), opening,
                     "[data] a quoted cell must be closed; got the end of the file. Close it with a quote, or double "
                     "a quote that belongs to the text.");
    }
    at = quote + 1;
    if (at == line.size() || line[at] == separator_) return at;
    if (line[at] != '"') refuse_behind_quote(file(), reader_.line(), line, at, separator_);
    cell += '"';
    ++at;
  }
}

RowCells cells_of_row(std::string_view line, char separator, const std::string& file, int64_t number) {
  RowCells row;
  row.end = static_cast<int64_t>(line.size()) + 1;
  for (size_t at = 0;; ++at) {
    row.columns.push_back(static_cast<int64_t>(at) + 1);
    std::string cell;
    if (separator != '\t' && at < line.size() && line[at] == '"') {
      const size_t opening = at++;
      for (;; ++at) {
        if (at == line.size())
          throw DataError(file, number, static_cast<int64_t>(opening) + 1,
                          "[data] a quoted cell of a row that comes alone must be closed in its line; got the end of "
                          "the line. Close it with a quote.");
        if (line[at] == '"' && (at + 1 == line.size() || line[at + 1] != '"')) break;
        if (line[at] == '"') ++at;
        cell += line[at];
      }
      if (++at < line.size() && line[at] != separator) refuse_behind_quote(file, number, line, at, separator);
    } else {
      const size_t end = std::min(line.find(separator, at), line.size());
      cell = line.substr(at, end - at);
      at = end;
    }
    row.cells.push_back(std::move(cell));
    if (at >= line.size()) return row;
  }
}

}  // namespace carousel::data
