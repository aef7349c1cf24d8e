// carousel data stats and convert from outside.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"

namespace carousel::cli {
namespace data_test {

using carousel::testing::content_of;
using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;

TEST(DataCommands, StatsDrawWhatTheyCount) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += std::string(i % 4 == 0 ? "__label__rare" : "__label__often") +
            std::string(static_cast<size_t>(i % 3) + 1, ' ') + "some words of a text\n";
  const std::string data = dir.write("a.txt", text);
  const Ran drawn = run({"data", "stats", data, "--color", "never"});
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_EQ(drawn.out.rfind("labelled texts (lines: ", 0), 0u) << drawn.out;
  EXPECT_NE(drawn.out.find("length of a text in words: 5 to 5, mean 5.0, median 5"), std::string::npos) << drawn.out;
  EXPECT_NE(drawn.out.find("2 different labels, evenness 0.88"), std::string::npos) << drawn.out;
  EXPECT_NE(drawn.out.find("often  30 (75.0 %)  "), std::string::npos) << drawn.out;
  const Ran json = run({"data", "stats", data, "--json", "--dev", dir.write("b.txt", "__label__rare other words\n")});
  const auto object = nlohmann::json::parse(json.out);
  EXPECT_EQ(object["counts"]["examples"], 40);
  EXPECT_EQ(object["balance"][0]["counts"][0]["label"], "often");
  EXPECT_EQ(object["coverage"][0]["dev"]["unknown"], 1);
}

TEST(DataCommands, LabelsOfAFileCannotSteerTheTerminal) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += std::string(i % 2 == 0 ? "__label__a" : "__label__\x1B[2J") + " some words of a text\n";
  const Ran drawn = run({"data", "stats", dir.write("a.txt", text)});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_EQ(drawn.out.find('\x1B'), std::string::npos);
}

TEST(DataCommands, ConvertWritesWhatItSays) {
  const TempDir dir;
  const std::string data = dir.write("a.tsv", "one\tX\ntwo\tY\n");
  const Ran ran = run({"data", "convert", data, "-o", dir.file("b.jsonl")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.err, data + ": 2 of pairs (tsv) as jsonl in " + dir.file("b.jsonl") + "\n");
  EXPECT_EQ(content_of(dir.file("b.jsonl")),
            "{\"source\":\"one\",\"target\":\"X\"}\n{\"source\":\"two\",\"target\":\"Y\"}\n");
  const std::string full = dir.write("c.jsonl", "{\"source\":\"a\",\"target\":\"b\",\"id\":1}\n");
  EXPECT_EQ(run({"data", "convert", full, "-o", dir.file("d.tsv")}).code, 3);
  EXPECT_FALSE(std::filesystem::exists(dir.file("d.tsv")));
  const Ran lossy = run({"data", "convert", full, "-o", dir.file("d.tsv"), "--lossy"});
  EXPECT_EQ(lossy.err.rfind("left out: the keys id\n", 0), 0u) << lossy.err;
  EXPECT_EQ(content_of(dir.file("d.tsv")), "a\tb\n");
}

TEST(DataCommands, AreToldHowToReadAsTrainingIs) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 30; ++i) text += fmt::format("{},words of text {},kind {}\n", i, i, i % 3);
  const std::string data = dir.write("a.csv", text);
  const Ran said = run({"data", "check", data, "--columns", "_,text,label", "--json"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(nlohmann::json::parse(said.out)["labels"]["counts"]["kind 1"], 10);
  EXPECT_EQ(nlohmann::json::parse(run({"data", "stats", data, "--columns", "_,source,target", "--json"}).out)["kind"],
            "pairs");
  const Ran written = run({"data", "convert", data, "--columns", "_,text,label", "--lossy", "-o", dir.file("b.tsv")});
  EXPECT_EQ(written.code, 0) << written.err;
  const std::string holes =
      dir.write("h.csv", "date,x\n1/2/2020 0:00,1\n1/2/2020 12:00,NA\n1/3/2020 0:00,3\n1/3/2020 12:00,4\n");
  EXPECT_EQ(run({"data", "check", holes, "--columns", "time,value"}).code, 3);
  const Ran filled = run({"data", "check", holes, "--columns", "time,value", "--set", "missing=interpolate"});
  EXPECT_EQ(filled.code, 0) << filled.out << filled.err;
  EXPECT_NE(filled.out.find("1 missing value was filled in"), std::string::npos) << filled.out;
  EXPECT_NE(filled.out.find("one each 12 hours"), std::string::npos) << filled.out;
  const Ran ordered = run(
      {"data", "check", holes, "--columns", "time,value", "--set", "missing=interpolate", "--set", "dates=day_first"});
  EXPECT_NE(ordered.out.find("another step than 12 hours stands in 1 place"), std::string::npos) << ordered.out;
  const Ran unknown = run({"data", "check", holes, "--set", "hidden_size=3"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("[--set] no option is called \"hidden_size\""), std::string::npos) << unknown.err;
}

TEST(DataCommands, ConvertRefusesNamesThatMakeNoSense) {
  const TempDir dir;
  const std::string data = dir.write("a.tsv", "one\tX\ntwo\tY\n");
  const auto error = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"data", "convert", data};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, 2);
    return ran.err;
  };
  EXPECT_EQ(error({"-o", data}), "carousel: [data convert] the output must not overwrite the data; got " + data +
                                     " for both. Name another file.\n");
  EXPECT_EQ(
      error({"-o", "x.txt"}),
      "carousel: [data convert] the format must be told; got the name x.txt, whose ending is none of a format. Say it "
      "with --to.\n");
  EXPECT_EQ(
      error({"-o", "x.tsv.gz"}),
      "carousel: [data convert] what is converted is written as it is; got the name x.tsv.gz of a packed file. Leave "
      "the ending out.\n");
}

TEST(DataCommands, CheckSaysWhereAFileIsNoUtf8) {
  const TempDir dir;
  const std::string latin = dir.write("latin.txt", "d\xE9j\xE0 vu\n\xE9t\xE9\n");
  const Ran ran = run({"data", "check", latin});
  EXPECT_EQ(ran.code, 3);
  EXPECT_NE(ran.err.find(latin + ":1:2: [data] text must be UTF-8; got byte 0xE9. Convert the file, for example: iconv "
                                 "-f LATIN1 -t UTF-8 FILE > NEW."),
            std::string::npos)
      << ran.err;
}

}  // namespace data_test
}  // namespace carousel::cli
