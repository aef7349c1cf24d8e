// What the model file of a forecaster says besides weights: options, covariates, and what is remembered of each series.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "carousel/tasks/forecast_config.h"
#include "carousel/tasks/forecast_covariates.h"
#include "carousel/tasks/forecast_windows.h"

namespace carousel::tasks {

struct ForecastParts {
  ForecastOptions options;  ///< decided
  Covariates covariates;
  std::vector<SeriesMemory> memories;
};

std::map<std::string, std::string> forecast_metadata(const ForecastParts& parts);

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
ForecastParts load_forecast_parts(const ForecastOptions& options, const std::map<std::string, std::string>& metadata,
                                  const std::string& file);

}  // namespace carousel::tasks
