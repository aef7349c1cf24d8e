// Bytes as characters, so that symbols of bytes can be kept where texts are kept.
//
// Each byte stands for one code point, as in GPT-2 (Radford et al. 2019): printable ones of Latin-1 for themselves, the
// others, in their order, for U+0100 on. A space is U+0120.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carousel::data {

/// The code point of each byte of a text, as UTF-8.
std::string byte_symbols(std::string_view bytes);
/// The bytes that such code points stand for; other code points give their own UTF-8.
std::string bytes_of_symbols(std::string_view symbols);
/// Valid UTF-8: each byte that is no part of a character, or a line end, tab or NUL, becomes U+FFFD.
std::string printable_text(std::string_view bytes);

}  // namespace carousel::data
