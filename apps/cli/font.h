// A 5 x 7 dot font for the printable ASCII characters, for labels in pictures.
#pragma once

#include <array>
#include <cstdint>

namespace carousel::cli {

inline constexpr int64_t kGlyphWidth = 5;
inline constexpr int64_t kGlyphHeight = 8;  ///< seven dots and one below the line

bool has_glyph(char character);
/// Columns from left to right; bit 0 is the top dot. A filled box for a character without a glyph.
std::array<uint8_t, kGlyphWidth> glyph_of(char character);

}  // namespace carousel::cli
