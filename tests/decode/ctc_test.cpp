// Outputs of step-wise distributions against the enumeration of all paths.
#include "carousel/decode/ctc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::decode {
namespace ctc_test {

std::vector<float> random_steps(int64_t steps, int64_t width, uint64_t seed) {
  Rng rng(seed, 0);
  std::vector<float> rows;
  for (int64_t t = 0; t < steps; ++t) {
    std::vector<double> row;
    double total = 0;
    for (int64_t k = 0; k < width; ++k) total += row.emplace_back(std::exp(1.5 * static_cast<double>(rng.normal())));
    for (const double value : row) rows.push_back(static_cast<float>(std::log(value / total)));
  }
  return rows;
}

/// The probability of every output, by adding up every path.
std::map<std::vector<int32_t>, double> all_outputs(const std::vector<float>& rows, int64_t width, int32_t blank) {
  const auto steps = static_cast<int64_t>(rows.size()) / width;
  int64_t paths = 1;
  for (int64_t t = 0; t < steps; ++t) paths *= width;
  std::map<std::vector<int32_t>, double> outputs;
  for (int64_t number = 0; number < paths; ++number) {
    std::vector<int32_t> output;
    double log_p = 0;
    int64_t rest = number;
    int32_t before = blank;
    for (int64_t t = 0; t < steps; ++t) {
      const auto k = static_cast<int32_t>(rest % width);
      rest /= width;
      log_p += static_cast<double>(rows[static_cast<size_t>(t * width + k)]);
      if (k != blank && k != before) output.push_back(k);
      before = k;
    }
    outputs[output] += std::exp(log_p);
  }
  return outputs;
}

TEST(CtcDecoding, AWideBeamFindsEveryOutputWithItsProbability) {
  for (const int32_t blank : {0, 2}) {
    const std::vector<float> rows = random_steps(5, 3, 7);
    const auto wanted = all_outputs(rows, 3, blank);
    const auto found = ctc_beam_search(rows, 3, blank, 1000, 1000);
    ASSERT_EQ(found.size(), wanted.size());
    double before = 0;
    for (const Hypothesis& h : found) {
      EXPECT_NEAR(std::exp(h.log_prob), wanted.at(h.tokens), 1e-6);
      EXPECT_GE(before, h.log_prob);
      before = h.log_prob;
    }
  }
}

TEST(CtcDecoding, TheBestPathMayNotBeTheBestOutput) {
  // Two steps of .6 blank and .4 for a symbol: the path of blanks has .36, the symbol 1 - .36.
  const std::vector<float> rows = {std::log(0.6F), std::log(0.4F), std::log(0.6F), std::log(0.4F)};
  EXPECT_TRUE(ctc_greedy(rows, 2, 0).tokens.empty());
  EXPECT_NEAR(ctc_greedy(rows, 2, 0).log_prob, std::log(0.36), 1e-6);
  const auto best = ctc_beam_search(rows, 2, 0, 4, 1);
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(best[0].tokens, (std::vector<int32_t>{1}));
  EXPECT_NEAR(std::exp(best[0].log_prob), 0.64, 1e-6);
}

TEST(CtcDecoding, RepeatsMergeUnlessABlankStandsBetween) {
  const auto sure = [](const std::vector<int32_t>& path) {
    std::vector<float> rows;
    for (const int32_t k : path)
      for (int32_t j = 0; j < 3; ++j) rows.push_back(std::log(j == k ? 0.98F : 0.01F));
    return rows;
  };
  for (const auto& [path, output] : std::vector<std::pair<std::vector<int32_t>, std::vector<int32_t>>>{
           {{1, 1, 0, 1, 2, 2}, {1, 1, 2}}, {{0, 0}, {}}, {{2, 1, 2}, {2, 1, 2}}}) {
    EXPECT_EQ(ctc_greedy(sure(path), 3, 0).tokens, output);
    EXPECT_EQ(ctc_beam_search(sure(path), 3, 0, 4, 1)[0].tokens, output);
  }
}

/// A language model of which all is known: p(symbol | number of symbols so far, last symbol), by a formula.
class FormulaScorer final : public PrefixScorer {
 public:
  struct Known final : Prefix {
    Known(int32_t the_last, int64_t the_length) : last(the_last), length(the_length) {}
    double log_prob(int32_t symbol) const override {
      return -0.3 - 0.7 * ((symbol * 5 + last * 3 + static_cast<double>(length)) - 4) / 9;
    }
    double end_log_prob() const override { return -0.2 * static_cast<double>(last + 1); }
    int32_t last;
    int64_t length;
  };
  Handle begin() const override { return std::make_shared<const Known>(0, 0); }
  Handle extend(const Prefix& prefix, int32_t symbol) const override {
    ++extended;
    return std::make_shared<const Known>(symbol, dynamic_cast<const Known&>(prefix).length + 1);
  }
  mutable int64_t extended = 0;
};

TEST(CtcDecoding, ALanguageModelRanksAsTheSumSays) {
  const auto scorer = std::make_shared<const FormulaScorer>();
  for (const int32_t blank : {0, 2})
    for (const double weight : {0.0, 0.8, 3.0})
      for (const double bonus : {0.0, 1.5}) {
        const std::vector<float> rows = random_steps(5, 3, 7);
        const auto wanted = all_outputs(rows, 3, blank);
        const auto found = ctc_beam_search(rows, 3, blank, 1000, 1000, {scorer, weight, bonus});
        ASSERT_EQ(found.size(), wanted.size());
        double before = std::numeric_limits<double>::infinity();
        for (const Hypothesis& h : found) {
          PrefixScorer::Handle handle = scorer->begin();
          double score = std::log(wanted.at(h.tokens));
          for (const int32_t symbol : h.tokens) {
            score += weight * handle->log_prob(symbol) + bonus;
            handle = scorer->extend(*handle, symbol);
          }
          score += weight * handle->end_log_prob();
          EXPECT_NEAR(std::exp(h.log_prob), wanted.at(h.tokens), 1e-6);
          EXPECT_NEAR(h.score, score, 1e-5);
          EXPECT_GE(before, h.score);
          before = h.score;
        }
      }
}

TEST(CtcDecoding, OnlyOutputsThatStayInTheBeamAskTheLanguageModel) {
  const auto scorer = std::make_shared<const FormulaScorer>();
  ctc_beam_search(random_steps(40, 30, 5), 30, 0, 4, 1, {scorer, 0.5, 0});
  EXPECT_GT(scorer->extended, 0);
  EXPECT_LE(scorer->extended, 40 * 4);
}

TEST(CtcDecoding, ANarrowBeamIsNeverBetterThanAWideOne) {
  const std::vector<float> rows = random_steps(12, 5, 3);
  double before = -1e9;
  for (const int64_t beam : {1, 2, 8, 64}) {
    const double p = ctc_beam_search(rows, 5, 0, beam, 1)[0].log_prob;
    EXPECT_GE(p, before - 1e-9) << beam;
    before = p;
  }
  EXPECT_THROW(ctc_beam_search(rows, 5, 0, 0, 1), ConfigError);
}

}  // namespace ctc_test
}  // namespace carousel::decode
