// The score of the Numenta Anomaly Benchmark beside hand-computed values, its published figures and the plainest code.
#include "carousel/train/anomaly.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "carousel/base/rng.h"

namespace carousel::train {
namespace anomaly_test {

double sigmoid(double x) {
  return 2 / (1 + std::exp(5 * x)) - 1;
}

/// Alarms at these rows of 100, of which 15 are not scored.
double score_of(const std::vector<int64_t>& alarms, const std::vector<AnomalyWindow>& windows) {
  ScoredSeries series{std::vector<double>(100), windows};
  for (const int64_t row : alarms) series.scores[static_cast<size_t>(row)] = 1;
  return nab_score({series}, 0.5);
}

TEST(NabScore, IsNothingForSilenceAndHundredForThePerfectDetector) {
  EXPECT_EQ(score_of({}, {{40, 49}}), 0);
  EXPECT_DOUBLE_EQ(score_of({40}, {{40, 49}}), 100);
  EXPECT_DOUBLE_EQ(score_of({40, 70}, {{40, 49}, {70, 89}}), 100);
}

TEST(NabScore, IsWhatTheFormulasGive) {
  const double top = sigmoid(-1);
  // Row 44 of the window 40-49: 6 of 10 rows before its end, the row itself counted.
  EXPECT_NEAR(score_of({44}, {{40, 49}}), 100 * (sigmoid(-0.6) / top + 1) / 2, 1e-9);
  EXPECT_NEAR(score_of({44, 45, 49}, {{40, 49}}), score_of({44}, {{40, 49}}), 1e-9);
  EXPECT_NEAR(score_of({49}, {{40, 49}}), 100 * (sigmoid(-0.1) / top + 1) / 2, 1e-9);
  // Outside: the full price before any window and from three widths behind one on.
  EXPECT_NEAR(score_of({20, 40}, {{40, 49}}), 100 - 100 * 0.11 / 2, 1e-9);
  EXPECT_NEAR(score_of({40, 52}, {{40, 49}}), 100 + 100 * 0.11 * sigmoid(3.0 / 9) / 2, 1e-9);
  EXPECT_NEAR(score_of({40, 76}, {{40, 49}}), 100 - 100 * 0.11 / 2, 1e-9);
  // Each row outside counts.
  EXPECT_NEAR(score_of({20, 21, 40}, {{40, 49}}), 100 - 100 * 0.22 / 2, 1e-9);
}

TEST(NabScore, LeavesTheProbationOut) {
  EXPECT_EQ(nab_probation(100), 15);
  EXPECT_EQ(nab_probation(4032), 604);
  EXPECT_EQ(nab_probation(5000), 750);
  EXPECT_EQ(nab_probation(22695), 750);
  EXPECT_DOUBLE_EQ(score_of({0, 14, 40}, {{40, 49}}), 100);
  EXPECT_LT(score_of({15, 40}, {{40, 49}}), 100);
  // A window that begins in it has what is left of it; one that lies in it is none.
  EXPECT_NEAR(score_of({15}, {{10, 19}}), 100 * (sigmoid(-0.5) / sigmoid(-1) + 1) / 2, 1e-9);
  EXPECT_DOUBLE_EQ(score_of({40}, {{2, 9}, {40, 49}}), 100);
  EXPECT_EQ(score_of({40}, {{2, 9}}), 0);
}

TEST(NabScore, WeighsAsItsProfilesSay) {
  ScoredSeries series{std::vector<double>(100), {{40, 49}, {60, 69}}};
  series.scores[40] = series.scores[20] = 1;
  EXPECT_NEAR(nab_score({series}, 1, {1, 0.22, 1}), 100 * (1 - 0.22 + 1) / 4, 1e-9);
  EXPECT_NEAR(nab_score({series}, 1, {1, 0.11, 2}), 100 * (1 - 2 - 0.11 + 4) / 6, 1e-9);
}

/// Every sum anew, as the definition reads.
double brute_force(const std::vector<ScoredSeries>& all, double threshold) {
  double sum = 0, count = 0;
  for (const ScoredSeries& s : all) {
    const auto n = static_cast<int64_t>(s.scores.size());
    const int64_t begin = std::min<int64_t>(static_cast<int64_t>(std::floor(0.15 * static_cast<double>(n))), 750);
    const auto alarm = [&](int64_t i) { return i >= begin && s.scores[static_cast<size_t>(i)] >= threshold; };
    for (const AnomalyWindow& w : s.windows) {
      if (w.last < begin) continue;
      ++count;
      double worth = -1;
      for (int64_t i = w.last; i >= w.first; --i)
        if (alarm(i))
          worth =
              sigmoid(-static_cast<double>(w.last - i + 1) / static_cast<double>(w.last - w.first + 1)) / sigmoid(-1);
      sum += worth;
    }
    for (int64_t i = 0; i < n; ++i) {
      if (!alarm(i)) continue;
      double price = -1;
      bool inside = false;
      for (const AnomalyWindow& w : s.windows) {
        inside = inside || (i >= w.first && i <= w.last);
        if (w.last < i) {
          const double past = static_cast<double>(i - w.last) / static_cast<double>(w.last - w.first);
          price = past >= 3 ? -1 : sigmoid(past);
        }
      }
      if (!inside) sum += 0.11 * price;
    }
  }
  return 100 * (sum + count) / (2 * count);
}

TEST(NabScore, EqualsTheDefinitionAtEveryThreshold) {
  Rng rng(5, 0);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<ScoredSeries> all(3);
    for (ScoredSeries& s : all) {
      for (int i = 0; i < 200; ++i) s.scores.push_back(static_cast<double>(rng.below(40)));
      int64_t from = 5;
      while (from < 150) {
        const AnomalyWindow w{from + static_cast<int64_t>(rng.below(40)), 0};
        s.windows.push_back({w.first, w.first + 1 + static_cast<int64_t>(rng.below(20))});
        from = s.windows.back().last + 1;
      }
      if (s.windows.back().last >= 200) s.windows.pop_back();
    }
    double best = 0;
    for (int t = 0; t <= 40; ++t) {
      EXPECT_NEAR(nab_score(all, t), brute_force(all, t), 1e-9);
      best = std::max(best, brute_force(all, t));
    }
    const NabScore found = best_nab_score(all);
    EXPECT_NEAR(found.score, best, 1e-9);
    if (best > 0) {
      EXPECT_NEAR(nab_score(all, found.threshold), best, 1e-9);
    }
  }
}

TEST(NabScore, OfADetectorThatIsBetterSilentIsNothing) {
  ScoredSeries series{std::vector<double>(100, 1.0), {{90, 91}}};
  const NabScore best = best_nab_score({series});
  EXPECT_EQ(best.score, 0);
  EXPECT_TRUE(std::isinf(best.threshold));
}

TEST(NabScore, WhatCanBeNoAlarmIsNoneAtAnyThreshold) {
  const ScoredSeries series{std::vector<double>(100, std::numeric_limits<double>::lowest()), {{45, 99}}};
  EXPECT_EQ(best_nab_score({series}).score, 0);
  EXPECT_EQ(nab_score({series}, std::numeric_limits<double>::lowest()), 0);
}

TEST(AlarmCounts, AreOfWindowsAndOfRunsOutside) {
  ScoredSeries series{std::vector<double>(100), {{40, 49}, {60, 69}}};
  for (const size_t row : std::vector<size_t>{3, 20, 21, 22, 30, 45, 46, 50, 52}) series.scores[row] = 1;
  const AlarmCounts counts = count_alarms({series}, 0.5);
  EXPECT_EQ(counts.windows, 2);
  EXPECT_EQ(counts.found, 1);
  EXPECT_EQ(counts.false_alarms, 4);  // 20-22, 30, 50, 52; row 3 is not scored
  EXPECT_EQ(counts.rows_outside, 65);
  EXPECT_DOUBLE_EQ(counts.precision(), 0.2);
  EXPECT_DOUBLE_EQ(counts.recall(), 0.5);
  EXPECT_DOUBLE_EQ(counts.f1(), 2 * 0.2 * 0.5 / 0.7);
  EXPECT_EQ(count_alarms({series}, 2).f1(), 0);
}

TEST(AnomalyWindows, AreRunsOfLabels) {
  const auto windows = windows_of({0, 1, 1, 0, 0, 1});
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].first, 1);
  EXPECT_EQ(windows[0].last, 2);
  EXPECT_EQ(windows[1].first, 5);
  EXPECT_EQ(windows[1].last, 5);
  EXPECT_TRUE(windows_of({0, 0}).empty());
}

