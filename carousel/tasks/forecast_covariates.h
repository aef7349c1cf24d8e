// What is known of each step of a series in advance: columns of the user, and what the calendar says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "carousel/data/series.h"

namespace carousel::data {
class JsonObject;
}

namespace carousel::tasks {

/// Turns rows of a series into channels of numbers of about unit size, in this order:
///   each known column, standardised by the rows that were trained on;
///   where there are known columns and several series, the response of the series: a linear map of the columns that
///   each series learns by itself, since one price or holiday may raise one of them and lower another; of the calendar,
///   sine and cosine of the hour of the day, of the day of the week (and 1 at its end), and of the time of the year.
struct Covariates {
  std::vector<std::string> known;       ///< names of the columns
  std::vector<double> mean, deviation;  ///< of each
  bool response = false;
  std::vector<std::string> calendar;  ///< of hour_of_day, day_of_week, time_of_year

  int64_t channels() const;
  /// Channels of the rows [0, rows) of a series whose times are written in `style`: [rows, channels()]. Times behind
  /// the last are reckoned on. The known columns must have as many rows.
  std::vector<float> of(const data::Series& series, data::TimeStyle style, const std::vector<double>& responses,
                        int64_t rows) const;
  /// The map of the known columns that fits a series best: differences over a season of its first `length` values (in
  /// units of `deviation`) from those of the columns, by ridge regression. A number for each column; none without
  /// `response`.
  std::vector<double> responses_of(const data::Series& series, int64_t length, double deviation, int64_t period) const;
};

/// The known columns of a set, by the first `lengths` values of its series.
Covariates known_covariates(const data::SeriesSet& set, const std::vector<int64_t>& lengths);

/// What a calendar may tell of series like these: what changes from step to step and comes again within them. The time
/// of the year from two years on. Empty without dates.
std::vector<std::string> calendar_of(const data::SeriesSet& set);

}  // namespace carousel::tasks
