// An RGB picture with boxes, lines and text, written as PNG.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace carousel::cli {

using Color = std::array<unsigned char, 3>;

/// White at first. What lies outside is cut off.
class Picture {
 public:
  static constexpr int64_t kScale = 2;  ///< pixels per dot of the font

  /// Sides in pixels, at least 1 each.
  Picture(int64_t width, int64_t height);
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }

  void fill(int64_t left, int64_t top, int64_t width, int64_t height, const Color& color);
  /// Draws text from its top left corner, or going up from its bottom left corner.
  void text(int64_t left, int64_t top, const std::string& characters, bool upward = false);
  /// Draws a straight line of the given thickness in pixels.
  void line(int64_t from_x, int64_t from_y, int64_t to_x, int64_t to_y, int64_t thickness, const Color& color);
  /// Pixels that a text takes along its direction.
  static int64_t text_length(const std::string& characters);
  /// 8-bit RGB PNG, through libpng's simplified interface (no setjmp). Throws ResourceError.
  std::string encode() const;

 private:
  int64_t width_, height_;
  std::vector<unsigned char> pixels_;
};

}  // namespace carousel::cli
