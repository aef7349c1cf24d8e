#include "carousel/data/table_reader.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace table_reader_test {

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const std::string& text, char separator, const ReadOptions& options = {}) {
  const testing::TempDir dir;
  TableReader reader(dir.write("t", text), separator, options);
  Rows rows;
  for (std::vector<std::string> cells; reader.next(cells);) rows.push_back(cells);
  return rows;
}

/// What is said about the text, without the folder of its file.
std::string refusal_of(const std::string& text, const ReadOptions& options = {}) {
  const std::string error = testing::error_of<DataError>([&] { rows_of(text, ',', options); });
  return error.substr(error.rfind('/') + 1);
}

TEST(TableReader, TabsSeparateAndQuotesAreText) {
  EXPECT_EQ(rows_of("a\tb\n\n\"c\t d \"\r\n\te", '\t'), (Rows{{"a", "b"}, {"\"c", " d \""}, {"", "e"}}));
}

TEST(TableReader, CommasFollowRfc4180) {
  EXPECT_EQ(rows_of("a,b,\n\"x, y\",\"say \"\"hi\"\"\",\"\"\n", ','),
            (Rows{{"a", "b", ""}, {"x, y", "say \"hi\"", ""}}));
  EXPECT_EQ(rows_of("\"two\nlines\r\nthree\",z\nnext,row", ','), (Rows{{"two lines three", "z"}, {"next", "row"}}));
  EXPECT_EQ(rows_of("5\" disk, \"b\"\n", ','), (Rows{{"5\" disk", " \"b\""}})) << "only a cell's first byte opens";
}

TEST(TableReader, CountsLinesAndBlankOnes) {
  const testing::TempDir dir;
  TableReader reader(dir.write("t", "\na,b\n\"c\n\nd\",e\nf,g\n"), ',', {});
  std::vector<std::string> cells;
  std::vector<int64_t> lines;
  while (reader.next(cells)) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<int64_t>{2, 3, 6}));
  EXPECT_EQ(reader.blank_lines(), 1);
}

TEST(TableReader, RefusesBrokenQuotesWithTheirPlace) {
  EXPECT_EQ(refusal_of("a,b\nc,\"d\ne\n"),
            "t:2:3: [data] a quoted cell must be closed; got the end of the file. Close it with a quote, or double a "
            "quote that belongs to the text.");
  EXPECT_EQ(refusal_of("\"a\"b,c\n"),
            "t:1:4: [data] a closing quote must stand before a comma or the end of the line; got \"b,c\". Double a "
            "quote that belongs to the text.");
  ReadOptions options;
  options.max_line_bytes = 16;
  EXPECT_EQ(refusal_of("x,\"0123456789\n0123456789\n0123456789\"\n", options),
            "t:1:3: [data] a quoted cell may have at most 16 bytes (max_line_bytes); got more. Check that its closing "
            "quote is not missing, or raise max_line_bytes.");
}

TEST(TableReader, GoesOnBehindABadRow) {
  ReadOptions options;
  int faults = 0;
  options.on_bad_line = [&](const DataError&) { ++faults; };
  EXPECT_EQ(rows_of("a,b\n\"c\"d,e\nf,g\n", ',', options), (Rows{{"a", "b"}, {"f", "g"}}));
  EXPECT_EQ(faults, 1);
}

std::vector<std::string> cells_of(const std::string& line, char separator = ',') {
  return cells_of_row(line, separator, "rows", 7).cells;
}

TEST(RowThatComesAlone, HasTheCellsOfARowOfAFile) {
  for (const std::string line : {"a,b", "a,,", ",", "\"a,b\",c", "a \"b\",c", "\"a \"\"b\"\"\",\"\"", " x , y "})
    EXPECT_EQ(Rows{cells_of(line)}, rows_of(line + "\n", ',')) << line;
  EXPECT_EQ(cells_of("\"a\"\tb", '\t'), (std::vector<std::string>{"\"a\"", "b"}));
  EXPECT_EQ(cells_of_row("a,\"b\",c", ',', "rows", 1).columns, (std::vector<int64_t>{1, 3, 7}));
}

TEST(RowThatComesAlone, EndsWithItsLine) {
  EXPECT_EQ(carousel::testing::error_of<DataError>([] { cells_of("a,\"b"); }),
            "rows:7:3: [data] a quoted cell of a row that comes alone must be closed in its line; got the end of the "
            "line. Close it with a quote.");
  EXPECT_EQ(carousel::testing::error_of<DataError>([] { cells_of("\"a\"b"); }),
            "rows:7:4: [data] a closing quote must stand before a comma or the end of the line; got \"b\". Double a "
            "quote that belongs to the text.");
}

}  // namespace table_reader_test
}  // namespace carousel::data
