// Scores of class probabilities against the same computed another way, and by hand.
#include "carousel/train/classification.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel::train {
namespace classification_test {

struct Example {
  std::vector<double> p;
  int64_t wanted;
};

ClassScores scores_of(const std::vector<Example>& examples) {
  ClassScores scores;
  for (const Example& e : examples) scores.add(e.p, e.wanted);
  return scores;
}

TEST(ClassScores, ByHand) {
  // Predicted 0 0 1 2, wanted 0 1 1 2.
  const ClassScores scores =
      scores_of({{{0.9, 0.1, 0.0}, 0}, {{0.6, 0.3, 0.1}, 1}, {{0.2, 0.7, 0.1}, 1}, {{0.1, 0.3, 0.6}, 2}});
  EXPECT_EQ(scores.examples(), 4);
  EXPECT_DOUBLE_EQ(scores.accuracy(), 0.75);
  // F1: 0 has tp 1, fp 1: 2/3. 1 has tp 1, fn 1: 2/3. 2: 1.
  EXPECT_DOUBLE_EQ(scores.macro_f1(), (2.0 / 3 + 2.0 / 3 + 1) / 3);
  // Bins of 1/15: 0.6 is twice in [9/15, 10/15): one of two right, |1.2 - 1|. 0.7 in [10/15, 11/15), 0.9 in [13/15,
  // 14/15).
  EXPECT_NEAR(scores.expected_calibration_error(), (0.2 + 0.3 + 0.1) / 4, 1e-12);
}

TEST(ClassScores, LabelsThatTheModelDoesNotHaveCountAsWrongClassesOfTheirOwn) {
  const ClassScores scores = scores_of({{{0.8, 0.2}, 0}, {{0.8, 0.2}, 2}});
  EXPECT_DOUBLE_EQ(scores.accuracy(), 0.5);
  EXPECT_DOUBLE_EQ(scores.macro_f1(), (2.0 / 3 + 0) / 2) << "class 1 is neither wanted nor predicted";
}

TEST(ClassScores, EqualAnotherComputation) {
  constexpr int64_t kClasses = 4;
  Rng rng(5, 0);
  std::vector<Example> examples;
  for (int i = 0; i < 500; ++i) {
    Example e;
    double sum = 0;
    for (int64_t k = 0; k < kClasses; ++k) e.p.push_back(std::pow(static_cast<double>(rng.uniform()), 3) + 1e-3);
    for (const double v : e.p) sum += v;
    for (double& v : e.p) v /= sum;
    e.wanted = static_cast<int64_t>(rng.below(kClasses - 1));
    examples.push_back(e);
  }
  double f1 = 0, classes = 0;
  for (int64_t k = 0; k < kClasses; ++k) {
    double tp = 0, fp = 0, fn = 0;
    for (const Example& e : examples) {
      int64_t best = 0;
      for (int64_t j = 1; j < kClasses; ++j)
        if (e.p[static_cast<size_t>(j)] > e.p[static_cast<size_t>(best)]) best = j;
      tp += best == k && e.wanted == k;
      fp += best == k && e.wanted != k;
      fn += best != k && e.wanted == k;
    }
    if (tp + fp + fn == 0) continue;
    const double precision = tp + fp > 0 ? tp / (tp + fp) : 0, recall = tp + fn > 0 ? tp / (tp + fn) : 0;
    f1 += precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
    ++classes;
  }
  double ece = 0;
  for (int bin = 0; bin < 15; ++bin) {
    double confidence = 0, right = 0, count = 0;
    for (const Example& e : examples) {
      const double most = *std::max_element(e.p.begin(), e.p.end());
      if (most <= bin / 15.0 || most > (bin + 1) / 15.0) continue;
      confidence += most;
      right += e.p[static_cast<size_t>(e.wanted)] == most;
      ++count;
    }
    if (count > 0) ece += count / 500 * std::abs(right / count - confidence / count);
  }
  const ClassScores scores = scores_of(examples);
  EXPECT_NEAR(scores.macro_f1(), f1 / classes, 1e-12);
  EXPECT_NEAR(scores.expected_calibration_error(), ece, 1e-9);
}

TEST(ClassScores, NothingIsZeroAndNonsenseIsRefused) {
  ClassScores scores;
  EXPECT_EQ(scores.accuracy() + scores.macro_f1() + scores.expected_calibration_error(), 0);
  EXPECT_EQ(testing::error_of<ShapeError>([&] { scores.add(std::vector<double>{0.5}, -1); }),
            "[class scores] an example needs a probability and a wanted class from 0 on; got 1 and -1. Pass both.");
}

/// Mean -log p of the wanted classes.
double loss_at(const std::vector<float>& logits, const std::vector<int64_t>& wanted, double temperature) {
  double sum = std::log(temperature) * std::log(temperature);
  for (size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] < 3)
      sum -= std::log(probabilities_of({logits.data() + 3 * i, 3}, temperature)[static_cast<size_t>(wanted[i])]);
  return sum;
}

