// The problems of the laboratory are what they say.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/tasks/lab/problems.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks::lab {
namespace lab_problems_test {

using carousel::testing::error_of;

TEST(AddingProblem, AsksForTheSumOfTheMarkedValues) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = adding_problem(11).draw(rng, 50);
  for (int64_t i = 0; i < 50; ++i) {
    const float* frame = batch.frames.data<float>() + i * 22;
    float sum = 0;
    int first = 0, second = 0;
    for (int64_t t = 0; t < 11; ++t) {
      if (frame[2 * t + 1] == 0) continue;
      sum += frame[2 * t];
      ++(t < 5 ? first : second);
    }
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 1);
    EXPECT_FLOAT_EQ(batch.values.data<float>()[i], sum);
  }
}

TEST(AddingProblem, GuessingTheMeanGivesOneSixth) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = adding_problem(4).draw(rng, 20000);
  double sum = 0;
  for (const float value : batch.values.span<float>()) sum += std::pow(static_cast<double>(value) - 1, 2) / 20000;
  EXPECT_NEAR(sum, adding_problem(4).guessing, 0.005);
}

TEST(CopyProblem, AsksForTheSymbolsAfterTheDistance) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = copy_problem({5}, 3).draw(rng, 4);
  ASSERT_EQ(batch.lengths, (std::vector<int64_t>{8, 8, 8, 8}));
  for (size_t i = 0; i < 4; ++i) {
    for (size_t t = 0; t < 8; ++t) {
      const int32_t wanted = batch.classes[i * 8 + t];
      EXPECT_EQ(wanted, t < 5 ? -1 : batch.ids[i * 8 + t - 5]);
    }
    EXPECT_EQ(batch.ids[i * 8 + 3], 8) << "blank";
    EXPECT_EQ(batch.ids[i * 8 + 5], 9) << "begin";
  }
}

TEST(RecallProblem, AsksForTheLanguageOfTheFirstCountryAndNamesOthersOnTheWay) {
  Rng rng(1, 0);
  std::set<std::string> countries;
  for (int i = 0; i < 200; ++i) countries.insert(recall_example(rng, 0).words[4]);
  EXPECT_EQ(countries.size(), 10u);
  int others = 0;
  for (int i = 0; i < 100; ++i) {
    const RecallExample example = recall_example(rng, 60);
    ASSERT_EQ(example.words.size(), 5u + 60u + 4u);
    EXPECT_EQ(example.words[2], "born");
    const std::string& country = example.words[4];
    EXPECT_EQ(example.language.substr(0, 2), country.substr(0, 2)) << "japan, japanese";
    for (size_t k = 5; k < example.words.size(); ++k)
      others += countries.contains(example.words[k]) && example.words[k] != country;
  }
  EXPECT_GT(others, 100);
}

TEST(RecallProblem, DrawsEveryDistanceAndOneClassForEachCountry) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = recall_problem({0, 7}).draw(rng, 200);
  std::map<int64_t, int> lengths;
  std::map<int32_t, std::set<int32_t>> classes;  // by the word that names the country
  size_t begin = 0;
  ASSERT_EQ(batch.classes.size(), 200u);
  for (size_t i = 0; i < 200; ++i) {
    ++lengths[batch.lengths[i]];
    classes[batch.ids[begin + 4]].insert(batch.classes[i]);
    begin += static_cast<size_t>(batch.lengths[i]);
  }
  EXPECT_EQ(begin, batch.ids.size());
  EXPECT_EQ(lengths.size(), 2u);
  EXPECT_GT(lengths[9], 60);
  EXPECT_GT(lengths[16], 60);
  EXPECT_EQ(classes.size(), 10u);
  std::set<int32_t> all;
  for (const auto& [country, wanted] : classes) {
    EXPECT_EQ(wanted.size(), 1u);
    all.insert(wanted.begin(), wanted.end());
  }
  EXPECT_EQ(all.size(), 10u);
}

