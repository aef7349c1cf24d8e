#include "carousel/data/tokenizers/pieces.h"

#include <utf8proc.h>

#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

enum class CharacterClass { letter, digit, other };

CharacterClass class_of(std::string_view code_point) {
  const char32_t c = first_code_point(code_point);
  if (c < 0x80) {  // most text is
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') return CharacterClass::letter;
    return c >= '0' && c <= '9' ? CharacterClass::digit : CharacterClass::other;
  }
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharacterClass::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterClass::digit;
    default:
      return CharacterClass::other;
  }
}

}  // namespace

void each_piece(std::string_view text, const std::function<void(std::string_view)>& take) {
  std::string piece;
  for (const std::string_view word : split_words(text)) {
    piece = " ";
    size_t length = 0;
    CharacterClass piece_class = CharacterClass::other;
    for (const std::string_view c : code_points(word)) {
      const CharacterClass now = class_of(c);
      if (length > 0 && (now != piece_class || length == kMaxPiece)) {
        take(piece);
        piece.clear();
        length = 0;
      }
      piece_class = now;
      piece += c;
      ++length;
    }
    take(piece);
  }
}

}  // namespace carousel::data
