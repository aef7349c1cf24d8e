// Rows of tables: tab-separated lines, or values between commas or semicolons with the quotes of RFC 4180.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/line_reader.h"
#include "carousel/data/place.h"

namespace carousel::data {

/// Reads a table row by row. Blank lines are skipped.
///
/// Separator tab: every tab separates, there are no quotes. Any other: a cell that begins with a double quote ends at
/// the next one that is not doubled, and may hold separators, doubled quotes and line ends (which become spaces);
/// quotes inside other cells are ordinary characters.
///
/// DataError: what LineReader refuses; a quote that is never closed, or not within max_line_bytes; a closing quote with
/// something behind it.
class TableReader {
 public:
  TableReader(const std::string& file, char separator, const ReadOptions& options);

  /// The cells of the next row, as they stand there; false at the end of the file.
  bool next(std::vector<std::string>& cells);
  /// The line on which the row that `next` gave last begins, from 1.
  int64_t line() const { return line_; }
  /// Where cell `index` of that row begins: behind a cell with line ends, on a later line than the row.
  Place place(size_t index) const { return places_[index]; }
  /// Where a row that should have `wanted` cells is to be mended: the first too many, else the end of the row.
  Place place_of_width(size_t wanted) const { return wanted < places_.size() ? places_[wanted] : end_; }
  int64_t blank_lines() const { return blank_lines_; }
  const std::string& file() const { return reader_.file(); }

 private:
  void read_tabs(std::string_view line, std::vector<std::string>& cells);
  void read_with_quotes(std::string_view line, std::vector<std::string>& cells);
  size_t read_quoted(std::string_view& line, size_t at, std::string& cell);

  LineReader reader_;
  ReadOptions options_;
  char separator_;
  std::vector<Place> places_;
  Place end_;
  int64_t line_ = 0;
  int64_t blank_lines_ = 0;
};

/// A row that came alone: its cells and where they begin, as TableReader reads those of a file, but all in one line.
/// DataError for a quote that is not closed and for a closing quote with something behind it.
struct RowCells {
  std::vector<std::string> cells;
  std::vector<int64_t> columns;  ///< in bytes from 1
  int64_t end = 1;               ///< behind the last

  /// Where a row that should have `wanted` cells is to be mended, see TableReader.
  int64_t column_of_width(size_t wanted) const { return wanted < columns.size() ? columns[wanted] : end; }
};
RowCells cells_of_row(std::string_view line, char separator, const std::string& file, int64_t number);

}  // namespace carousel::data
