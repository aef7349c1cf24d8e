// Loss and dev score of a forecaster under training.
#pragma once

#include <memory>
#include <vector>

#include "carousel/tasks/forecast_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

struct ForecastSets {
  std::vector<StandardSeries> train_series, dev_series;  ///< dev_series empty: dev stands in train_series
  Windows train, dev;

  const std::vector<StandardSeries>& of_dev() const { return dev_series.empty() ? train_series : dev_series; }
};

/// A DLinear solved on training windows; without a ridge of the user's, with the one that has the least error on dev.
struct LinearFit {
  double ridge = 0, error = 0;  ///< error: on dev, of the kind that the option loss names
  nn::RidgeMaps maps;
};
/// Throws ConfigError when no ridge gives a solution.
LinearFit fit_linear(const ForecastOptions& options, const ForecastSets& sets);

/// The model must outlive the objective. Each evaluation chooses the model with the least dev error, and fits its
/// intervals to the dev windows.
std::unique_ptr<train::Objective> make_forecast_objective(ForecastModel& model, ForecastSets sets);

}  // namespace carousel::tasks
