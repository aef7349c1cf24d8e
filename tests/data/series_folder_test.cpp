// Folders of series and their windows of anomalies.
#include "carousel/data/series_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace series_folder_test {

using carousel::testing::TempDir;

std::string refusal(const std::string& json) {
  try {
    parse_windows(json, "w.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

std::string form(const std::string& place, const std::string& got) {
  return "w.json:" + place +
         ": [data] windows with anomalies must stand in a JSON object of the form {\"group/file.csv\": "
         "[[\"2014-02-26 13:45:00\", \"2014-02-27 06:25:00\"]]}; got " +
         got + ". Write them so.";
}

TEST(Windows, AreReadByFileAndSorted) {
  const WindowLabels labels = parse_windows(
      R"({"a/x.csv": [["2014-02-02 00:00:00.000000", "2014-02-03"], ["2014-02-01", "2014-02-01"]], "y.csv": [], "z.csv": [[3, 5]]})",
      "w.json");
  ASSERT_EQ(labels.windows.size(), 3u);
  const auto& x = labels.windows.at("a/x.csv");
  ASSERT_EQ(x.size(), 2u);
  EXPECT_EQ(x[0].first, parse_time("2014-02-01")->value);
  EXPECT_EQ(x[1].last, parse_time("2014-02-03")->value);
  EXPECT_EQ(labels.windows.at("z.csv").front().last, 5);
}

TEST(Windows, AreFoundByTheEndOfAPath) {
  const WindowLabels labels = parse_windows(R"({"a/x.csv": [[1, 2]], "x.csv": [[3, 4]], "y.csv": []})", "w.json");
  EXPECT_EQ(labels.of("/data/a/x.csv")->front().first, 1) << "the longer name";
  EXPECT_EQ(labels.of("/data/b/x.csv")->front().first, 3);
  EXPECT_EQ(labels.of("x.csv")->front().first, 3);
  EXPECT_TRUE(labels.of("/data/y.csv")->empty());
  EXPECT_EQ(labels.of("/data/xx.csv"), nullptr) << "whole names only";
  EXPECT_EQ(labels.of("/data/z.csv"), nullptr);
}

TEST(Windows, OfAnotherFormAreRefused) {
  EXPECT_EQ(refusal("[1]"), form("1:1", "another text"));
  EXPECT_EQ(refusal("{"), form("1:2", "another text"));
  EXPECT_EQ(refusal(R"({"a": 1})"), form("1:7", "no list in \"a\""));
  EXPECT_EQ(refusal(R"({"a": [1]})"), form("1:8", "no pair of times in \"a\""));
  EXPECT_EQ(refusal(R"({"a": [[1]]})"), form("1:8", "no pair of times in \"a\""));
  EXPECT_EQ(refusal(R"({"a": [[1, null]]})"), form("1:12", "no time in \"a\""));
  EXPECT_EQ(refusal(R"({"a": [[1, "soon"]]})"), form("1:12", "\"soon\" in \"a\""));
  EXPECT_EQ(refusal(R"({"a": [[2, 1]]})"), form("1:8", "a window that ends before it begins in \"a\""));
  EXPECT_EQ(refusal(R"({"a": [], "a": []})"), form("1:16", "\"a\" twice"));
  EXPECT_EQ(refusal("{\"a\": [],\n \"b\": [[1, 2],\n  [3]]}"), form("3:3", "no pair of times in \"b\""));
  EXPECT_EQ(refusal("{\"a\": [\n,]}"), form("2:1", "another text"));
  EXPECT_EQ(refusal("{\"a\":\n \"\xE9\"}"), form("2:3", "a byte that is no UTF-8"));
  EXPECT_EQ(refusal(R"({"": []})"), form("1:6", "an empty name"));
}

std::string refused_folder(const std::string& folder) {
  try {
    look_into(folder);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(SeriesFolder, FindsTablesAndWindowsBelowIt) {
  const TempDir dir;
  std::filesystem::create_directories(dir.file("data/b"));
  std::filesystem::create_directories(dir.file("labels"));
  std::filesystem::create_directories(dir.file(".git"));
  for (const char* name : {"data/b/2.csv", "data/1.csv.gz", "data/b/1.tsv", "data/readme.md", "data/.hidden.csv",
                           ".git/3.csv", "labels/combined_labels.json"})
    dir.write(name, "x");
  const std::string windows = dir.write("labels/combined_windows.visible.json", "{}");
  SeriesFolder folder = look_into(dir.file(""));
  ASSERT_EQ(folder.tables.size(), 3u);
  EXPECT_TRUE(folder.tables[0].ends_with("data/1.csv.gz"));
  EXPECT_TRUE(folder.tables[1].ends_with("data/b/1.tsv"));
  EXPECT_TRUE(folder.tables[2].ends_with("data/b/2.csv"));
  EXPECT_TRUE(std::filesystem::equivalent(folder.windows, windows));
  EXPECT_EQ(all_files_behind(dir.file("")).size(), 4u);
  dir.write("labels/combined_windows_tiers.json", "{}");
  EXPECT_NE(refused_folder(dir.file("")).find("[data] the windows with anomalies must stand in one file; got "),
            std::string::npos);
  dir.write("labels/combined_windows.json", "{}");
  EXPECT_TRUE(look_into(dir.file("")).windows.ends_with("combined_windows.json"));
}

TEST(SeriesFolder, WithoutTablesIsRefused) {
  const TempDir dir;
  EXPECT_EQ(refused_folder(dir.file("")),
            dir.file("") +
                ": [data] a folder of series must hold tables (.csv or .tsv); got none. Name another folder, or one "
                "file.");
  EXPECT_NE(refused_folder(dir.file("none")).find("must be readable"), std::string::npos);
}

}  // namespace series_folder_test
}  // namespace carousel::data
