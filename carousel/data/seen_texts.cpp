#include "carousel/data/seen_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::data {

uint32_t SeenTexts::hash_of(std::string_view text) {
  return static_cast<uint32_t>(mix(hash_text(text), 0));
}

std::string SeenTexts::to_hex() const {
  std::vector<uint32_t> sorted(hashes_.begin(), hashes_.end());
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  text.reserve(sorted.size() * 8);
  for (const uint32_t h : sorted) fmt::format_to(std::back_inserter(text), "{:08x}", h);
  return text;
}

SeenTexts SeenTexts::from_hex(const std::string& hex, const std::string& key, const std::string& file) {
  if (hex.size() % 8 != 0 || hex.size() / 8 > kMost || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw FormatError(file, 0,
                      fmt::format("[model] {} must be groups of eight hexadecimal digits; got something else. The file "
                                  "is damaged; train again.",
                                  key));
  SeenTexts texts;
  for (size_t i = 0; i < hex.size(); i += 8)
    texts.hashes_.insert(static_cast<uint32_t>(std::stoul(hex.substr(i, 8), nullptr, 16)));
  return texts;
}

}  // namespace carousel::data
