#include "carousel/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace split_test {

using testing::error_of;

PairData data_of(const std::vector<std::string>& sources) {
  PairData data;
  data.files = {"d.tsv"};
  int64_t line = 0;
  for (const std::string& source : sources) data.examples.push_back({source, std::to_string(line), ++line, 0});
  return data;
}

std::vector<std::string> numbered(int count) {
  std::vector<std::string> words;
  for (int i = 0; i < count; ++i) words.push_back("word" + std::to_string(i));
  return words;
}

std::set<std::string> sources_of(const PairData& data, const std::vector<int64_t>& side) {
  std::set<std::string> sources;
  for (const int64_t i : side) sources.insert(data.examples[static_cast<size_t>(i)].source);
  return sources;
}

TEST(Split, EveryExampleIsOnOneSide) {
  const PairData data = data_of(numbered(1000));
  const Split split = cut_dev(data, {}, 1);
  EXPECT_EQ(split.dev.size(), 100u);
  std::vector<int64_t> all = split.train;
  all.insert(all.end(), split.dev.begin(), split.dev.end());
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), 1000u);
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(all[static_cast<size_t>(i)], i);
}

TEST(Split, DependsOnTheSeedAndNotOnTheOrderOfLines) {
  std::vector<std::string> words = numbered(500);
  const PairData data = data_of(words);
  std::reverse(words.begin(), words.end());
  const PairData reversed = data_of(words);
  const auto dev = sources_of(data, cut_dev(data, {}, 1).dev);
  EXPECT_EQ(dev, sources_of(reversed, cut_dev(reversed, {}, 1).dev));
  EXPECT_NE(dev, sources_of(data, cut_dev(data, {}, 2).dev));
}

TEST(Split, ReferencesOfOneSourceStayTogether) {
  std::vector<std::string> words = numbered(300);
  words.insert(words.end(), words.begin(), words.begin() + 200);
  const PairData data = data_of(words);
  const Split split = cut_dev(data, {}, 3);
  const auto train = sources_of(data, split.train), dev = sources_of(data, split.dev);
  for (const std::string& source : dev) EXPECT_FALSE(train.contains(source));
}

TEST(Split, NeitherSideIsEmpty) {
  for (const double share : {0.001, 0.5, 0.9}) {
    DataConfig config;
    config.dev_share = share;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Split two = cut_dev(data_of({"a", "b"}), config, seed);
      EXPECT_EQ(two.train.size(), 1u);
      EXPECT_EQ(two.dev.size(), 1u);
      const Split large = cut_dev(data_of({"a", "a", "a", "b", "b"}), config, seed);
      EXPECT_FALSE(large.train.empty());
      EXPECT_FALSE(large.dev.empty());
    }
  }
}

TEST(Split, OneSourceCannotBeCut) {
  EXPECT_EQ(
      error_of<DataError>([] {
        cut_dev(data_of({"a", "a"}), {}, 1);
      }),
      "d.tsv: [data] cutting a dev set needs at least 2 different sources; got 1 in 2 examples. Add data, or give a "
      "dev file with --dev.");
}

TEST(Split, SizeFollowsTheShare) {
  EXPECT_EQ(dev_size(3600, 0), 360);
  EXPECT_EQ(dev_size(40000, 0), 3000);
  EXPECT_EQ(dev_size(10000000, 0), 4000);
  EXPECT_EQ(dev_size(100, 0.25), 25);
  EXPECT_EQ(dev_size(3, 0), 1);
}

std::map<int64_t, std::set<std::string>> families_of(const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  const auto numbers = word_families(views);
  std::map<int64_t, std::set<std::string>> families;
  for (size_t i = 0; i < words.size(); ++i) families[numbers[i]].insert(words[i]);
  return families;
}

TEST(WordFamilies, InflectedFormsStayTogether) {
  const auto families = families_of({"zebra", "abandoning", "abandon", "walked", "abandoned", "abandonment", "walk",
                                     "zebras", "abandons", "abandon's", "walking", "walker's"});
  ASSERT_EQ(families.size(), 3u);
  std::set<std::set<std::string>> sets;
  for (const auto& [number, members] : families) sets.insert(members);
  EXPECT_TRUE(sets.contains({"abandon", "abandon's", "abandoned", "abandoning", "abandonment", "abandons"}));
  EXPECT_TRUE(sets.contains({"walk", "walked", "walker's", "walking"}));
  EXPECT_TRUE(sets.contains({"zebra", "zebras"}));
}

TEST(WordFamilies, ADroppedLastLetterAndCaseDoNotPart) {
  EXPECT_EQ(families_of({"abase", "Abased", "ABASING", "carry", "carried"}).size(), 2u);
}

TEST(WordFamilies, ShortOrMuchLongerWordsAreOnTheirOwn) {
  EXPECT_EQ(families_of({"car", "care", "cat", "cats"}).size(), 4u);
  EXPECT_EQ(families_of({"inter", "international"}).size(), 2u);
  EXPECT_EQ(families_of({"", "a"}).size(), 2u);
}

TEST(Split, StemsStayTogether) {
  std::vector<std::string> words;
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::string stem = std::string("st") + c + "mmer";
    for (const char* ending : {"", "s", "ed", "ing"}) words.push_back(stem + ending);
  }
  const PairData data = data_of(words);
  DataConfig config;
  config.group = "stem";
  const Split split = cut_dev(data, config, 1);
  EXPECT_EQ(split.groups, 26);
  for (const int64_t dev : split.dev) {
    for (const int64_t train : split.train) {
      EXPECT_NE(data.examples[static_cast<size_t>(dev)].source.substr(0, 7),
                data.examples[static_cast<size_t>(train)].source.substr(0, 7));
    }
  }
}

}  // namespace split_test
}  // namespace carousel::data
