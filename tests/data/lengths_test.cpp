#include "carousel/data/lengths.h"

#include <gtest/gtest.h>

#include "carousel/data/check.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace lengths_test {

using testing::error_of;
using testing::TempDir;

PairData pairs_of(const std::vector<std::pair<std::string, std::string>>& texts) {
  PairData data;
  data.files = {"words.tsv"};
  int64_t line = 0;
  for (const auto& [source, target] : texts) data.examples.push_back({source, target, ++line, 0});
  return data;
}

class Lengths : public ::testing::Test {
 protected:
  LengthCut cut(int64_t most) {
    return cut_long(data, {0, 1, 2}, {*make_character_tokenizer({"abc"}, {}, 1), *make_word_tokenizer({"x y"}, {}, 1)},
                    most);
  }
  PairData data = pairs_of({{"abc", "x"}, {"abcabc", "x y"}, {"a", "x y x y x y x y"}});
};

TEST_F(Lengths, CountsTheSymbolsOfTheLongerSide) {
  EXPECT_EQ(cut(8).dropped, std::vector<int64_t>{});
  EXPECT_EQ(cut(7).dropped, std::vector<int64_t>{2});
  EXPECT_EQ(cut(7).longest, 8);
  EXPECT_EQ(cut(6).kept, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(cut(5).dropped, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(cut(3).kept, std::vector<int64_t>{0});
}

TEST_F(Lengths, SaysWhichLinesAreLeftOut) {
  EXPECT_EQ(describe_cut(data, cut(5), 5),
            "2 pairs have more than max_length = 5 symbols on a side (up to 8) and are left out: words.tsv lines 2, 3");
  EXPECT_EQ(describe_cut(data, cut(7), 7),
            "1 pair has more than max_length = 7 symbols on a side (up to 8) and is left out: words.tsv line 3");
}

TEST_F(Lengths, NothingLeftIsAnError) {
  EXPECT_NO_THROW(require_kept(data, cut(5), 5));
  EXPECT_EQ(
      error_of<DataError>([&] { require_kept(data, cut(2), 2); }),
      "words.tsv:1: [data] a source or target may have at most 2 symbols (max_length); got more in every pair, up "
      "to 8. Cut the texts into sentences, or raise max_length.");
}

TEST(LengthsOfData, TheCheckCountsLongExamplesAndRefusesWhenAllAre) {
  TempDir folder;
  DataConfig config;
  config.max_length = 4;
  const DataReport some = check({folder.write("s.tsv", "ab\tx\nba\ty\nabcde\tz\n")}, {}, config);
  EXPECT_EQ(some.too_long.count, 1);
  EXPECT_EQ(some.too_long.examples[0], folder.file("s.tsv") + ":3");
  EXPECT_TRUE(some.sound());
  config.max_length = 1;
  const DataReport all = check({folder.write("a.tsv", "ab\tx\nba\ty\n")}, {}, config);
  EXPECT_FALSE(all.sound());
  EXPECT_NE(all.refusal.find("may have at most 1 symbols (max_length)"), std::string::npos) << all.refusal;
}

}  // namespace lengths_test
}  // namespace carousel::data
