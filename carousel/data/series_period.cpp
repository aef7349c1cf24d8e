// The season of a series.
#include <algorithm>
#include <cmath>

#include "carousel/data/series.h"

namespace carousel::data {

namespace {

constexpr size_t kMostSeries = 32;     ///< looked at, spread evenly
constexpr size_t kMostValues = 10000;  ///< of each, the last ones
constexpr size_t kMostPeaks = 24;  ///< of each kind of autocorrelation, the first high ones, that are looked at closely
constexpr double kHigh = 0.6;      ///< share of the highest peak that these reach
constexpr double kStandsOut = 0.3;    ///< least autocorrelation of a season ...
constexpr double kFewCycles = 1.5;    ///< ... and times sqrt(season / length): few cycles resemble each other by chance
constexpr double kTrough = 0.5;       ///< share of it that the autocorrelation must fall below before
constexpr double kNearHighest = 0.8;  ///< share of the highest one that an earlier one must reach
constexpr double kNear = 0.15;        ///< lags so near to each other are one season
constexpr int64_t kAround = 8;        ///< of these, all so near are looked at
constexpr double kUsual = 1.1;        ///< how much a period of the calendar counts for among these

using Values = std::vector<double>;

Values differences(const Values& x) {
  Values d;
  for (size_t i = 1; i < x.size(); ++i) d.push_back(x[i] - x[i - 1]);
  return d;
}

/// x less its mean over a window around each value, at the ends over what of the window there is.
Values without_mean(const Values& x, int64_t window) {
  const auto n = static_cast<int64_t>(x.size());
  Values sums = {0};
  for (const double v : x) sums.push_back(sums.back() + v);
  Values d;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t first = std::max<int64_t>(0, i - window / 2), last = std::min(n, first + window);
    const int64_t begin = std::max<int64_t>(0, last - window);
    d.push_back(x[static_cast<size_t>(i)] - (sums[static_cast<size_t>(last)] - sums[static_cast<size_t>(begin)]) /
                                                static_cast<double>(last - begin));
  }
  return d;
}

double variance_sum(const Values& d) {
  double sum = 0;
  for (const double v : d) sum += v * v;
  return sum;
}

/// Of values whose mean is 0; with as many terms as there are at lag 0.
double autocorrelation(const Values& d, int64_t lag, double variance) {
  const auto n = static_cast<int64_t>(d.size());
  if (!(variance > 0) || lag >= n) return 0;
  double product = 0;
  for (int64_t i = lag; i < n; ++i) product += d[static_cast<size_t>(i)] * d[static_cast<size_t>(i - lag)];
  return product / variance * static_cast<double>(n) / static_cast<double>(n - lag);
}

Values centred(Values d) {
  double mean = 0;
  for (const double v : d) mean += v / static_cast<double>(d.size());
  for (double& v : d) v -= mean;
  return d;
}

/// Lags whose summed autocorrelations are higher than both neighbours' and near the highest.
std::vector<int64_t> highest_peaks(const std::vector<Values>& series, int64_t longest) {
  Values sums(static_cast<size_t>(longest) + 2);
  for (const Values& d : series) {
    const double variance = variance_sum(d);
    for (size_t lag = 0; lag < sums.size(); ++lag) sums[lag] += autocorrelation(d, static_cast<int64_t>(lag), variance);
  }
  std::vector<int64_t> peaks;
  double highest = 0;
  for (size_t lag = 2; lag + 1 < sums.size(); ++lag)
    if (sums[lag] > 0 && sums[lag] > sums[lag - 1] && sums[lag] >= sums[lag + 1]) {
      peaks.push_back(static_cast<int64_t>(lag));
      highest = std::max(highest, sums[lag]);
    }
  std::erase_if(peaks, [&](int64_t lag) { return sums[static_cast<size_t>(lag)] < kHigh * highest; });
  if (peaks.size() > kMostPeaks) peaks.resize(kMostPeaks);
  return peaks;
}

/// How much values resemble those a period before, once their level over a period is taken off; 0 where they resemble
/// those between as much.
double strength(const std::vector<Values>& series, int64_t period) {
  constexpr int64_t kParts = 8;
  double sum = 0, length = 0;
  Values between(kParts - 1);
  for (const Values& x : series) {
    const Values d = without_mean(x, period);
    const double variance = variance_sum(d);
    length += static_cast<double>(x.size());
    sum += autocorrelation(d, period, variance);
    for (int64_t part = 1; part < kParts; ++part)
      between[static_cast<size_t>(part - 1)] +=
          autocorrelation(d, std::max<int64_t>(1, period * part / kParts), variance);
  }
  const auto count = static_cast<double>(std::max<size_t>(1, series.size()));
  const double lowest = *std::min_element(between.begin(), between.end());
  const double least = std::max(kStandsOut, kFewCycles * std::sqrt(static_cast<double>(period) / length));
  return sum >= least * count && lowest < kTrough * sum ? sum / count : 0;
}

/// Those that have the season by themselves; all where none has.
std::vector<Values> having(const std::vector<Values>& series, int64_t period) {
  std::vector<Values> some;
  for (const Values& x : series)
    if (strength({x}, period) > 0) some.push_back(x);
  return some.empty() ? series : some;
}

}  // namespace

