// Symbols and their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace carousel::data {

/// Lets maps of strings be asked with views.
struct StringHash : std::hash<std::string_view> {
  using is_transparent = void;
};

/// Counts symbols and remembers the order of their first use.
///
/// With a bound on how many different ones are kept, the rarest are forgotten whenever it is reached, down to half of
/// it (after Manku & Motwani 2002, "Approximate frequency counts over data streams"): a symbol that stays has been
/// counted too low by missed() at most, and one that is not there has been seen that often at most.
class SymbolCounts {
 public:
  SymbolCounts() = default;
  explicit SymbolCounts(int64_t most) : most_(most) {}
  void add(std::string_view symbol, int64_t times = 1);
  int64_t total() const { return total_; }
  int64_t size() const { return static_cast<int64_t>(symbols_.size()); }
  int64_t missed() const { return missed_; }
  /// Symbol and count, in order of first use.
  const std::vector<std::pair<std::string, int64_t>>& symbols() const { return symbols_; }
  /// 0 for a symbol that was never added.
  int64_t count(std::string_view symbol) const;

 private:
  void forget_rare();
  std::unordered_map<std::string, size_t, StringHash, std::equal_to<>> places_;
  std::vector<std::pair<std::string, int64_t>> symbols_;
  int64_t total_ = 0;
  int64_t most_ = 0;  // 0: no bound
  int64_t missed_ = 0;
};

/// A bijection between symbols and 0..size-1. The first three ids are markers that no text can produce; a symbol that
/// looks like a marker ("<unk>") is an ordinary symbol with another id.
class Vocabulary {
 public:
  static constexpr int32_t kBos = 0;
  static constexpr int32_t kEos = 1;
  static constexpr int32_t kUnk = 2;
  static constexpr int32_t kMarkers = 3;

  Vocabulary() = default;
  /// Symbols seen at least `min_count` times, most frequent first, then by first use; the first `most` of them (0:
  /// all).
  explicit Vocabulary(const SymbolCounts& counts, int64_t min_count = 1, int64_t most = 0);

  /// Markers included.
  int64_t size() const { return kMarkers + static_cast<int64_t>(symbols_.size()); }
  /// kUnk for a symbol that is not in the vocabulary.
  int32_t id(std::string_view symbol) const;
  bool contains(std::string_view symbol) const { return id(symbol) != kUnk; }
  /// "<s>", "</s>", "<unk>" for the markers. Throws ShapeError when `id` is out of range.
  const std::string& symbol(int32_t id) const;

  /// {"markers": [...], "symbols": [...]} as JSON text.
  std::string to_json() const;
  /// Throws FormatError naming `file`: not JSON, other markers, a symbol that is empty, twice there
  /// or holds a line end or NUL, too many symbols.
  static Vocabulary from_json(const std::string& json, const std::string& file);

 private:
  void insert(std::string symbol);
  std::vector<std::string> symbols_;  // without the markers
  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>> ids_;
};

}  // namespace carousel::data
