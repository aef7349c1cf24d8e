#include "carousel/data/pairs.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/data/registry.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace pairs_test {

using testing::error_of;
using testing::TempDir;

std::string tsv_error(const std::string& content) {
  TempDir folder;
  const std::string file = folder.write("x.tsv", content);
  const std::string text = error_of<DataError>([&] { read_tsv_pairs(file, {}); });
  return text.substr(text.find("x.tsv"));
}

TEST(TsvReader, ReadsTwoColumnsAndSkipsBlankLines) {
  TempDir folder;
  const PairData data = read_pairs({folder.write("x.tsv", "a b \tA B\n\n \t\nc\tC")});
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].source, "a b");
  EXPECT_EQ(data.examples[0].target, "A B");
  EXPECT_EQ(data.examples[1].line, 4);
  EXPECT_EQ(data.blank_lines, 2);
  EXPECT_EQ(data.format, "tsv");
}

TEST(TsvReader, RefusesOtherNumbersOfColumns) {
  EXPECT_EQ(
      tsv_error("a\tb\nalone\n"),
      "x.tsv:2:6: [data] a line must have two tab-separated columns; got 1 in \"alone\". Put a tab between source "
      "and target.");
  EXPECT_EQ(
      tsv_error("a\tb\tc\n"),
      "x.tsv:1:5: [data] a line must have two tab-separated columns; got 3 in \"a\\tb\\tc\". Keep only source and "
      "target.");
}

TEST(TsvReader, RefusesAnEmptyColumn) {
  EXPECT_EQ(tsv_error("a\t \n"),
            "x.tsv:1:3: [data] both columns must have text; got an empty target in \"a\\t \". Fill it in or remove the "
            "line.");
  EXPECT_NE(tsv_error("\tb\n").find("x.tsv:1:1: [data] both columns must have text; got an empty source"),
            std::string::npos);
}

TEST(AlignedReader, PairsLinesByNumber) {
  TempDir folder;
  const PairData data = read_pairs({folder.write("s", "a\n\nb\n"), folder.write("t", "A\n\nB")});
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[1].source, "b");
  EXPECT_EQ(data.examples[1].target, "B");
  EXPECT_EQ(data.examples[1].line, 3);
  EXPECT_EQ(data.blank_lines, 1);
}

TEST(AlignedReader, RefusesUnequalNumbersOfLinesWithBoth) {
  TempDir folder;
  const std::string source = folder.write("s", "a\nb\nc\nd\n"), target = folder.write("t", "A\nB\n");
  const std::string rule =
      ": [data] aligned files must have equally many lines; got 4 in " + source + " and 2 in " + target;
  EXPECT_NE(error_of<DataError>([&] { read_aligned_pairs(source, target, {}); }).find(source + ":3:1" + rule),
            std::string::npos);
  EXPECT_NE(error_of<DataError>([&] { read_aligned_pairs(target, source, {}); }).find("got 2 in " + target),
            std::string::npos);
}

TEST(AlignedReader, RefusesABlankLineOnOneSide) {
  TempDir folder;
  const std::string source = folder.write("s", "a\n \n"), target = folder.write("t", "A\nB\n");
  EXPECT_EQ(error_of<DataError>([&] { read_aligned_pairs(source, target, {}); }),
            source +
                ":2:1: [data] aligned lines must both have text; got a blank one beside \"B\". Fill it in or remove "
                "line 2 from both files.");
}

TEST(ReadOptions, AllBadLinesCanBeListedInsteadOfTheFirst) {
  TempDir folder;
  std::vector<std::string> faults;
  ReadOptions options;
  options.max_line_bytes = 20;
  options.on_bad_line = [&](const DataError& error) {
    faults.push_back(std::to_string(error.line()) +
                     std::string(error.what()).substr(std::string(error.what()).find("; got")));
  };
  const std::string bad = "a\tA\nalone\n" + std::string(300000, 'x') + "\n\xFF\tB\nb\tB\n";
  const PairData tsv = read_tsv_pairs(folder.write("x.tsv", bad), options);
  ASSERT_EQ(tsv.examples.size(), 2u);
  EXPECT_EQ(tsv.examples[1].line, 5);
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_TRUE(faults[0].starts_with("2; got 1 in \"alone\""));
  EXPECT_TRUE(faults[1].starts_with("3; got 300000."));
  EXPECT_TRUE(faults[2].starts_with("4; got byte 0xFF"));

  faults.clear();
  const PairData aligned =
      read_aligned_pairs(folder.write("s", "a\n\xFF\nc\n\xFF\n"), folder.write("t", "A\nB\nC\nD\n"), options);
  ASSERT_EQ(aligned.examples.size(), 2u);
  EXPECT_EQ(aligned.examples[1].target, "C");
  EXPECT_EQ(faults.size(), 2u);
}

