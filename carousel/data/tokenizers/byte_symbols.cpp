#include "carousel/data/tokenizers/byte_symbols.h"

#include <array>
#include <unordered_map>

#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

struct Table {
  std::array<std::string, 256> symbols;
  std::unordered_map<std::string_view, char> bytes;

  Table() {
    char32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) append_utf8(stands_for_itself(byte) ? byte : next++, symbols[byte]);
    for (uint32_t byte = 0; byte < 256; ++byte) bytes[symbols[byte]] = static_cast<char>(static_cast<uint8_t>(byte));
  }
};

const Table& table() {
  static const Table one;
  return one;
}

}  // namespace

std::string byte_symbols(std::string_view bytes) {
  std::string symbols;
  for (const char byte : bytes) symbols += table().symbols[static_cast<uint8_t>(byte)];
  return symbols;
}

std::string bytes_of_symbols(std::string_view symbols) {
  std::string bytes;
  for (const std::string_view symbol : code_points(symbols)) {
    const auto place = table().bytes.find(symbol);
    if (place == table().bytes.end()) {
      bytes += symbol;
    } else {
      bytes += place->second;
    }
  }
  return bytes;
}

std::string printable_text(std::string_view bytes) {
  constexpr const char* kReplacement = "\xEF\xBF\xBD";  // U+FFFD
  std::string text;
  while (!bytes.empty()) {
    const int64_t bad = find_invalid_utf8(bytes);
    const std::string_view sound = bytes.substr(0, bad < 0 ? bytes.size() : static_cast<size_t>(bad));
    for (const char c : sound) {
      if (c == '\0' || (c >= '\t' && c <= '\r')) {
        text += kReplacement;
      } else {
        text += c;
      }
    }
    bytes.remove_prefix(sound.size());
    if (bytes.empty()) break;
    text += kReplacement;
    bytes.remove_prefix(1);
  }
  return text;
}

}  // namespace carousel::data
