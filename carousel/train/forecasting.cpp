#include "carousel/train/forecasting.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace carousel::train {

ForecastScores::ForecastScores(std::vector<Scale> series, std::vector<int64_t> levels)
    : scales_(std::move(series)), levels_(std::move(levels)), sums_(scales_.size()) {
  for (Sums& sums : sums_) sums.below.resize(levels_.size());
}

void ForecastScores::add(size_t series, const ForecastWindow& window) {
  const Scale& scale = scales_[series];
  Sums& sums = sums_[series];
  ++windows_;
  for (size_t i = 0; i < window.actual.size(); ++i) {
    const double y = window.actual[i], f = window.forecast[i], error = std::abs(y - f);
    const double size = std::abs(y) + std::abs(f);
    ++sums.values;
    sums.squared += error * error / (scale.deviation * scale.deviation);
    sums.absolute += error / scale.deviation;
    if (size > 0) sums.smape += 200 * error / size;
    if (scale.seasonal_error > 0) sums.mase += error / scale.seasonal_error;
    sums.covered += y >= window.low[i] && y <= window.high[i];
    for (size_t k = 0; k < levels_.size(); ++k) {
      const double level = static_cast<double>(levels_[k]) / 100, above = y - window.quantiles[k][i];
      sums.pinball += std::max(level * above, (level - 1) * above) / scale.deviation;
      sums.below[k] += above <= 0;
    }
  }
}

int64_t ForecastScores::without_mase() const {
  int64_t count = 0;
  for (size_t s = 0; s < sums_.size(); ++s) count += sums_[s].values > 0 && !(scales_[s].seasonal_error > 0);
  return count;
}

std::map<std::string, double> ForecastScores::metrics() const {
  std::map<std::string, double> means = {{"mse", 0}, {"mae", 0}, {"smape", 0}, {"mase", 0}, {"coverage", 0}};
  double series = 0, scaled = 0;
  for (size_t s = 0; s < sums_.size(); ++s) {
    const Sums& sums = sums_[s];
    if (sums.values == 0) continue;
    const auto n = static_cast<double>(sums.values);
    ++series;
    means["mse"] += sums.squared / n;
    means["mae"] += sums.absolute / n;
    means["smape"] += sums.smape / n;
    means["coverage"] += sums.covered / n;
    means["mase"] += sums.mase / n;
    if (!levels_.empty()) means["pinball"] += sums.pinball / n / static_cast<double>(levels_.size());
    for (size_t k = 0; k < levels_.size(); ++k) means["below_q" + std::to_string(levels_[k])] += sums.below[k] / n;
    scaled += scales_[s].seasonal_error > 0;
  }
  for (auto& [name, value] : means) value /= std::max(1.0, name == "mase" ? scaled : series);
  return means;
}

double seasonal_error(std::span<const double> values, int64_t period) {
  const auto lag = static_cast<size_t>(period);
  if (values.size() <= lag) return 0;
  double sum = 0;
  for (size_t i = lag; i < values.size(); ++i) sum += std::abs(values[i] - values[i - lag]);
  return sum / static_cast<double>(values.size() - lag);
}

double conformal_margin(std::vector<double> scores, double coverage) {
  if (scores.empty()) return 0;
  const auto n = static_cast<double>(scores.size());
  const auto rank = std::min(n, std::ceil((n + 1) * coverage));
  const auto at = scores.begin() + static_cast<int64_t>(std::max(1.0, rank)) - 1;
  std::nth_element(scores.begin(), at, scores.end());
  return *at;
}

}  // namespace carousel::train
