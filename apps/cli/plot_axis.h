// How values are laid out along an axis, linear or logarithmic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/tasks/lab/report.h"

namespace carousel::cli {

/// The range of one axis of a plot, and where its ticks stand.
class PlotAxis {
 public:
  /// Covers the values of all series that can be drawn. `vertical` looks at y, else at x.
  PlotAxis(const tasks::lab::Plot& plot, bool vertical);

  /// False when no value can be drawn.
  bool defined() const { return low_ <= high_; }
  /// Whether a value can be drawn on this axis.
  bool shows(double value) const;
  /// Place of a value from 0 (low end) to 1 (high end).
  double place(double value) const;
  /// About `count` round values within the range, ascending.
  std::vector<double> ticks(int64_t count) const;
  /// A short text for a value on the axis.
  static std::string label(double value);

 private:
  double scaled(double value) const;
  bool log_;
  double low_, high_;  // in the scale of the axis
};

/// The points of a series that both axes show, ascending.
std::vector<std::pair<double, double>> visible_points(const tasks::lab::Series& series, const PlotAxis& x,
                                                      const PlotAxis& y);

}  // namespace carousel::cli
