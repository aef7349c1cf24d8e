// Scores of forecasts beside what came.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace carousel::train {

/// Forecasts of one window, in the units of the data, and what came; all of one length.
struct ForecastWindow {
  std::span<const double> actual, forecast, low, high;
  std::span<const std::vector<double>> quantiles = {};  ///< one of each level of the scores
};

/// Scores of windows, added up one by one. Each score is the mean over the windows of a series, and then over the
/// series, as published figures are: M4's over its series, those on ETT over its columns.
class ForecastScores {
 public:
  /// What the errors of a series are measured by.
  struct Scale {
    double deviation = 1;       ///< of the training part: unit of mse and mae
    double seasonal_error = 0;  ///< of the seasonal naive forecast inside the training data: unit of mase
  };
  /// levels: of quantiles, in percent.
  explicit ForecastScores(std::vector<Scale> series, std::vector<int64_t> levels = {});

  void add(size_t series, const ForecastWindow& window);

  int64_t windows() const { return windows_; }
  /// Series whose seasonal_error is 0 have no mase and are left out of it.
  int64_t without_mase() const;
  /// mse, mae     in units of the deviation, squared or not
  /// smape        200 |y - f| / (|y| + |f|), 0 where both are 0: percent (Makridakis et al. 2020, "The M4 competition")
  /// mase         |y - f| / seasonal_error (the same)
  /// coverage     share of the values inside their interval
  /// and where there are levels:
  /// pinball      the mean over the levels of the pinball loss of their quantiles, in units of the deviation
  /// below_q10    share of the values that are at most the quantile of that level: 0.1 when it is right
  std::map<std::string, double> metrics() const;

 private:
  struct Sums {
    int64_t values = 0;
    double squared = 0, absolute = 0, smape = 0, mase = 0, covered = 0, pinball = 0;
    std::vector<double> below;  ///< of each level
  };
  std::vector<Scale> scales_;
  std::vector<int64_t> levels_;
  std::vector<Sums> sums_;
  int64_t windows_ = 0;
};

/// mean |y[t] - y[t - period]|, the denominator of MASE; 0 for series that are too short.
double seasonal_error(std::span<const double> values, int64_t period);

/// The least value that a share of at least `coverage` of future scores stays below, when they come like those given:
/// the ceil((n + 1) coverage)-th smallest, or the largest (Lei et al. 2018, "Distribution-free predictive inference").
/// 0 for none.
double conformal_margin(std::vector<double> scores, double coverage);

}  // namespace carousel::train
