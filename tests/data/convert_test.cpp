// From format to format and back.
#include "carousel/data/convert.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/data/any_data.h"
#include "carousel/data/unicode.h"
#include "carousel/data/writers.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace convert_test {

using testing::error_of;
using testing::TempDir;

std::string converted(const std::string& file, const std::string& to, bool lossy = false) {
  std::string text;
  convert_data({file}, to, lossy, {}, text);
  return text;
}

std::string refused(const std::string& file, const std::string& to) {
  return error_of<DataError>([&] { converted(file, to); });
}

constexpr const char* kConllu =
    "1\tThe\t_\tDET\t_\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n1\tGo\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n";

TEST(Convert, PairsGoThroughAllTheirFormatsAndComeBack) {
  const TempDir dir;
  const std::string tsv = "a b\tX, \"Y\"\nnaive\tZ\n\"q\"\t,\n";
  const std::string start = dir.write("a.tsv", tsv);
  EXPECT_EQ(converted(start, "csv"), "source,target\na b,\"X, \"\"Y\"\"\"\nnaive,Z\n\"\"\"q\"\"\",\",\"\n");
  EXPECT_EQ(converted(start, "jsonl"),
            "{\"source\":\"a b\",\"target\":\"X, \\\"Y\\\"\"}\n{\"source\":\"naive\",\"target\":\"Z\"}\n"
            "{\"source\":\"\\\"q\\\"\",\"target\":\",\"}\n");
  EXPECT_EQ(converted(start, "in-out"), "IN: a b OUT: X, \"Y\"\nIN: naive OUT: Z\nIN: \"q\" OUT: ,\n");
  for (const char* format : {"csv", "jsonl", "in-out", "tsv"})
    EXPECT_EQ(converted(dir.write(std::string("b.") + format, converted(start, format)), "tsv"), tsv) << format;
}

TEST(Convert, LabelsGoThroughAllTheirFormatsAndComeBack) {
  const TempDir dir;
  std::string lines;
  for (int i = 0; i < 30; ++i)
    lines += "__label__" + std::string(i % 2 == 0 ? "good" : "bad") + " text, number " + std::to_string(i) + " it is\n";
  const std::string start = dir.write("a.txt", lines);
  for (const char* format : {"tsv", "csv", "jsonl", "fasttext"})
    EXPECT_EQ(converted(dir.write(std::string("b.") + format, converted(start, format)), "fasttext"), lines) << format;
  EXPECT_EQ(converted(start, "jsonl").substr(0, 45), "{\"text\":\"text, number 0 it is\",\"label\":\"good\"");
}

TEST(Convert, TagsGoToColumnsAndBack) {
  const TempDir dir;
  const std::string conllu = dir.write("a.conllu", kConllu);
  const std::string columns = converted(conllu, "columns");
  EXPECT_EQ(columns, "The\tDET\ncat\tNOUN\n\nGo\tVERB\n\n");
  EXPECT_EQ(converted(conllu, "conllu"), kConllu);
}

TEST(Convert, SeriesKeepTimesNamesAndValues) {
  const TempDir dir;
  std::string csv = "time,a,b\n";
  for (int i = 0; i < 20; ++i)
    csv += "2024-01-01 " + std::string(i < 10 ? "0" : "") + std::to_string(i) + ":00," +
           std::to_string(0.1 * i).substr(0, 3) + ",-7.25\n";
  const std::string start = dir.write("a.csv", csv);
  const std::string tsv = converted(start, "tsv");
  EXPECT_EQ(tsv.substr(0, 40), "time\ta\tb\n2024-01-01 00:00\t0\t-7.25\n2024-0");
  EXPECT_EQ(converted(dir.write("b.tsv", tsv), "tsv"), tsv);
}

TEST(Convert, SeriesOfUnequalLengthsAreWrittenInTheLongLayout) {
  SeriesSet set;
  set.file = "x";
  const auto times = [](std::vector<int64_t> t) { return std::make_shared<const std::vector<int64_t>>(std::move(t)); };
  set.series.push_back({"a", {1, 2}, times({1, 2}), nullptr, nullptr, {}});
  set.series.push_back({"b", {3}, times({5}), nullptr, nullptr, {}});
  EXPECT_EQ(layout_of(set), "long");
  EXPECT_EQ(series_table(set, ','), "series,time,value\na,1,1\na,2,2\nb,5,3\n");
  set.series[0].times = set.series[1].times = nullptr;
  EXPECT_EQ(layout_of(set), "rows");
  EXPECT_EQ(series_table(set, ','), "a,1,2\nb,3\n");
  set.series[1].known = std::make_shared<const KnownColumns>();
  EXPECT_NE(error_of<DataError>([&] {
              series_table(set, ',');
            }).find("a series with columns that are known in advance cannot be written; got"),
            std::string::npos);
}