TEST(Formats, DetectionSaysWhy) {
  TempDir folder;
  std::string many;
  for (int i = 0; i < 1500; ++i) many += "a\tb\n";
  EXPECT_EQ(detect_format({folder.write("many", many)}).reason,
            "two tab-separated columns in all of the first 1,000 lines");
  EXPECT_EQ(detect_format({folder.write("few", "a\tb\nc\td\nbad\n")}).reason,
            "two tab-separated columns in 2 of the 3 lines");
  EXPECT_EQ(detect_format({folder.write("named.tsv", "a b\n")}).reason, "the name ends in .tsv");
  EXPECT_EQ(detect_format({folder.file("few"), folder.file("many")}).format->name, "aligned");
}

TEST(Formats, UnknownOnesAreRefusedWithThoseThatAreKnown) {
  TempDir folder;
  const std::string table = folder.write("table", "\na\tb\tc\n");
  EXPECT_EQ(
      error_of<DataError>([&] { read_pairs({table}); }),
      table +
          ":2:1: [data] the format must be known; got lines such as \"a\\tb\\tc\". Known: in-out (one file of "
          "lines `IN: source OUT: target`); table (a table (CSV, TSV, JSON lines) that names or is told its columns "
          "source and target); tsv (one file with two tab-separated columns, source and target); aligned (two files, "
          "line n of the first is the source of line n of the second); text (one file of running text).");
  const std::string prose = folder.write("prose", "\nJust some text.\n");
  EXPECT_EQ(error_of<DataError>([&] { read_pairs({prose}); }),
            prose +
                ": [data] this task needs sources and targets; got one file of running text. Give one file with two "
                "tab-separated columns, or say what a table's columns are: --columns source,target.");
  EXPECT_NE(error_of<DataError>([&] { read_pairs({table, table, table}); }).find("got 3 files"), std::string::npos);
  EXPECT_NE(error_of<DataError>([&] { read_pairs({folder.write("blank", "\n\n")}); }).find("got blank lines only"),
            std::string::npos);
}

PairData data_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  PairData data;
  data.files = {"d.tsv"};
  int64_t line = 0;
  for (const auto& [source, target] : pairs) data.examples.push_back({source, target, ++line, 0});
  return data;
}

TEST(Pairs, EqualTargetsAreNothingToLearn) {
  EXPECT_EQ(error_of<DataError>([] {
              require_learnable(data_of({{"a", "x"}, {"b", "x"}}));
            }),
            "d.tsv: [data] targets must differ for there to be something to learn; got \"x\" in all 2 examples. Check "
            "which column is the target.");
  EXPECT_EQ(error_of<DataError>([] { require_learnable(data_of({})); }),
            "d.tsv: [data] training needs examples; got none, all lines are blank. Write one per line.");
  EXPECT_NO_THROW(require_learnable(data_of({{"a", "x"}, {"b", "y"}})));
}

TEST(Pairs, LinesWithOneSourceAreReferencesOfOneQuestion) {
  const PairData data = data_of({{"a", "1"}, {"b", "2"}, {"a", "3"}});
  const auto questions = group_by_source(data);
  ASSERT_EQ(questions.size(), 2u);
  EXPECT_EQ(questions[0].source, "a");
  EXPECT_EQ(questions[0].examples, (std::vector<int64_t>{0, 2}));
}

TEST(Pairs, ExamplesAreDescribedByTheirLines) {
  const PairData data = data_of({{"a", "1"}, {"b", "2"}, {"a", "3"}, {"c", "4"}});
  EXPECT_EQ(describe_examples(data, {2, 0, 3, 1}), "d.tsv lines 1, 2, 3 (+1 more)");
  EXPECT_EQ(describe_examples(data, {1}), "d.tsv line 2");
}

}  // namespace pairs_test
}  // namespace carousel::data
