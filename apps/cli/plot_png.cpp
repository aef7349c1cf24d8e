// Curves as a picture.
#include <algorithm>
#include <array>
#include <cmath>

#include "apps/cli/font.h"
#include "apps/cli/picture.h"
#include "apps/cli/plot.h"
#include "apps/cli/plot_axis.h"

namespace carousel::cli {

namespace {

constexpr int64_t kWidth = 1000, kPlotHeight = 520;  // pixels of one plot with its texts
constexpr int64_t kLeft = 130, kRight = 30, kTop = 50, kBottom = 130;
constexpr int64_t kTextHeight = kGlyphHeight * Picture::kScale;
constexpr Color kGray = {200, 200, 200}, kBlack = {0, 0, 0};
// Wong 2011 (Nature Methods 8:441): told apart by colour-blind readers too.
constexpr std::array<Color, 7> kColors = {
    {{0, 114, 178}, {230, 159, 0}, {0, 158, 115}, {213, 94, 0}, {204, 121, 167}, {86, 180, 233}, {0, 0, 0}}};

/// The font has ASCII only.
std::string plain(const std::string& text) {
  std::string kept;
  for (const char c : text) kept += has_glyph(c) ? c : '?';
  return kept;
}

struct Frame {
  int64_t left, top, width, height;  // of the drawing area
  int64_t x(double place) const { return left + std::llround(place * static_cast<double>(width - 1)); }
  int64_t y(double place) const { return top + height - 1 - std::llround(place * static_cast<double>(height - 1)); }
};

void draw_axes(Picture& picture, const Frame& frame, const PlotAxis& x, const PlotAxis& y) {
  for (const double tick : y.ticks(6)) {
    const int64_t row = frame.y(y.place(tick));
    const std::string label = PlotAxis::label(tick);
    picture.fill(frame.left, row, frame.width, 1, kGray);
    picture.text(frame.left - 10 - Picture::text_length(label), row - kTextHeight / 2, label);
  }
  for (const double tick : x.ticks(8)) {
    const int64_t column = frame.x(x.place(tick));
    const std::string label = PlotAxis::label(tick);
    picture.fill(column, frame.top, 1, frame.height, kGray);
    picture.text(column - Picture::text_length(label) / 2, frame.top + frame.height + 8, label);
  }
  picture.fill(frame.left, frame.top, 2, frame.height, kBlack);
  picture.fill(frame.left, frame.top + frame.height - 2, frame.width, 2, kBlack);
}

void draw_legend(Picture& picture, const tasks::lab::Plot& plot, const Frame& frame) {
  int64_t left = frame.left, top = frame.top + frame.height + 64;
  for (size_t s = 0; s < plot.series.size(); ++s) {
    const std::string name = plain(plot.series[s].name);
    const int64_t needed = 40 + Picture::text_length(name) + 20;
    if (left + needed > kWidth && left > frame.left) {
      left = frame.left;
      top += kTextHeight + 8;
    }
    picture.fill(left, top + kTextHeight / 2 - 2, 30, 4, kColors[s % kColors.size()]);
    picture.text(left + 40, top, name);
    left += needed;
  }
}

void draw(Picture& picture, const tasks::lab::Plot& plot, int64_t top) {
  const Frame frame{kLeft, top + kTop, kWidth - kLeft - kRight, kPlotHeight - kTop - kBottom};
  picture.text(frame.left, top + 16, plain(plot.title));
  const PlotAxis x(plot, false), y(plot, true);
  if (!x.defined() || !y.defined()) {
    picture.text(frame.left, frame.top, "(nothing to draw)");
    return;
  }
  draw_axes(picture, frame, x, y);
  for (size_t s = 0; s < plot.series.size(); ++s) {
    const Color& color = kColors[s % kColors.size()];
    const auto points = visible_points(plot.series[s], x, y);
    for (size_t i = 0; i < points.size(); ++i) {
      const int64_t px = frame.x(x.place(points[i].first)), py = frame.y(y.place(points[i].second));
      picture.fill(px - 4, py - 4, 9, 9, color);
      if (i == 0) continue;
      picture.line(frame.x(x.place(points[i - 1].first)), frame.y(y.place(points[i - 1].second)), px, py, 3, color);
    }
  }
  picture.text(frame.left + (frame.width - Picture::text_length(plain(plot.x_label))) / 2,
               frame.top + frame.height + 34, plain(plot.x_label));
  picture.text(14, frame.top + (frame.height + Picture::text_length(plain(plot.y_label))) / 2, plain(plot.y_label),
               true);
  draw_legend(picture, plot, frame);
}

}  // namespace

std::string plots_png(const std::vector<tasks::lab::Plot>& plots) {
  const auto count = static_cast<int64_t>(std::max<size_t>(plots.size(), 1));
  Picture picture(kWidth, count * kPlotHeight);
  for (size_t i = 0; i < plots.size(); ++i) draw(picture, plots[i], static_cast<int64_t>(i) * kPlotHeight);
  return picture.encode();
}

}  // namespace carousel::cli
