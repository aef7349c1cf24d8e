// Scores of forecasts on cases worked out by hand.
#include "carousel/train/forecasting.h"

#include <gtest/gtest.h>

namespace carousel::train {
namespace forecasting_test {

TEST(ForecastScores, AreThoseOfM4AndOfThePapersOnEtt) {
  const std::vector<double> actual = {2, 0, -1}, forecast = {1, 0, 1}, low = {0, 0, -2}, high = {1, 0, 3};
  ForecastScores scores({{2, 4}});
  scores.add(0, {actual, forecast, low, high});
  const auto m = scores.metrics();
  EXPECT_DOUBLE_EQ(m.at("mse"), (1.0 + 0 + 4) / 4 / 3);
  EXPECT_DOUBLE_EQ(m.at("mae"), (1.0 + 0 + 2) / 2 / 3);
  EXPECT_DOUBLE_EQ(m.at("smape"), (200.0 / 3 + 0 + 200) / 3) << "0 for 0 counts as right";
  EXPECT_DOUBLE_EQ(m.at("mase"), (1.0 + 0 + 2) / 4 / 3);
  EXPECT_DOUBLE_EQ(m.at("coverage"), 2.0 / 3);
}

TEST(ForecastScores, OfQuantilesAreThePinballLossAndTheShareBelow) {
  const std::vector<double> actual = {2, 0, -1, 3}, zero = {0, 0, 0, 0}, high = {4, 4, 4, 2};
  const std::vector<std::vector<double>> quantiles = {zero, high};
  ForecastScores scores({{2, 0}}, {20, 90});
  scores.add(0, {actual, zero, zero, zero, quantiles});
  const auto m = scores.metrics();
  EXPECT_DOUBLE_EQ(m.at("below_q20"), 0.5) << "equal counts as below";
  EXPECT_DOUBLE_EQ(m.at("below_q90"), 0.75);
  const double low = 0.2 * 2 + 0 + 0.8 * 1 + 0.2 * 3, upper = 0.1 * 2 + 0.1 * 4 + 0.1 * 5 + 0.9 * 1;
  EXPECT_DOUBLE_EQ(m.at("pinball"), (low + upper) / 2 / 4 / 2);
  EXPECT_FALSE(ForecastScores({{1, 1}}).metrics().contains("pinball"));
}

TEST(ForecastScores, AreMeansOverSeriesNotOverWindows) {
  const std::vector<double> zero = {0}, one = {1}, three = {3};
  ForecastScores scores({{1, 1}, {1, 0}, {1, 1}});
  for (int i = 0; i < 9; ++i) scores.add(0, {zero, one, one, one});
  scores.add(1, {zero, three, three, three});
  EXPECT_EQ(scores.windows(), 10);
  EXPECT_DOUBLE_EQ(scores.metrics().at("mae"), 2);
  EXPECT_DOUBLE_EQ(scores.metrics().at("mase"), 1) << "the second has none; the third has no window";
  EXPECT_EQ(scores.without_mase(), 1);
}

TEST(SeasonalError, IsThatOfTheSeasonalNaiveForecast) {
  const std::vector<double> values = {1, 2, 4, 8, 16};
  EXPECT_DOUBLE_EQ(seasonal_error(values, 1), (1.0 + 2 + 4 + 8) / 4);
  EXPECT_DOUBLE_EQ(seasonal_error(values, 3), (7.0 + 14) / 2);
  EXPECT_EQ(seasonal_error(values, 5), 0);
}

TEST(ConformalMargin, CoversItsShareOfWhatComes) {
  std::vector<double> scores;
  for (int i = 19; i >= 1; --i) scores.push_back(i);
  EXPECT_EQ(conformal_margin(scores, 0.9), 18) << "ceil(20 * 0.9)";
  EXPECT_EQ(conformal_margin(scores, 0.5), 10);
  EXPECT_EQ(conformal_margin(scores, 0.99), 19) << "too few to say: the largest";
  EXPECT_EQ(conformal_margin({}, 0.9), 0);
  EXPECT_EQ(conformal_margin({-2}, 0.9), -2);
}

}  // namespace forecasting_test
}  // namespace carousel::train
