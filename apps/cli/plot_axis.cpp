#include "apps/cli/plot_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace carousel::cli {

PlotAxis::PlotAxis(const tasks::lab::Plot& plot, bool vertical)
    : log_(vertical ? plot.log_y : plot.log_x),
      low_(std::numeric_limits<double>::infinity()),
      high_(-std::numeric_limits<double>::infinity()) {
  for (const auto& series : plot.series) {
    for (const auto& [x, y] : series.points) {
      const double value = vertical ? y : x;
      if (!shows(value)) continue;
      low_ = std::min(low_, scaled(value));
      high_ = std::max(high_, scaled(value));
    }
  }
  if (!defined()) return;
  // Shares and losses are read against 0; a range of a single value is widened so that it can be drawn.
  if (vertical && !log_ && low_ > 0 && low_ < high_ / 2) low_ = 0;
  if (high_ - low_ < 1e-12 * std::max(1.0, std::abs(high_))) {
    const double half = log_ ? 0.5 : std::max(std::abs(high_) / 2, 0.5);
    low_ -= half;
    high_ += half;
  }
}

bool PlotAxis::shows(double value) const {
  return std::isfinite(value) && (!log_ || value > 0);
}

double PlotAxis::scaled(double value) const {
  return log_ ? std::log10(value) : value;
}

double PlotAxis::place(double value) const {
  return std::clamp((scaled(value) - low_) / (high_ - low_), 0.0, 1.0);
}

std::vector<double> PlotAxis::ticks(int64_t count) const {
  std::vector<double> values;
  const double range = high_ - low_;
  const double rough = range / static_cast<double>(std::max<int64_t>(count, 1));
  if (log_ && range >= 1) {
    const double step = std::max(1.0, std::ceil(rough));
    for (double at = std::ceil(low_ - 1e-9); at <= high_ + 1e-9; at += step) values.push_back(std::pow(10.0, at));
    return values;
  }
  const double low = log_ ? std::pow(10.0, low_) : low_, high = log_ ? std::pow(10.0, high_) : high_;
  const double raw = (high - low) / static_cast<double>(std::max<int64_t>(count, 1));
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power < raw) continue;
    step = factor * power;
    break;
  }
  for (double at = std::ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) {
    values.push_back(at == 0 ? 0.0 : at * step);
  }
  return values;
}

std::string PlotAxis::label(double value) {
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e6)) return fmt::format("{:.3g}", value);
  return fmt::format("{:.6g}", value);
}

std::vector<std::pair<double, double>> visible_points(const tasks::lab::Series& series, const PlotAxis& x,
                                                      const PlotAxis& y) {
  std::vector<std::pair<double, double>> points;
  for (const auto& point : series.points) {
    if (x.shows(point.first) && y.shows(point.second)) points.push_back(point);
  }
  std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return points;
}

}  // namespace carousel::cli