TEST(CountProblem, WantsASpikeAtEachNthPulse) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = count_problem(3, 30).draw(rng, 5);
  for (size_t i = 0; i < 5; ++i) {
    int pulses = 0;
    for (size_t t = 0; t < 30; ++t) {
      const bool pulse = batch.frames.data<float>()[i * 30 + t] == 1;
      pulses += pulse;
      EXPECT_EQ(batch.classes[i * 30 + t], pulse && pulses % 3 == 0 ? 1 : 0);
    }
  }
}

TEST(RhythmProblem, WantsSpikesLongAfterTheOnlyPulse) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = rhythm_problem(4, 16).draw(rng, 1);
  int64_t start = 0;
  while (batch.frames.data<float>()[start] == 0) ++start;
  for (int64_t t = 0; t < 16; ++t) {
    EXPECT_EQ(batch.frames.data<float>()[t] == 1, t == start);
    EXPECT_EQ(batch.classes[static_cast<size_t>(t)], t > start && (t - start) % 4 == 0 ? 1 : 0);
  }
}

TEST(DelayProblem, AsksEachHeadForItsDelay) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = delay_problem({0, 2}, 5).draw(rng, 1);
  for (size_t t = 0; t < 5; ++t) {
    EXPECT_EQ(batch.classes[2 * t], batch.ids[t]);
    EXPECT_EQ(batch.classes[2 * t + 1], t < 2 ? -1 : batch.ids[t - 2]);
  }
}

TEST(DelayStream, AsksAcrossTheChunks) {
  const std::vector<int64_t> delays = {5, 0, 2};
  DelayStream stream(delays, 2, 7);
  std::vector<std::vector<int32_t>> seen(2);
  for (const int64_t length : {3, 1, 20, 4}) {
    const nn::SequenceBatch chunk = stream.next(length);
    ASSERT_EQ(chunk.lengths, (std::vector<int64_t>{length, length}));
    for (size_t i = 0; i < 2; ++i) {
      for (size_t t = 0; t < static_cast<size_t>(length); ++t) {
        const size_t place = i * static_cast<size_t>(length) + t;
        seen[i].push_back(chunk.ids[place]);
        for (size_t k = 0; k < delays.size(); ++k) {
          const auto back = static_cast<size_t>(delays[k]);
          EXPECT_EQ(chunk.classes[3 * place + k], seen[i].size() > back ? seen[i][seen[i].size() - 1 - back] : -1);
        }
      }
    }
  }
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_EQ(DelayStream(delays, 2, 7).next(28).ids, [&] {
    std::vector<int32_t> both = seen[0];
    both.insert(both.end(), seen[1].begin(), seen[1].end());
    return both;
  }()) << "chunks change nothing";
}

TEST(LabProblems, NameTheRuleAndTheRemedy) {
  EXPECT_EQ(error_of<ConfigError>([] { adding_problem(1); }),
            "[lab] the length of the adding problem must be at least 2; got 1. Raise it.");
  EXPECT_EQ(error_of<ConfigError>([] { copy_problem({4}); }),
            "[lab] a distance of the copy problem must be at least 5; got 4. Raise it.");
  EXPECT_EQ(error_of<ConfigError>([] { copy_problem({}); }),
            "[lab] the copy problem needs a distance; got none. Name one, for example 50.");
  EXPECT_EQ(error_of<ConfigError>([] { DelayStream({}, 1, 1); }),
            "[lab] the delay problem needs a distance; got none. Name one, for example 50.");
  EXPECT_EQ(error_of<ConfigError>([] { recall_problem({-1}); }),
            "[lab] a distance of the recall problem must be at least 0; got -1. Raise it.");
  EXPECT_EQ(error_of<ConfigError>([] { recall_problem({}); }),
            "[lab] the recall problem needs a distance; got none. Name one, for example 50.");
}

}  // namespace lab_problems_test
}  // namespace carousel::tasks::lab
