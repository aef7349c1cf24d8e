// What a look at tagged sentences shows.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "carousel/data/check.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace check_tags_test {

using testing::TempDir;

std::string said(const DataReport& report) {
  std::string text;
  for (const std::string& sentence : report.sentences()) text += sentence + "\n";
  return text;
}

TEST(CheckTags, ShowsTagsIllegalSequencesAndLeaks) {
  const TempDir dir;
  const std::string file = dir.write("a.conll",
                                     "EU\tB-ORG\nsays\tO\nso\tO\n\nEU\tB-ORG\nsays\tO\nso\tO\n\nAnn\tI-PER\nsays\tO\n\n"
                                     "Bob\tB-PER\nLee\tI-ORG\n\nso\tO\n");
  const std::string dev = dir.write("d.conll", "EU\tB-ORG\nsays\tO\nso\tO\n\nRome\tB-LOC\nis\tO\n");
  const DataReport report = check({file}, {dev}, {});
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.format, "columns");
  EXPECT_EQ(report.scheme, "iob2");
  EXPECT_EQ(report.examples, 5);
  const std::string text = said(report);
  for (const std::string& sentence :
       {"1 dev example is in the training data too, so its score means nothing: " + dev + ":1: \"EU says so\"\n",
        std::string("1 example repeats another exactly: ") + file + ":5 repeats line 1: \"EU says so\"\n",
        std::string("5 tags: O 6 (54.5 %), B-ORG 2 (18.2 %), "),
        std::string("1 tag of dev is not in the training data, so no answer can be right: B-LOC\n"),
        "2 tags break the scheme of their spans, iob2: " + file + ":9:5: I-PER at the beginning of a sentence; " +
            file + ":13:5: I-ORG behind B-PER\n",
        std::string("sentence: words, as they stand in the data\n")})
    EXPECT_NE(text.find(sentence), std::string::npos) << sentence << "in\n" << text;
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["labels"]["scheme"], "iob2");
  EXPECT_EQ(json["labels"]["illegal"]["count"], 2);
  EXPECT_EQ(json["labels"]["counts"]["O"], 6);
}

TEST(CheckTags, NamesTheEndOfASentenceAndBadLines) {
  const TempDir dir;
  const std::string file =
      dir.write("a.conll", "a\tB-X\nb\tE-X\n\nc\tS-X\nd\tB-X\n\ne\tO\nbad\nf\tO\n\ng\tO\nh\tO\ni\tO\nj\tO\n");
  const DataReport report = check({file}, {}, {});
  EXPECT_FALSE(report.sound());
  const std::string text = said(report);
  EXPECT_NE(text.find("1 line would be refused: " + file + ":8:4: [data] a line must have 2 columns"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("1 tag breaks the scheme of its spans, bioes: " + file + ":5:3: B-X at the end of a sentence\n"),
            std::string::npos)
      << text;
}

TEST(CheckTags, LooksAtAFolder) {
  const TempDir dir;
  dir.write("seq.in", "play jazz\nplay rock\nplay jazz\n");
  dir.write("seq.out", "O B-genre\nO B-genre\nO O\n");
  const DataReport report = check({dir.path()}, {}, {});
  EXPECT_EQ(report.format, "folder");
  EXPECT_NE(said(report).find("1 sentence is tagged in several ways: at most one can be answered: "), std::string::npos)
      << said(report);
}

}  // namespace check_tags_test
}  // namespace carousel::data