TEST(WindowedGaussian, IsTheTailProbabilityUnderTheValuesBefore) {
  WindowedGaussian detector;
  EXPECT_EQ(detector.read(1), 0);
  EXPECT_NEAR(detector.read(1), 0.5, 1e-12);  // nothing but ones so far
  EXPECT_NEAR(detector.read(2), 1, 1e-12);
  // Ones and a two: mean 4/3, deviation sqrt(2)/3.
  const double z = (2 - 4.0 / 3) / (std::sqrt(2.0) / 3);
  EXPECT_NEAR(detector.read(2), 1 - 0.5 * std::erfc(z / std::sqrt(2.0)), 1e-12);
}

TEST(WindowedGaussian, ForgetsAHundredValuesAtATime) {
  WindowedGaussian detector;
  for (int i = 0; i < 6400; ++i) detector.read(i % 2);
  const double before = detector.read(10);
  for (int i = 0; i < 98; ++i) EXPECT_EQ(detector.read(10), before);
  detector.read(10);  // the hundredth: it is measured anew
  // 3150 zeros and 3150 ones and 100 tens.
  const double mean = (3150 + 1000) / 6400.0, square = (3150 + 10000) / 6400.0;
  const double z = (10 - mean) / std::sqrt(square - mean * mean);
  EXPECT_NEAR(detector.read(10), 1 - 0.5 * std::erfc(z / std::sqrt(2.0)), 1e-12);
}

}  // namespace anomaly_test
}  // namespace carousel::train