int64_t find_period(const std::vector<std::vector<double>>& all, int64_t longest, const std::vector<int64_t>& usual) {
  if (longest < 2) return 1;
  std::vector<Values> series, levels, changes;
  const size_t stride = std::max<size_t>(1, all.size() / kMostSeries);
  for (size_t s = 0; s < all.size(); s += stride) {
    if (all[s].size() < 4) continue;
    const auto some = static_cast<std::ptrdiff_t>(std::min(all[s].size(), kMostValues));
    series.emplace_back(all[s].end() - some, all[s].end());
    levels.push_back(without_mean(series.back(), 2 * longest));
    changes.push_back(centred(differences(series.back())));
  }
  // Changes show a season beneath long swings, levels one beneath noise.
  std::vector<int64_t> lags = highest_peaks(changes, longest);
  for (const int64_t lag : highest_peaks(levels, longest)) lags.push_back(lag);
  for (const int64_t lag : usual)
    if (lag >= 2 && lag <= longest) lags.push_back(lag);
  std::sort(lags.begin(), lags.end());
  lags.erase(std::unique(lags.begin(), lags.end()), lags.end());
  Values found;
  for (const int64_t lag : lags) found.push_back(strength(series, lag));
  const double highest = found.empty() ? 0 : *std::max_element(found.begin(), found.end());
  if (highest <= 0) return 1;
  size_t first = 0;
  while (found[first] < kNearHighest * highest) ++first;
  // Noise has many peaks around that of the season, none of them perhaps at its lag.
  const auto near = static_cast<int64_t>(kNear * static_cast<double>(lags[first]));
  std::vector<int64_t> close = usual;
  for (int64_t lag = lags[first] - std::min(near, kAround); lag <= lags[first] + std::min(near, kAround); ++lag)
    close.push_back(lag);
  // One step more or less is decided by those that know: what has no season adds noise.
  const std::vector<Values> seasonal = having(series, lags[first]);
  int64_t best = lags[first];
  double most = strength(seasonal, best);
  for (const int64_t lag : close) {
    if (lag < 2 || lag > longest || std::abs(lag - lags[first]) > near) continue;
    const bool known = std::find(usual.begin(), usual.end(), lag) != usual.end();
    const double counts = strength(seasonal, lag) * (known ? kUsual : 1);
    if (counts > most) most = counts, best = lag;
  }
  return best;
}

std::vector<int64_t> usual_periods(const TimeStep& step, TimeStyle style) {
  constexpr int64_t kDay = 86400;
  if (step.count < 1 || style == TimeStyle::integer) return {};
  if (step.months) return 12 % step.count == 0 ? std::vector<int64_t>{12 / step.count} : std::vector<int64_t>{};
  if (step.count == 7 * kDay) return {52};
  if (step.count == kDay) return {7, 365};
  if (step.count > kDay || kDay % step.count != 0) return {};
  return {kDay / step.count, 7 * kDay / step.count};
}

}  // namespace carousel::data
