// Options of the task `forecast` and what is decided from the data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/series.h"
#include "carousel/nn/forecaster.h"
#include "carousel/tasks/forecast_windows.h"
#include "carousel/train/trainer.h"

namespace carousel::tasks {

struct ForecastOptions {
  data::SeriesFormat format;
  int64_t period = 0;    ///< steps of a season; 0: found
  double dev_share = 0;  ///< of each series, its last part; 0: chosen
  int64_t max_line_bytes = int64_t{1} << 20;
  nn::ForecasterConfig network;
  int64_t members = 0;             ///< recurrent networks whose mean forecasts; 0: chosen
  std::string model = "auto";      ///< auto, or one of forecast_models()
  std::string calendar = "auto";   ///< auto | yes | no: hours, days of the week and times of the year as covariates
  std::string normalize = "auto";  ///< auto | last | mean | standard | none
  int64_t moving_average = 25;     ///< values that DLinear's trend is averaged over
  double ridge = 0;                ///< DLinear's penalty; 0: chosen
  train::TrainerConfig trainer;
  int64_t batch_size = 0;  ///< 0: chosen

  void options(OptionTable& table);
  data::ReadOptions read_options() const;
  WindowShape shape() const { return {network.window, network.horizon, network.channels}; }
  /// Values at the end of a series of that length that are held back.
  int64_t dev_length(int64_t length) const;
};

/// All models that may be chosen: lstm, dlinear, both (their mean), naive, seasonal_naive, drift.
std::vector<std::string> forecast_models();

/// Fills in window, horizon, patch, period and normalize that were left automatic from the lengths of the series and
/// their season `found`. The rules are in docs/guide/forecast.md.
void decide_window(ForecastOptions& options, const std::vector<int64_t>& lengths, int64_t found);
/// Fills in everything else from the number of training windows.
void decide(ForecastOptions& options, int64_t windows);

}  // namespace carousel::tasks
