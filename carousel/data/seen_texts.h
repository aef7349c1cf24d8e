// Which texts stood in the training data, in four bytes each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace carousel::data {

/// Remembers texts by a hash; with 100,000 of them a stranger is mistaken for one of them once in 40,000 times.
class SeenTexts {
 public:
  static constexpr size_t kMost = 1000000;  ///< more than these are not stored

  void insert(std::string_view text) { hashes_.insert(hash_of(text)); }
  /// Nothing where no text is remembered: there were too many to store.
  std::optional<bool> contains(std::string_view text) const {
    if (hashes_.empty()) return std::nullopt;
    return hashes_.contains(hash_of(text));
  }
  bool storable() const { return hashes_.size() <= kMost; }

  /// Eight hexadecimal digits a text, in order.
  std::string to_hex() const;
  /// Throws FormatError naming `file` and the metadata's `key` for anything else.
  static SeenTexts from_hex(const std::string& hex, const std::string& key, const std::string& file);

 private:
  static uint32_t hash_of(std::string_view text);
  std::unordered_set<uint32_t> hashes_;
};

}  // namespace carousel::data
