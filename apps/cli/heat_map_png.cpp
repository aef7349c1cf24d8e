// The picture of an attention map.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "apps/cli/font.h"
#include "apps/cli/heat_map.h"
#include "apps/cli/picture.h"
#include "carousel/base/error.h"

namespace carousel::cli {

namespace {

constexpr int64_t kCell = 24;        // pixels
constexpr int64_t kSmallestGap = 4;  // pixels of a cell from which on a line stands between two
constexpr int64_t kScale = Picture::kScale;
constexpr int64_t kMargin = 8;        // pixels
constexpr int64_t kLargest = 16000;   // pixels of one side
constexpr size_t kLongestLabel = 16;  // characters

/// Dark violet over green to yellow, with even steps of lightness (the anchors of the viridis map).
Color color_of(float weight) {
  constexpr std::array<std::array<float, 3>, 5> kAnchors = {
      {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}}};
  if (!std::isfinite(weight)) return {255, 0, 0};
  const float position = std::clamp(weight, 0.0F, 1.0F) * 4.0F;
  const auto below = static_cast<size_t>(std::min(position, 3.0F));
  const float share = position - static_cast<float>(below);
  Color color{};
  for (size_t i = 0; i < 3; ++i) {
    const float value = kAnchors[below][i] * (1 - share) + kAnchors[below + 1][i] * share;
    color[i] = static_cast<unsigned char>(std::lround(value));
  }
  return color;
}

std::vector<std::string> plain_labels(const std::vector<std::string>& tokens) {
  std::vector<std::string> labels;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool plain = !tokens[i].empty() && std::all_of(tokens[i].begin(), tokens[i].end(), has_glyph);
    labels.push_back(plain ? tokens[i].substr(0, kLongestLabel) : fmt::format("{}", i));
    if (tokens[i] == " ") labels.back().assign(1, '_');
  }
  return labels;
}

int64_t text_length(const std::vector<std::string>& labels) {
  size_t longest = 1;
  for (const std::string& label : labels) longest = std::max(longest, label.size());
  return static_cast<int64_t>(longest) * (kGlyphWidth + 1) * kScale;
}

/// One axis of the map: its cells get smaller where they would not fit otherwise (the units of a wide layer).
struct Axis {
  int64_t start = 0, cell = kCell, length = 0;  // pixels
  size_t step = 1;                              // every which label has room

  Axis(int64_t first_pixel, size_t cells) : start(first_pixel) {
    const auto count = static_cast<int64_t>(std::max<size_t>(cells, 1));
    cell = std::clamp<int64_t>((kLargest - start - kMargin) / count, 1, kCell);
    length = start + static_cast<int64_t>(cells) * cell + kMargin;
    constexpr int64_t kLine = (kGlyphHeight + 1) * kScale;
    if (cell < kLine) step = static_cast<size_t>((kLine + cell - 1) / cell);
  }
  int64_t at(size_t index) const { return start + static_cast<int64_t>(index) * cell; }
  int64_t filled() const { return cell < kSmallestGap ? cell : cell - 1; }
  int64_t text_at(size_t index) const { return at(index) + (cell - kGlyphHeight * kScale) / 2; }
};

}  // namespace

std::string heat_map_png(const tasks::AttentionMap& map) {
  if (map.weights.size() != map.source.size() * map.target.size()) {
    throw ShapeError(
        fmt::format("[png] weights are target x source; got {} weights for {} x {} tokens. Pass a whole map.",
                    map.weights.size(), map.target.size(), map.source.size()));
  }
  const auto source = plain_labels(map.source), target = plain_labels(map.target);
  const Axis x(kMargin + text_length(target) + kMargin, source.size());
  const Axis y(kMargin + text_length(source) + kMargin, target.size());
  if (x.length > kLargest || y.length > kLargest) {
    throw UnsupportedError(
        fmt::format("[png] a picture has at most {} pixels a side; got {} x {} with cells of one pixel. Use a shorter "
                    "input, or --json; with --gates also --csv or --npy.",
                    kLargest, x.length, y.length));
  }
  Picture picture(x.length, y.length);
  for (size_t s = 0; s < source.size(); s += x.step) picture.text(x.text_at(s), y.start - kMargin / 2, source[s], true);
  for (size_t t = 0; t < target.size(); ++t) {
    const int64_t length = Picture::text_length(target[t]);
    if (t % y.step == 0) picture.text(x.start - kMargin / 2 - length, y.text_at(t), target[t], false);
    for (size_t s = 0; s < source.size(); ++s)
      picture.fill(x.at(s), y.at(t), x.filled(), y.filled(), color_of(map.weights[t * source.size() + s]));
  }
  return picture.encode();
}

}  // namespace carousel::cli
