// The season of a series.
#include <algorithm>
#include <cmath>

#include "carousel/data/series.h"

namespace carousel::data {

namespace {

constexpr size_t kMostSeries = 32;     ///< looked at, spread evenly
constexpr size_t kMostValues = 10000;  ///< of each, the last ones
constexpr double kStandsOut = 0.2;     ///< least autocorrelation of a season
constexpr double kNearHighest = 0.8;   ///< share of the highest peak that an earlier one must reach

/// Adds the autocorrelation of the differences of `values` at the lags 0 .. sums.size() - 1.
void add_autocorrelation(const std::vector<double>& values, std::vector<double>& sums) {
  const size_t n = std::min(values.size(), kMostValues);
  std::vector<double> d;
  double mean = 0;
  for (size_t i = values.size() - n + 1; i < values.size(); ++i) {
    d.push_back(values[i] - values[i - 1]);
    mean += d.back();
  }
  mean /= static_cast<double>(d.size());
  double variance = 0;
  for (double& x : d) {
    x -= mean;
    variance += x * x;
  }
  if (!(variance > 0)) return;
  for (size_t lag = 0; lag < std::min(sums.size(), d.size()); ++lag) {
    double product = 0;
    for (size_t i = lag; i < d.size(); ++i) product += d[i] * d[i - lag];
    sums[lag] += product / variance;
  }
}

}  // namespace

int64_t find_period(const std::vector<std::vector<double>>& series, int64_t longest) {
  std::vector<double> sums(static_cast<size_t>(std::max<int64_t>(longest, 1)) + 2);
  double looked_at = 0;
  const size_t stride = std::max<size_t>(1, series.size() / kMostSeries);
  for (size_t s = 0; s < series.size(); s += stride) {
    if (series[s].size() < 4) continue;
    add_autocorrelation(series[s], sums);
    ++looked_at;
  }
  const auto is_peak = [&](size_t lag) {
    return sums[lag] >= kStandsOut * looked_at && sums[lag] > sums[lag - 1] && sums[lag] >= sums[lag + 1];
  };
  double highest = 0;
  for (size_t lag = 2; lag + 1 < sums.size(); ++lag)
    if (is_peak(lag)) highest = std::max(highest, sums[lag]);
  for (size_t lag = 2; lag + 1 < sums.size(); ++lag)
    if (is_peak(lag) && sums[lag] >= kNearHighest * highest && highest > 0) return static_cast<int64_t>(lag);
  return 1;
}

}  // namespace carousel::data
