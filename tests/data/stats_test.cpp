// Figures of data against ones that were counted by hand.
#include "carousel/data/stats.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace stats_test {

using testing::TempDir;

int64_t count_of(const DataStats& stats, const std::string& name) {
  for (const auto& [other, count] : stats.counts)
    if (other == name) return count;
  ADD_FAILURE() << "no count of " << name;
  return -1;
}

TEST(Distribution, BinsHoldAllValuesAndPercentilesAreTheirs) {
  Rng rng(1, 0);
  std::vector<std::pair<int64_t, int64_t>> counts;
  std::vector<int64_t> all;
  for (int64_t value = 3; value < 400; value += 1 + static_cast<int64_t>(rng.below(7))) {
    const auto times = static_cast<int64_t>(rng.below(9));
    counts.emplace_back(value, times);
    all.insert(all.end(), static_cast<size_t>(times), value);
  }
  const Distribution d = distribution_of("x", "y", counts);
  ASSERT_EQ(d.count, static_cast<int64_t>(all.size()));
  EXPECT_EQ(d.median, all[all.size() / 2]);
  EXPECT_EQ(d.percentile_90, all[all.size() * 90 / 100]);
  EXPECT_EQ(d.percentile_99, all[all.size() * 99 / 100]);
  EXPECT_EQ(d.max, all.back());
  EXPECT_LE(d.bins.size(), static_cast<size_t>(Distribution::kBins));
  for (size_t i = 0; i < d.bins.size(); ++i) {
    const auto& bin = d.bins[i];
    EXPECT_EQ(bin.count, std::count_if(all.begin(), all.end(),
                                       [&](int64_t value) { return value >= bin.low && value <= bin.high; }));
    EXPECT_EQ(bin.low, i > 0 ? d.bins[i - 1].high + 1 : d.min);
  }
  EXPECT_EQ(distribution_of("x", "y", {}).count, 0);
  EXPECT_EQ(distribution_of("x", "y", {{5, 2}}).bins.size(), 1u);
}

TEST(DataStats, OfRunningTextCountWordsAndWhatDevDoesNotShare) {
  const TempDir dir;
  const DataStats stats = data_stats({dir.write("a.txt", "to be or\nnot to be\n\nto go\n")},
                                     {dir.write("b.txt", "to be far away far\n")}, {});
  EXPECT_EQ(stats.kind, "running text");
  EXPECT_EQ(count_of(stats, "lines"), 4);
  EXPECT_EQ(count_of(stats, "blank lines"), 1);
  EXPECT_EQ(count_of(stats, "words"), 8);
  EXPECT_EQ(count_of(stats, "characters"), 22);
  ASSERT_EQ(stats.coverage.size(), 1u);
  EXPECT_EQ(stats.coverage[0].different, 5);
  EXPECT_EQ(stats.coverage[0].once, 3);
  EXPECT_EQ(stats.coverage[0].dev_running, 5);
  EXPECT_EQ(stats.coverage[0].dev_unknown, 3);
  EXPECT_EQ(stats.coverage[0].dev_examples, (std::vector<std::string>{"far", "away"}));
  EXPECT_EQ(stats.lengths.at(0).max, 3);
}

TEST(DataStats, CoverageIsThatOfTheMostFrequent) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 100; ++i)
    for (int k = 0; k <= (i < 10 ? 8 : 0); ++k)
      text += "w" + std::string(1, static_cast<char>('a' + i / 10)) + std::string(1, static_cast<char>('a' + i % 10)) +
              (k % 3 == 2 ? "\n" : " ");
  const DataStats stats = data_stats({dir.write("a.txt", text + "\n")}, {}, {});
  ASSERT_EQ(stats.coverage.at(0).tops.size(), 2u);
  EXPECT_DOUBLE_EQ(stats.coverage[0].tops[0].share, 90.0 / 180);
  EXPECT_DOUBLE_EQ(stats.coverage[0].tops[1].share, 1);
}

