#include "apps/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>

namespace carousel::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Calls `take(bytes, width)` for each code point until it returns false; a bad byte is one column.
void each_character(std::string_view text, const std::function<bool(std::string_view, int64_t)>& take) {
  while (!text.empty()) {
    utf8proc_int32_t code = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    utf8proc_ssize_t count = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &code);
    int64_t width = 1;
    if (count > 0 && code >= 0) {
      const auto category = utf8proc_category(code);
      const bool combines = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
      width = combines ? 0 : utf8proc_charwidth(code);
    }
    count = std::max<utf8proc_ssize_t>(count, 1);
    if (!take(text.substr(0, static_cast<size_t>(count)), width)) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

/// The character itself, or '?' for what a terminal would act on or cannot show.
std::string_view safe(std::string_view character) {
  utf8proc_int32_t code = -1;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(character.data());
  utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(character.size()), &code);
  if (code < 0) return "?";
  const auto category = utf8proc_category(code);
  const bool steers = category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
                      category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
  return steers ? "?" : character;
}

std::string spaces(int64_t count) {
  return std::string(static_cast<size_t>(std::max<int64_t>(count, 0)), ' ');
}

}  // namespace

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

int64_t terminal_columns(int descriptor, int64_t otherwise) {
  struct winsize size {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return otherwise;
  return size.ws_col;
}

bool locale_is_utf8() {
  std::string name = environment("LC_ALL");
  if (name.empty()) name = environment("LC_CTYPE");
  if (name.empty()) name = environment("LANG");
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return name.find("utf-8") != std::string::npos || name.find("utf8") != std::string::npos;
}

Paint choose_paint(const std::string& choice) {
  const bool automatic = is_terminal(STDOUT_FILENO) && environment("TERM") != "dumb" && environment("NO_COLOR").empty();
  if (choice == "always" || (choice == "auto" && automatic)) return Paint::colors;
  return locale_is_utf8() ? Paint::blocks : Paint::ascii;
}

int64_t display_width(std::string_view text) {
  int64_t total = 0;
  each_character(text, [&](std::string_view character, int64_t width) {
    total += safe(character) == "?" ? 1 : width;
    return true;
  });
  return total;
}

std::string fit(std::string_view text, int64_t width) {
  std::string kept;
  int64_t used = 0;
  each_character(text, [&](std::string_view character, int64_t columns) {
    const std::string_view shown = safe(character);
    const int64_t needed = shown == "?" ? 1 : columns;
    if (used + needed > width) return false;
    kept += shown;
    used += needed;
    return true;
  });
  return kept;
}

std::string pad_left(std::string_view text, int64_t width) {
  const std::string kept = fit(text, width);
  return spaces(width - display_width(kept)) + kept;
}

std::string pad_right(std::string_view text, int64_t width) {
  const std::string kept = fit(text, width);
  return kept + spaces(width - display_width(kept));
}

}  // namespace carousel::cli
