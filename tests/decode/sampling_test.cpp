// Drawing symbols: against the definition of each filter, and by the shares of many draws.
#include "carousel/decode/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::decode {
namespace sampling_test {

const std::vector<float> kLogits = {std::log(0.5F), std::log(0.05F), std::log(0.3F), std::log(0.15F)};

std::map<int32_t, double> shares(const SamplingConfig& config, const std::vector<int32_t>& before = {},
                                 const std::vector<int32_t>& barred = {}, const std::vector<float>& logits = kLogits) {
  constexpr int kDraws = 20000;
  Sampler sampler(config, 3);
  std::map<int32_t, double> counts;
  for (int i = 0; i < kDraws; ++i) counts[sampler.draw(logits, before, barred).symbol] += 1.0 / kDraws;
  return counts;
}

std::set<int32_t> drawn(const SamplingConfig& config) {
  std::set<int32_t> symbols;
  for (const auto& [symbol, share] : shares(config)) symbols.insert(symbol);
  return symbols;
}

constexpr double kTolerance = 0.015;  // four standard deviations of 20,000 draws

TEST(Sampling, DrawsInTheSharesOfTheModel) {
  const auto counts = shares({});
  for (const auto& [symbol, share] : counts)
    EXPECT_NEAR(share, std::exp(static_cast<double>(kLogits[static_cast<size_t>(symbol)])), kTolerance);
  EXPECT_EQ(counts.size(), 4u);
}

TEST(Sampling, TemperatureRaisesProbabilitiesToItsInverse) {
  const double sum = 0.25 + 0.0025 + 0.09 + 0.0225;  // squares
  const auto cold = shares({.temperature = 0.5});
  EXPECT_NEAR(cold.at(0), 0.25 / sum, kTolerance);
  EXPECT_NEAR(cold.at(2), 0.09 / sum, kTolerance);
  EXPECT_EQ(drawn({.temperature = 0}), (std::set<int32_t>{0}));
}

TEST(Sampling, OfEquallyProbableSymbolsTheLowerComesFirst) {
  Sampler sampler({.temperature = 0}, 1);
  EXPECT_EQ(sampler.draw(std::vector<float>{1, 4, 4, 0}, {}, {}).symbol, 1);
  Sampler one({.top_k = 1}, 1);
  EXPECT_EQ(one.draw(std::vector<float>{1, 4, 4, 0}, {}, {}).symbol, 1);
}

TEST(Sampling, FiltersKeepWhatTheySay) {
  EXPECT_EQ(drawn({.top_k = 2}), (std::set<int32_t>{0, 2}));
  EXPECT_EQ(drawn({.top_k = 9}), (std::set<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(drawn({.top_p = 0.5}), (std::set<int32_t>{0}));
  EXPECT_EQ(drawn({.top_p = 0.51}), (std::set<int32_t>{0, 2}));
  EXPECT_EQ(drawn({.top_p = 0.9}), (std::set<int32_t>{0, 2, 3}));
  EXPECT_EQ(drawn({.top_p = 0}), (std::set<int32_t>{0}));
  EXPECT_EQ(drawn({.min_p = 0.2}), (std::set<int32_t>{0, 2, 3}));
  EXPECT_EQ(drawn({.min_p = 0.4}), (std::set<int32_t>{0, 2}));
  // The share is one of what the first filter left: 0.5 / 0.8 holds 0.6.
  EXPECT_EQ(drawn({.top_k = 2, .top_p = 0.6}), (std::set<int32_t>{0}));
  const auto two = shares({.top_k = 2});
  EXPECT_NEAR(two.at(0), 0.5 / 0.8, kTolerance) << "what is left is drawn in its own shares";
}

TEST(Sampling, RepetitionIsPunishedWithinTheWindow) {
  // log(0.5) times 2 is log(0.25).
  const auto counts = shares({.repetition_penalty = 2}, {0, 0});
  EXPECT_NEAR(counts.at(0), 0.25 / 0.75, kTolerance);
  const auto past = shares({.repetition_penalty = 2, .repetition_window = 1}, {0, 2});
  EXPECT_NEAR(past.at(0), 0.5 / (0.5 + 0.05 + 0.09 + 0.15), kTolerance);
  Sampler positive({.repetition_penalty = 4, .temperature = 0}, 1);
  EXPECT_EQ(positive.draw(std::vector<float>{4, 2}, std::vector<int32_t>{0}, {}).symbol, 1);
}

TEST(Sampling, BarredSymbolsNeverCome) {
  const auto counts = shares({}, {}, {0, 1});
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_NEAR(counts.at(2), 2.0 / 3, kTolerance);
}

TEST(Sampling, TheBrakeCoolsUnsureSteps) {
  double entropy = 0;
  for (const float v : kLogits) entropy -= std::exp(static_cast<double>(v)) * static_cast<double>(v);
  EXPECT_EQ(shares({.entropy_brake = entropy + 0.01}), shares({}));
  EXPECT_EQ(shares({.entropy_brake = entropy / 2}), shares({.temperature = 0.5}));
}

TEST(Sampling, LogProbabilityIsTheModelsOwn) {
  Sampler sampler({.repetition_penalty = 3, .temperature = 0.1, .top_k = 2}, 1);
  for (int i = 0; i < 5; ++i) {
    const Draw draw = sampler.draw(kLogits, std::vector<int32_t>{1}, {});
    EXPECT_NEAR(draw.log_probability, static_cast<double>(kLogits[static_cast<size_t>(draw.symbol)]), 1e-6);
  }
}

TEST(Sampling, TheSeedDecides) {
  const auto text = [](uint64_t seed) {
    Sampler sampler({}, seed);
    std::vector<int32_t> symbols;
    for (int i = 0; i < 20; ++i) symbols.push_back(sampler.draw(kLogits, {}, {}).symbol);
    return symbols;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(Sampling, RefusesWhatIsNoDistribution) {
  Sampler sampler({}, 1);
  EXPECT_EQ(testing::error_of<DivergedError>([&] {
              sampler.draw(std::vector<float>{1, NAN}, {}, {});
            }),
            "[generate] the model's logits must be finite; got nan. Train again.");
  EXPECT_EQ(testing::error_of<DivergedError>([&] { sampler.draw(std::vector<float>{1}, {}, std::vector<int32_t>{0}); }),
            "[generate] a symbol must be left to draw; got none. Bar fewer symbols.");
}

TEST(Sampling, OptionsHaveRanges) {
  SamplingConfig config;
  OptionTable table;
  config.options(table);
  for (const auto& [key, value] : {std::pair{"temperature", "-1"},
                                   {"top_k", "-1"},
                                   {"top_p", "1.5"},
                                   {"min_p", "2"},
                                   {"repetition_penalty", "0"},
                                   {"repetition_window", "-1"},
                                   {"entropy_brake", "-0.1"}})
    EXPECT_THROW(table.set(key, value, "test"), ConfigError) << key;
}

}  // namespace sampling_test
}  // namespace carousel::decode
