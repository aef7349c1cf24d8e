// Words in pieces: what subwords are learnt from and never reach across.
//
// A text is cut at white space into words and each word into pieces: runs of letters and marks, of digits, of anything
// else; a piece holds at most kMaxPiece code points. The first piece of a word begins with a space, which marks the
// word boundary inside the symbols (no word can contain one), so joining all pieces gives the text back.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::data {

/// Longer pieces are cut, which bounds the time for a hostile text to a constant per byte.
inline constexpr size_t kMaxPiece = 64;

/// Calls take(piece) for each piece of a text; the view is valid during the call.
void each_piece(std::string_view text, const std::function<void(std::string_view)>& take);

}  // namespace carousel::data