TEST(Convert, RandomPairsReadBackAsTheyWereOrAreRefused) {
  static const std::vector<std::string> parts = {
      "a",         " ", ",",        "\"",           "IN:", " OUT:", "{",      "\\",
      "__label__", ";", "\xC3\xBC", "\xE2\x80\xA8", "#",   "\t",    "source", "'"};
  const TempDir dir;
  Rng rng(2, 0);
  int written = 0, refused_count = 0;
  for (int round = 0; round < 60; ++round) {
    PairData data;
    data.files = {"x"};
    std::string objects;
    for (int i = 0; i < 4; ++i) {
      std::string sides[2];
      for (std::string& side : sides)
        for (uint64_t k = 1 + rng.below(6); k > 0; --k) side += parts[rng.below(parts.size())];
      data.examples.push_back({"k" + sides[0], "m" + sides[1], i + 1, 0});
    }
    const std::string file = dir.write("x.jsonl", writers()[2].pairs(data));
    for (const WrittenFormat& format : written_formats()) {
      std::string text;
      try {
        convert_data({file}, format.name, true, {}, text);
      } catch (const Error&) {
        ++refused_count;
        continue;
      }
      ++written;
      // What convert_data promises is tested here through the readers it used and by a second conversion.
      DataReading reading;
      reading.columns = format.name == "csv" || format.name == "tsv" ? "source,target" : "auto";
      reading.header = format.name == "tsv" ? "no" : "auto";
      const std::string again = dir.write("y." + format.name, text);
      std::string back;
      convert_data({again}, "jsonl", true, reading, back);
      std::string first;
      convert_data({file}, "jsonl", true, {}, first);
      EXPECT_EQ(back, first) << format.name;
    }
  }
  EXPECT_GT(written, 100);
  EXPECT_GT(refused_count, 60);
}

TEST(Convert, WhatAFormatCannotHoldIsNamedWithItsPlace) {
  const TempDir dir;
  const std::string in =
      dir.write("a.jsonl", "{\"source\":\"x\",\"target\":\"y\"}\n{\"source\":\"x OUT: z\",\"target\":\"y\"}\n");
  EXPECT_EQ(
      refused(in, "in-out"),
      in + ":2: [data] what is written in in-out must read back as it was; got \"x / z OUT: y\" back for \"x OUT: z "
           "/ y\". Convert to another format, or change the example.");
  std::string rows = "label,text\n";
  for (int i = 0; i < 30; ++i)
    rows += std::string(i % 2 == 0 ? "very good" : "bad") + ",text number " + std::to_string(i) + "\n";
  const std::string labels = dir.write("l.csv", rows);
  EXPECT_EQ(refused(labels, "fasttext"), labels +
                                             ":2: [data] a label before a text must be one word; got \"very good\". "
                                             "Rename it, or convert to tsv, csv or jsonl.");
}

TEST(Convert, NothingIsLostUnasked) {
  const TempDir dir;
  const std::string full = dir.write(
      "a.conllu",
      "# sent_id = "
      "1\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n1\tde\tde\tADP\t_\t_\t0\troot\t_\t_\n2\tle\tle\tDET\t_\t_\t1\tdet\t_\t_\n");
  EXPECT_EQ(refused(full, "columns"),
            full +
                ": [data] a conversion to columns must lose nothing unasked; got a file with fields of CoNLL-U beside "
                "form and upos, comments, ranges of tokens and empty nodes. Leave it out with --lossy.");
  EXPECT_EQ(converted(full, "columns", true), "de\tADP\nle\tDET\n\n");
  const std::string keys = dir.write("b.jsonl", "{\"source\":\"a\",\"target\":\"b\",\"id\":7}\n");
  EXPECT_NE(refused(keys, "tsv").find("got a file with the keys id."), std::string::npos) << refused(keys, "tsv");
  const std::string breaks = dir.write("c.csv", "source,target\n\"one\ntwo\",three\n");
  EXPECT_NE(refused(breaks, "tsv").find("tabs or line ends in texts, which become spaces"), std::string::npos);
  for (const char* escaped : {"\\n", "\\t", "\\r", "\\u0000"}) {
    const std::string text = dir.write("e.jsonl", std::string("{\"source\":\"a") + escaped + "b\",\"target\":\"c\"}\n");
    EXPECT_NE(refused(text, "tsv").find("tabs or line ends in texts, which become spaces"), std::string::npos)
        << escaped;
  }
  const std::string path = dir.write("f.jsonl", "{\"source\":\"C:\\\\new\\\\t\",\"target\":\"c\"}\n");
  EXPECT_EQ(converted(path, "tsv", false), "C:\\new\\t\tc\n") << "a backslash is no line end";
  const std::string columns = dir.write("d.csv", "id,source,target\n1,a,b\n");
  EXPECT_NE(refused(columns, "jsonl").find("1 other column"), std::string::npos) << refused(columns, "jsonl");
}

TEST(Convert, OtherKindsAreRefusedWithWhatTheyCanBecome) {
  const TempDir dir;
  EXPECT_EQ(
      error_of<UnsupportedError>([&] { converted(dir.write("a.tsv", "a\tb\nc\td\n"), "conllu"); }),
      "[data] conllu must hold the kind of data that is converted; got pairs (two tab-separated columns in all of "
      "the 2 lines). Convert to one of tsv, csv, jsonl, in-out.");
  EXPECT_NE(error_of<UnsupportedError>([&] {
              converted(dir.write("a.txt", "to be\nor not\n"), "tsv");
            }).find("got running text"),
            std::string::npos);
  EXPECT_EQ(error_of<ConfigError>([&] { converted(dir.write("a.tsv", "a\tb\n"), "xml"); }),
            "[data] a format that is written must be one of tsv, csv, jsonl, in-out, fasttext, conllu, columns; got "
            "\"xml\". Use one of those.");
}

TEST(Convert, TheEndingOfANameTellsTheFormat) {
  EXPECT_EQ(format_of_name("x.jsonl"), "jsonl");
  EXPECT_EQ(format_of_name("x.conll"), "columns");
  EXPECT_EQ(format_of_name("x.txt"), "");
}

}  // namespace convert_test
}  // namespace carousel::data
