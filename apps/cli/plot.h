// Curves as text for a terminal and as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/cli/terminal.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::cli {

struct PlotStyle {
  Paint paint = Paint::ascii;  ///< only colours differ; the marks are ASCII everywhere
  int64_t columns = 80;        ///< of the terminal
  int64_t rows = 14;           ///< of the drawing itself
};

/// One drawing with axes and a legend; each curve has a letter of its own, and '*' stands where several meet. A plot
/// without a finite point says so. Ends with a newline.
std::string draw_plot(const tasks::lab::Plot& plot, const PlotStyle& style);

/// The plots one under the other as a PNG file (8-bit RGB).
std::string plots_png(const std::vector<tasks::lab::Plot>& plots);

}  // namespace carousel::cli
