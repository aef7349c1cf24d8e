// A file of series made ready for a trained forecaster.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "carousel/data/series.h"
#include "carousel/tasks/forecast_parts.h"
#include "carousel/tasks/forecast_windows.h"

namespace carousel::tasks {

/// The series of a file, each with the values before it where it goes on where training ended.
struct ForecastFile {
  data::SeriesSet set;
  std::vector<SeriesMemory> memories;  ///< of each series of the set
  std::vector<StandardSeries> standard;
  std::vector<int64_t> in_front;  ///< values of each that stand before those of the file
  std::vector<std::string> notes;

  /// Time of a value, or of one to come, written as the file does; "" where it has none.
  std::string time_of(size_t series, int64_t place) const;
};

/// Reads a file as the training file was read. A series goes on where training ended when its times say so, or when
/// there are none and it has fewer than `least` values; the last values of the training data then stand in front. Of
/// `behind` steps behind the last value must be known what the model wants to know. Throws DataError.
ForecastFile open_forecast_file(const std::string& file, const ForecastParts& parts, int64_t least, int64_t behind);

/// DataError unless the set has the columns known in advance that the covariates are made of.
void require_known(const Covariates& covariates, const data::SeriesSet& set);

/// Channels of each series of a set, of its values and of `behind` steps behind them; null without channels. Shared
/// where series have rows in common.
std::vector<std::shared_ptr<const std::vector<float>>> channels_of(const Covariates& covariates,
                                                                   const data::SeriesSet& set,
                                                                   const std::vector<SeriesMemory>& memories,
                                                                   int64_t behind);

/// The first few of some names, and dots.
std::string some_of(const std::vector<std::string>& names);

}  // namespace carousel::tasks
