// Attention of one input as text for a terminal and as a picture.
#pragma once

#include <cstdint>
#include <string>

#include "apps/cli/terminal.h"
#include "carousel/tasks/task.h"

namespace carousel::cli {

struct HeatMapStyle {
  Paint paint = Paint::blocks;
  int64_t columns = 80;  ///< of the terminal; a wider map is broken into parts
};

/// A share from 0 to 1 as `width` columns of one shade; '?' for what is no number.
std::string shade(float share, int64_t width, Paint paint);
/// All shades from 0 to 1, for a legend.
std::string shades(Paint paint);

/// Rows: output tokens; columns: input tokens; each row sums to 1. Ends with a legend and a newline.
/// Throws ShapeError when `weights` is not target by source.
std::string draw_heat_map(const tasks::AttentionMap& map, const HeatMapStyle& style);

/// The same as a PNG file (8-bit RGB). Labels that are not plain ASCII are shown as their index, from 0. Cells are 24
/// pixels, and smaller, with fewer labels, where there are too many of them.
/// Throws ShapeError as above, UnsupportedError when a side has more cells than 16,000 pixels.
std::string heat_map_png(const tasks::AttentionMap& map);

}  // namespace carousel::cli
