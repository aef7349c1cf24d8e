// Pictures read back, for tests of what draws them.
#pragma once

#include <gtest/gtest.h>
#include <png.h>

#include <array>
#include <string>
#include <vector>

namespace carousel::cli {

struct Pixels {
  size_t width = 0, height = 0;
  std::vector<unsigned char> rgb;

  std::array<int, 3> at(size_t x, size_t y) const {
    const size_t i = (y * width + x) * 3;
    return {rgb.at(i), rgb.at(i + 1), rgb.at(i + 2)};
  }
};

/// An empty picture, and a failed test, for bytes that are no PNG.
inline Pixels read_png(const std::string& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const bool begun = png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0;
  image.format = PNG_FORMAT_RGB;
  Pixels pixels;
  if (begun) pixels.rgb.resize(PNG_IMAGE_SIZE(image));
  if (!begun || png_image_finish_read(&image, nullptr, pixels.rgb.data(), 0, nullptr) == 0) {
    ADD_FAILURE() << image.message;
    return {};
  }
  pixels.width = image.width;
  pixels.height = image.height;
  return pixels;
}

}  // namespace carousel::cli
