// UTF-8 texts: validation, code points, white space, letter case, normal forms, and quoting for error messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::data {

/// Byte index of the first byte that is not part of valid UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
/// U+10FFFF), or -1 when all of `text` is valid.
int64_t find_invalid_utf8(std::string_view text);

/// The code points of valid UTF-8, each as the bytes that encode it. The views point into `text`.
std::vector<std::string_view> code_points(std::string_view text);
/// Number of code points of valid UTF-8.
int64_t count_code_points(std::string_view text);
/// The number of the first code point of non-empty valid UTF-8.
char32_t first_code_point(std::string_view text);
/// Appends the UTF-8 of a code point.
void append_utf8(char32_t code_point, std::string& out);

/// White space by the Unicode property White_Space (Python's str.split splits at nearly the same set).
bool is_space(char32_t code_point);
/// Letters, marks and digits of any script (general categories L, M, N).
bool is_letter_or_digit(char32_t code_point);
/// Without white space at both ends.
std::string_view trim(std::string_view text);
/// The runs of `text` between white space.
std::vector<std::string_view> split_words(std::string_view text);

/// How inputs are brought to the form that the training data has.
enum class NormalForm { none, nfc, nfd };
/// "none", "nfc", "nfd".
const char* name_of(NormalForm form);
/// `text` in the given Unicode normal form (UAX 15). Input is valid UTF-8.
std::string normalize(std::string_view text, NormalForm form);

enum class LetterCase { keep, lower, upper };
/// "keep", "lower", "upper".
const char* name_of(LetterCase letter_case);
/// Simple case mapping, code point by code point (UnicodeData; no language-specific rules).
std::string fold_case(std::string_view text, LetterCase letter_case);

/// `text` in double quotes for a message: at most `max_code_points`, control characters as \xHH, "..." where clipped.
/// Bytes that are not UTF-8 become \xHH too, so the result is always safe to print.
std::string clip_quoted(std::string_view text, int64_t max_code_points = 40);

}  // namespace carousel::data
