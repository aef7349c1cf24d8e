#include "apps/cli/picture.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstdlib>

#include "apps/cli/font.h"
#include "carousel/base/error.h"

namespace carousel::cli {

Picture::Picture(int64_t width, int64_t height)
    : width_(width), height_(height), pixels_(static_cast<size_t>(width * height * 3), 255) {}

void Picture::fill(int64_t left, int64_t top, int64_t width, int64_t height, const Color& color) {
  for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + height, height_); ++y) {
    for (int64_t x = std::max<int64_t>(left, 0); x < std::min(left + width, width_); ++x) {
      std::copy(color.begin(), color.end(), pixels_.begin() + static_cast<std::ptrdiff_t>((y * width_ + x) * 3));
    }
  }
}

void Picture::text(int64_t left, int64_t top, const std::string& characters, bool upward) {
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

void Picture::line(int64_t from_x, int64_t from_y, int64_t to_x, int64_t to_y, int64_t thickness, const Color& color) {
  const int64_t steps = std::max<int64_t>({std::abs(to_x - from_x), std::abs(to_y - from_y), 1});
  for (int64_t i = 0; i <= steps; ++i) {
    const int64_t x = from_x + (to_x - from_x) * i / steps, y = from_y + (to_y - from_y) * i / steps;
    fill(x - thickness / 2, y - thickness / 2, thickness, thickness, color);
  }
}

int64_t Picture::text_length(const std::string& characters) {
  return static_cast<int64_t>(characters.size()) * (kGlyphWidth + 1) * kScale;
}

std::string Picture::encode() const {
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

}  // namespace carousel::cli
