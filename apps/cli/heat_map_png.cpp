// The picture of an attention map, written with libpng's simplified interface (no setjmp).
#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "apps/cli/font.h"
#include "apps/cli/heat_map.h"
#include "carousel/base/error.h"

namespace carousel::cli {

namespace {

constexpr int64_t kCell = 24;         // pixels
constexpr int64_t kScale = 2;         // pixels per dot of the font
constexpr int64_t kMargin = 8;        // pixels
constexpr int64_t kLargest = 16000;   // pixels of one side
constexpr size_t kLongestLabel = 16;  // characters

using Color = std::array<unsigned char, 3>;

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

class Picture {
 public:
  Picture(int64_t width, int64_t height)
      : width_(width), height_(height), pixels_(static_cast<size_t>(width * height * 3), 255) {}

  void fill(int64_t left, int64_t top, int64_t width, int64_t height, const Color& color) {
    for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + height, height_); ++y) {
      for (int64_t x = std::max<int64_t>(left, 0); x < std::min(left + width, width_); ++x) {
        std::copy(color.begin(), color.end(), pixels_.begin() + static_cast<std::ptrdiff_t>((y * width_ + x) * 3));
      }
    }
  }

  /// Draws text from its top left corner, or going up from its bottom left corner.
  void text(int64_t left, int64_t top, const std::string& characters, bool upward) {
    for (size_t i = 0; i < characters.size(); ++i) {
      const auto glyph = glyph_of(characters[i]);
      for (int64_t column = 0; column < kGlyphWidth; ++column) {
        for (int64_t row = 0; row < kGlyphHeight; ++row) {
          if ((glyph[static_cast<size_t>(column)] >> row & 1) == 0) continue;
          const int64_t along = (static_cast<int64_t>(i) * (kGlyphWidth + 1) + column) * kScale;
          const int64_t across = row * kScale;
          fill(upward ? left + across : left + along, upward ? top - along - kScale : top + across, kScale, kScale,
               {0, 0, 0});
        }
      }
    }
  }

  std::string encode() const {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width_);
    image.height = static_cast<png_uint_32>(height_);
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t size = 0;
    const bool measured = png_image_write_to_memory(&image, nullptr, &size, 0, pixels_.data(), 0, nullptr) != 0;
    std::string bytes(measured ? size : 0, '\0');
    if (!measured || png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels_.data(), 0, nullptr) == 0) {
      throw ResourceError(fmt::format("[png] the picture must be encoded; got: {}. Free memory.", image.message));
    }
    bytes.resize(size);
    return bytes;
  }

 private:
  int64_t width_, height_;
  std::vector<unsigned char> pixels_;
};

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

}  // namespace

std::string heat_map_png(const tasks::AttentionMap& map) {
  if (map.weights.size() != map.source.size() * map.target.size()) {
    throw ShapeError(
        fmt::format("[png] weights are target x source; got {} weights for {} x {} tokens. Pass a whole map.",
                    map.weights.size(), map.target.size(), map.source.size()));
  }
  const auto source = plain_labels(map.source), target = plain_labels(map.target);
  const int64_t left = kMargin + text_length(target) + kMargin, top = kMargin + text_length(source) + kMargin;
  const int64_t width = left + static_cast<int64_t>(source.size()) * kCell + kMargin;
  const int64_t height = top + static_cast<int64_t>(target.size()) * kCell + kMargin;
  if (width > kLargest || height > kLargest) {
    throw UnsupportedError(
        fmt::format("[png] a picture has at most {} pixels a side; got {} x {}. Use a shorter input, or "
                    "--json.",
                    kLargest, width, height));
  }
  Picture picture(width, height);
  constexpr int64_t kCentered = (kCell - kGlyphHeight * kScale) / 2;
  for (size_t s = 0; s < source.size(); ++s) {
    picture.text(left + static_cast<int64_t>(s) * kCell + kCentered, top - kMargin / 2, source[s], true);
  }
  for (size_t t = 0; t < target.size(); ++t) {
    const int64_t y = top + static_cast<int64_t>(t) * kCell;
    const auto length = static_cast<int64_t>(target[t].size()) * (kGlyphWidth + 1) * kScale;
    picture.text(left - kMargin / 2 - length, y + kCentered, target[t], false);
    for (size_t s = 0; s < source.size(); ++s) {
      picture.fill(left + static_cast<int64_t>(s) * kCell, y, kCell - 1, kCell - 1,
                   color_of(map.weights[t * source.size() + s]));
    }
  }
  return picture.encode();
}

}  // namespace carousel::cli
