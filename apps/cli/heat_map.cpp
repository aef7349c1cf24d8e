#include "apps/cli/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "carousel/base/error.h"

namespace carousel::cli {

namespace {

// From nothing to all; one step of a ramp is an equal share of the weight. Sources are ASCII, so blocks are escapes.
constexpr std::array<std::string_view, 5> kBlocks = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
constexpr std::array<std::string_view, 10> kAscii = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
// Colours of the 256-colour table from dark blue over green to yellow: readable on light and dark terminals.
constexpr std::array<int, 11> kHeat = {235, 17, 18, 24, 30, 36, 42, 76, 112, 154, 226};
constexpr int64_t kWidestLabel = 8;

template <size_t N>
size_t level(float weight, const std::array<std::string_view, N>&) {
  return static_cast<size_t>(std::lround(std::clamp(weight, 0.0F, 1.0F) * static_cast<float>(N - 1)));
}

std::string repeat(std::string_view text, int64_t count) {
  std::string all;
  for (int64_t i = 0; i < count; ++i) all += text;
  return all;
}

/// A label that can be seen: spaces have a sign of their own.
std::string label(const std::string& token, Paint paint) {
  if (token.empty() || token.find_first_not_of(' ') == std::string::npos) {
    return repeat(paint == Paint::ascii ? "_" : "\u2423", std::max<int64_t>(1, static_cast<int64_t>(token.size())));
  }
  return token;
}

int64_t widest(const std::vector<std::string>& tokens, int64_t most) {
  int64_t width = 1;
  for (const std::string& token : tokens) width = std::max(width, display_width(token));
  return std::min(width, most);
}

void check(const tasks::AttentionMap& map) {
  if (map.weights.size() == map.source.size() * map.target.size()) return;
  throw ShapeError(
      fmt::format("[heat map] weights are target x source; got {} weights for {} x {} tokens. Pass a whole "
                  "map.",
                  map.weights.size(), map.target.size(), map.source.size()));
}

}  // namespace

std::string shade(float weight, int64_t width, Paint paint) {
  if (!std::isfinite(weight)) return repeat("?", width);
  switch (paint) {
    case Paint::blocks:
      return repeat(kBlocks[level(weight, kBlocks)], width);
    case Paint::ascii:
      return repeat(kAscii[level(weight, kAscii)], width);
    case Paint::colors:
      break;
  }
  const auto last = static_cast<float>(kHeat.size() - 1);
  const auto index = static_cast<size_t>(std::lround(std::clamp(weight, 0.0F, 1.0F) * last));
  return fmt::format("\x1b[48;5;{}m{}\x1b[0m", kHeat[index], repeat(" ", width));
}

std::string shades(Paint paint) {
  const size_t steps = paint == Paint::colors ? kHeat.size() : paint == Paint::blocks ? kBlocks.size() : kAscii.size();
  std::string text;
  for (size_t step = 0; step < steps; ++step) {
    text += shade(static_cast<float>(step) / static_cast<float>(steps - 1), 1, paint);
  }
  return text;
}

std::string draw_heat_map(const tasks::AttentionMap& map, const HeatMapStyle& style) {
  check(map);
  std::vector<std::string> source, target;
  for (const std::string& token : map.source) source.push_back(label(token, style.paint));
  for (const std::string& token : map.target) target.push_back(label(token, style.paint));
  const int64_t row_label = widest(target, 2 * kWidestLabel);
  const int64_t width = widest(source, kWidestLabel) + 1;
  const auto count = static_cast<int64_t>(source.size());
  const int64_t at_once = std::max<int64_t>(1, (style.columns - row_label - 1) / width);
  std::string text;
  for (int64_t begin = 0; begin < count; begin += at_once) {
    const int64_t end = std::min(count, begin + at_once);
    text += repeat(" ", row_label + 1);
    for (int64_t s = begin; s < end; ++s) text += pad_right(source[static_cast<size_t>(s)], width);
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
    for (size_t t = 0; t < target.size(); ++t) {
      text += pad_left(target[t], row_label) + " ";
      for (int64_t s = begin; s < end; ++s) {
        text += shade(map.weights[t * source.size() + static_cast<size_t>(s)], width, style.paint);
      }
      text += "\n";
    }
    text += "\n";
  }
  return text + fmt::format("0 {} 1   rows: output, columns: input\n", shades(style.paint));
}

}  // namespace carousel::cli
