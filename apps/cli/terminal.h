// What the terminal can show, and how wide text is on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carousel::cli {

/// How shades are drawn: 256 colours, Unicode blocks, or ASCII characters.
enum class Paint { colors, blocks, ascii };

/// `choice` is the value of --color: auto, always or never. auto: colours when stdout is a terminal, TERM is not "dumb"
/// and NO_COLOR is not set. Without colours: blocks when the locale is UTF-8.
Paint choose_paint(const std::string& choice);
bool is_terminal(int descriptor);
/// Columns of the terminal behind `descriptor`; `otherwise` when it is none.
int64_t terminal_columns(int descriptor, int64_t otherwise);
bool locale_is_utf8();

/// Columns that a UTF-8 text takes (East Asian wide: 2, combining: 0, bad bytes: 1).
int64_t display_width(std::string_view text);
/// The text cut to at most `width` columns and made safe to print: control characters become '?', so that data cannot
/// steer the terminal.
std::string fit(std::string_view text, int64_t width);
/// `fit`, then filled with spaces to `width` on the left or on the right.
std::string pad_left(std::string_view text, int64_t width);
std::string pad_right(std::string_view text, int64_t width);

}  // namespace carousel::cli
