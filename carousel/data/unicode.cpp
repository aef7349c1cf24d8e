#include "carousel/data/unicode.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "carousel/base/error.h"

namespace carousel::data {

namespace {

uint8_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

/// Bytes of the code point that starts with `lead`, 0 when no code point starts so.
size_t length_of_lead(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

/// Length of the valid code point at `i`, or 0.
size_t valid_length(std::string_view text, size_t i) {
  const uint8_t lead = byte_at(text, i);
  const size_t length = length_of_lead(lead);
  if (length <= 1) return length;
  if (i + length > text.size()) return 0;
  for (size_t k = 1; k < length; ++k) {
    if ((byte_at(text, i + k) & 0xC0) != 0x80) return 0;
  }
  const uint8_t second = byte_at(text, i + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  const bool too_large = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

bool all_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

}  // namespace

int64_t find_invalid_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    uint64_t word = 0;
    if (i + sizeof word <= text.size()) {  // most text is ASCII: eight bytes at a time
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof word;
        continue;
      }
    }
    const size_t length = valid_length(text, i);
    if (length == 0) return static_cast<int64_t>(i);
    i += length;
  }
  return -1;
}

std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, length_of_lead(byte_at(text, i)));
    out.push_back(text.substr(i, length));
    i += length;
  }
  return out;
}

int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

char32_t first_code_point(std::string_view text) {
  const uint8_t lead = byte_at(text, 0);
  const size_t length = std::min(length_of_lead(lead), text.size());
  if (length <= 1) return lead;
  char32_t value = lead & (0xFFu >> (length + 1));
  for (size_t k = 1; k < length; ++k) value = (value << 6) | (byte_at(text, k) & 0x3Fu);
  return value;
}

void append_utf8(char32_t code_point, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_letter_or_digit(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

std::string_view trim(std::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const std::string_view rest = text.substr(begin);
    if (!is_space(first_code_point(rest))) break;
    begin += std::max<size_t>(1, length_of_lead(byte_at(rest, 0)));
  }
  size_t end = text.size();
  while (end > begin) {
    size_t last = end - 1;
    while (last > begin && (byte_at(text, last) & 0xC0) == 0x80) --last;
    if (!is_space(first_code_point(text.substr(last, end - last)))) break;
    end = last;
  }
  return text.substr(begin, end - begin);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, length_of_lead(byte_at(text, i)));
    if (is_space(first_code_point(text.substr(i, length)))) {
      if (i > begin) words.push_back(text.substr(begin, i - begin));
      begin = i + length;
    }
    i += length;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

const char* name_of(NormalForm form) {
  switch (form) {
    case NormalForm::nfc:
      return "nfc";
    case NormalForm::nfd:
      return "nfd";
    case NormalForm::none:
      break;
  }
  return "none";
}

std::string normalize(std::string_view text, NormalForm form) {
  if (form == NormalForm::none || all_ascii(text)) return std::string(text);
  const int how = UTF8PROC_STABLE | (form == NormalForm::nfc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
  utf8proc_uint8_t* bytes = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &bytes, static_cast<utf8proc_option_t>(how));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  if (length < 0) {
    throw Error(fmt::format("[normalize] text must be valid UTF-8; got {} ({}). Check the encoding of the input.",
                            clip_quoted(text), utf8proc_errmsg(length)));
  }
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

const char* name_of(LetterCase letter_case) {
  switch (letter_case) {
    case LetterCase::lower:
      return "lower";
    case LetterCase::upper:
      return "upper";
    case LetterCase::keep:
      break;
  }
  return "keep";
}

std::string fold_case(std::string_view text, LetterCase letter_case) {
  if (letter_case == LetterCase::keep) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (const std::string_view c : code_points(text)) {
    const auto code_point = static_cast<utf8proc_int32_t>(first_code_point(c));
    const auto mapped = letter_case == LetterCase::lower ? utf8proc_tolower(code_point) : utf8proc_toupper(code_point);
    append_utf8(static_cast<char32_t>(mapped), out);
  }
  return out;
}

std::string clip_quoted(std::string_view text, int64_t max_code_points) {
  std::string out = "\"";
  size_t i = 0;
  for (int64_t n = 0; i < text.size() && n < max_code_points; ++n) {
    const size_t length = valid_length(text, i);
    const uint8_t byte = byte_at(text, i);
    const bool control = length == 0 || byte < 0x20 || byte == 0x7F || (byte == 0xC2 && byte_at(text, i + 1) < 0xA0);
    if (control) {
      out += byte == '\t' ? "\\t" : fmt::format("\\x{:02X}", byte);
      // The second byte of a control character beyond ASCII is shown by the next round as an invalid byte.
      i += 1;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  out += '"';
  return i < text.size() ? out + "..." : out;
}

}  // namespace carousel::data