TEST(Temperature, IsTheOneThatMakesTheRightAnswersLikeliest) {
  Rng rng(3, 0);
  std::vector<float> logits;
  std::vector<int64_t> wanted;
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 3; ++k) logits.push_back(6 * rng.normal());
    const auto row = logits.end() - 3;
    wanted.push_back(rng.uniform() < 0.7F ? std::max_element(row, row + 3) - row : static_cast<int64_t>(rng.below(4)));
  }
  const double fitted = fit_temperature(logits, wanted, 3);
  EXPECT_GT(fitted, 1.5) << "logits as large as these are too sure";
  for (double t = 0.06; t < 19; t *= 1.07)
    EXPECT_LE(loss_at(logits, wanted, fitted), loss_at(logits, wanted, t) + 1e-6);
}

TEST(Temperature, StaysNearOneForAFewExamplesThatAreAllRight) {
  const std::vector<float> few = {4, 0, 4, 0, 0, 4};
  const std::vector<int64_t> right = {0, 0, 1};
  const double fitted = fit_temperature(few, right, 2);
  EXPECT_GT(fitted, 0.8);
  EXPECT_LT(fitted, 1);
  // A thousand of them say more.
  std::vector<float> many;
  std::vector<int64_t> wanted;
  for (int i = 0; i < 1000; ++i) {
    many.insert(many.end(), few.begin(), few.end());
    wanted.insert(wanted.end(), right.begin(), right.end());
  }
  EXPECT_LT(fit_temperature(many, wanted, 2), 0.5);
}

TEST(Temperature, IsOneWithoutExamplesAndInItsBounds) {
  EXPECT_EQ(fit_temperature({}, {}, 3), 1);
  EXPECT_EQ(fit_temperature(std::vector<float>{1, 2, 3}, std::vector<int64_t>{7}, 3), 1);
  EXPECT_NEAR(fit_temperature(std::vector<float>{1e6F, 0}, std::vector<int64_t>{1}, 2), 20, 1e-2);
}

TEST(Blend, TrustsWhoIsRight) {
  // Two binary classifiers of one hidden number each: the class is the sign of their sum.
  Rng rng(5, 0);
  std::vector<float> logits, opinions, noise;
  std::vector<int64_t> wanted;
  for (int i = 0; i < 2000; ++i) {
    const float a = 2 * rng.normal(), b = rng.normal();
    logits.insert(logits.end(), {a, 0});
    opinions.insert(opinions.end(), {b, 0});
    noise.insert(noise.end(), {rng.normal(), 0});
    wanted.push_back(rng.uniform() < 1 / (1 + std::exp(-(a + 2 * b))) ? 0 : 1);
  }
  const Blend right = fit_blend(logits, opinions, wanted, 2);
  EXPECT_NEAR(right.trust, 2, 0.4);
  EXPECT_NEAR(right.temperature, 1, 0.15);
  EXPECT_NEAR(fit_blend(logits, noise, wanted, 2).trust, 0, 0.3) << "who knows nothing is not heard";
  const Blend alone = fit_blend(logits, {}, wanted, 2);
  EXPECT_EQ(alone.trust, 0);
  EXPECT_EQ(alone.temperature, fit_temperature(logits, wanted, 2));
  std::vector<float> sum = {1, 2};
  add_opinions(sum, std::vector<float>{3, -1}, 0.5);
  EXPECT_EQ(sum, (std::vector<float>{2.5F, 1.5F}));
}

TEST(Temperature, ProbabilitiesSumToOneOrThereAreNone) {
  const std::vector<double> p = probabilities_of(std::vector<float>{1000, 0, 999}, 2);
  EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-12);
  EXPECT_NEAR(p[0] / p[2], std::exp(0.5), 1e-9);
  for (const double bad : {0.0, -1.0, std::nan("")})
    EXPECT_THROW(probabilities_of(std::vector<float>{1, 2}, bad), DivergedError);
  EXPECT_THROW(probabilities_of(std::vector<float>{std::nanf(""), 2}, 1), DivergedError);
}

}  // namespace classification_test
}  // namespace carousel::train