TEST(DataStats, OfPairsBothSidesAreMeasuredInTheSymbolsOfTraining) {
  const TempDir dir;
  const DataStats stats =
      data_stats({dir.write("a.tsv", "ab\tX Y\nabc\tX Y Z\nab\tX\n")}, {dir.write("d.tsv", "abq\tX Q\n")}, {});
  EXPECT_EQ(stats.kind, "pairs");
  EXPECT_EQ(count_of(stats, "examples"), 3);
  EXPECT_EQ(count_of(stats, "different sources"), 2);
  EXPECT_EQ(count_of(stats, "dev examples"), 1);
  ASSERT_EQ(stats.lengths.size(), 2u);
  EXPECT_EQ(stats.lengths[0].unit, "characters");
  EXPECT_EQ(stats.lengths[0].max, 3);
  EXPECT_EQ(stats.lengths[1].unit, "words");
  EXPECT_EQ(stats.coverage.at(0).dev_examples, (std::vector<std::string>{"q"}));
  EXPECT_EQ(stats.coverage.at(1).dev_examples, (std::vector<std::string>{"Q"}));
}

TEST(DataStats, LabelsAndTagsShowTheirBalance) {
  const TempDir dir;
  const DataStats labels =
      data_stats({dir.write("a.txt", "__label__x one two\n__label__y three\n__label__x four\n")}, {}, {});
  EXPECT_EQ(labels.kind, "labelled texts");
  ASSERT_EQ(labels.balance.size(), 1u);
  using Counts = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(labels.balance[0].counts, (Counts{{"x", 2}, {"y", 1}}));
  EXPECT_NEAR(labels.balance[0].evenness(), std::exp(-(2.0 / 3 * std::log(2.0 / 3) + 1.0 / 3 * std::log(1.0 / 3))) / 2,
              1e-12);
  const DataStats tags = data_stats({dir.write("a.conllu",
                                               "1\ta\t_\tDET\t_\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n"
                                               "1\tcats\t_\tNOUN\t_\t_\t_\t_\t_\t_\n")},
                                    {}, {});
  EXPECT_EQ(tags.kind, "tagged sentences");
  EXPECT_EQ(count_of(tags, "tokens"), 3);
  EXPECT_EQ(tags.balance.at(0).counts, (Counts{{"NOUN", 2}, {"DET", 1}}));
}

TEST(DataStats, NumbersShowTheirRanges) {
  const TempDir dir;
  std::string text = "time,load,flat\n";
  for (int i = 0; i < 20; ++i)
    text += "2024-01-" + std::string(i < 9 ? "0" : "") + std::to_string(i + 1) + "," +
            std::to_string(i % 2 == 0 ? 1 : 3) + ",7\n";
  const DataStats stats = data_stats({dir.write("a.csv", text)}, {}, {});
  EXPECT_EQ(stats.kind, "series of numbers");
  ASSERT_EQ(stats.columns.size(), 2u);
  EXPECT_EQ(stats.columns[0].name, "load");
  EXPECT_EQ(stats.columns[0].min, 1);
  EXPECT_EQ(stats.columns[0].max, 3);
  EXPECT_DOUBLE_EQ(stats.columns[0].mean, 2);
  EXPECT_DOUBLE_EQ(stats.columns[0].deviation, 1);
  EXPECT_EQ(stats.columns[1].deviation, 0);
}

TEST(DataStats, RecordingsShowLengthsAndLabels) {
  const TempDir dir;
  for (int i = 0; i < 4; ++i)
    dir.write((i % 2 == 0 ? "cat_" : "dog_") + std::to_string(i) + ".wav", testing::wav(8000, 1600 + 800 * i));
  const DataStats stats = data_stats({dir.path()}, {}, {});
  EXPECT_EQ(stats.kind, "sequences of frames");
  EXPECT_EQ(count_of(stats, "sequences"), 4);
  EXPECT_EQ(count_of(stats, "samples a second"), 8000);
  EXPECT_EQ(stats.lengths.at(0).unit, "frames");
  EXPECT_EQ(stats.balance.at(0).counts.size(), 2u);
  EXPECT_EQ(static_cast<int64_t>(stats.columns.size()), count_of(stats, "width"));
}

TEST(DataStats, JsonHoldsTheSame) {
  const TempDir dir;
  const DataStats stats = data_stats({dir.write("a.tsv", "ab\tX Y\nabc\tX\n")}, {dir.write("d.tsv", "q\tX\n")}, {});
  const auto json = nlohmann::json::parse(stats.to_json());
  EXPECT_EQ(json["schema"], "carousel/data-stats@1");
  EXPECT_EQ(json["counts"]["examples"], 2);
  EXPECT_EQ(json["lengths"][0]["max"], 3);
  EXPECT_EQ(json["coverage"][0]["dev"]["unknown"], 1);
  EXPECT_EQ(json["lengths"][0]["bins"].size(), stats.lengths[0].bins.size());
}

}  // namespace stats_test
}  // namespace carousel::data
