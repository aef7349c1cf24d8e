// The drawing of curves for a terminal.
#include "apps/cli/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "apps/cli/plot_axis.h"

namespace carousel::cli {

namespace {

constexpr int64_t kLabelWidth = 8;
// Of the 256-colour table, readable on light and dark terminals.
constexpr std::array<int, 8> kTerminalColors = {33, 208, 34, 160, 134, 37, 178, 240};
constexpr char kSeveral = '*', kBetween = '.';

/// 'a', 'b', ... 'z', 'A', ...
char mark_of(size_t series) {
  constexpr size_t kLetters = 26;
  return static_cast<char>((series / kLetters % 2 == 0 ? 'a' : 'A') + static_cast<char>(series % kLetters));
}

/// Characters of the drawing with the series that each belongs to.
class Canvas {
 public:
  Canvas(int64_t width, int64_t height) : width_(width), height_(height), cells_(static_cast<size_t>(width * height)) {}

  /// Row 0 is the lowest. A mark is stronger than the way between two marks.
  void put(int64_t column, int64_t row, char mark, size_t series) {
    Place& place = cells_[static_cast<size_t>((height_ - 1 - row) * width_ + column)];
    const bool weak = mark == kBetween;
    if (place.mark == ' ' || (place.mark == kBetween && !weak)) {
      place = {mark, series};
    } else if (!weak && place.series != series) {
      place.mark = kSeveral;
    }
  }
  std::string line(int64_t from_top, Paint paint) const {
    std::string text;
    for (int64_t column = 0; column < width_; ++column) {
      const Place& place = cells_[static_cast<size_t>(from_top * width_ + column)];
      if (paint == Paint::colors && place.mark != ' ' && place.mark != kSeveral) {
        text +=
            fmt::format("\x1b[38;5;{}m{}\x1b[0m", kTerminalColors[place.series % kTerminalColors.size()], place.mark);
      } else {
        text += place.mark;
      }
    }
    return text.erase(text.find_last_not_of(' ') + 1);
  }

 private:
  struct Place {
    char mark = ' ';
    size_t series = 0;
  };
  int64_t width_, height_;
  std::vector<Place> cells_;
};

int64_t at(double place, int64_t size) {
  return std::llround(place * static_cast<double>(size - 1));
}

void draw_series(Canvas& canvas, const std::vector<std::pair<int64_t, int64_t>>& places, size_t series) {
  for (size_t i = 0; i + 1 < places.size(); ++i) {
    const auto [x0, y0] = places[i];
    const auto [x1, y1] = places[i + 1];
    for (int64_t x = x0 + 1; x < x1; ++x) {
      const double share = static_cast<double>(x - x0) / static_cast<double>(x1 - x0);
      canvas.put(x, y0 + std::llround(share * static_cast<double>(y1 - y0)), kBetween, series);
    }
  }
  for (const auto& [x, y] : places) canvas.put(x, y, mark_of(series), series);
}

std::string x_axis(const PlotAxis& axis, int64_t width) {
  std::string ruler(static_cast<size_t>(width), '-'), labels(static_cast<size_t>(width) + kLabelWidth, ' ');
  int64_t free_from = 0;
  for (const double tick : axis.ticks(std::max<int64_t>(2, width / 12))) {
    const int64_t column = at(axis.place(tick), width);
    const std::string label = PlotAxis::label(tick);
    const auto length = static_cast<int64_t>(label.size());
    const int64_t begin = std::max<int64_t>(0, column - length / 2);
    ruler[static_cast<size_t>(column)] = '+';
    if (begin < free_from) continue;
    labels.replace(static_cast<size_t>(begin), label.size(), label);
    free_from = begin + length + 1;
  }
  const std::string indent(kLabelWidth + 1, ' ');
  labels.erase(labels.find_last_not_of(' ') + 1);
  return indent + "+" + ruler + "\n" + indent + " " + labels + "\n";
}

std::string legend(const tasks::lab::Plot& plot, Paint paint) {
  std::string text;
  for (size_t s = 0; s < plot.series.size(); ++s) {
    std::string mark(1, mark_of(s));
    if (paint == Paint::colors)
      mark = fmt::format("\x1b[38;5;{}m{}\x1b[0m", kTerminalColors[s % kTerminalColors.size()], mark);
    text += fmt::format("{}{} {}", s == 0 ? "" : "   ", mark, fit(plot.series[s].name, 40));
  }
  return text;
}

}  // namespace

std::string draw_plot(const tasks::lab::Plot& plot, const PlotStyle& style) {
  std::string text = plot.title + "\n";
  const PlotAxis x(plot, false), y(plot, true);
  if (!x.defined() || !y.defined()) return text + "  (nothing to draw)\n";
  const int64_t width = std::clamp<int64_t>(style.columns - kLabelWidth - 3, 16, 100);
  const int64_t height = std::max<int64_t>(style.rows, 3);
  Canvas canvas(width, height);
  for (size_t s = 0; s < plot.series.size(); ++s) {
    std::vector<std::pair<int64_t, int64_t>> places;
    for (const auto& [px, py] : visible_points(plot.series[s], x, y))
      places.emplace_back(at(x.place(px), width), at(y.place(py), height));
    draw_series(canvas, places, s);
  }
  std::vector<std::string> labels(static_cast<size_t>(height));
  for (const double tick : y.ticks(std::max<int64_t>(2, height / 3)))
    labels[static_cast<size_t>(height - 1 - at(y.place(tick), height))] = PlotAxis::label(tick);
  text += plot.y_label + "\n";
  for (int64_t row = 0; row < height; ++row) {
    const std::string& label = labels[static_cast<size_t>(row)];
    text += pad_left(label, kLabelWidth) + (label.empty() ? " |" : " +") + canvas.line(row, style.paint) + "\n";
  }
  text += x_axis(x, width);
  const std::string indent(kLabelWidth + 2, ' ');
  return text + indent + plot.x_label + "\n" + indent + legend(plot, style.paint) + "\n";
}

}  // namespace carousel::cli
