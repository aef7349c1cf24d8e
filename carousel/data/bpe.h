// Byte-pair encoding over words (Sennrich, Haddow & Birch 2016, "Neural machine translation of rare words with subword
// units"), with Unicode code points as the first symbols.
// They are learnt within pieces of words, see tokenizers/pieces.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "carousel/data/vocabulary.h"

namespace carousel::data {

class BytePairs {
 public:
  using Merge = std::pair<std::string, std::string>;
  /// Merges in order of falling priority. They must be sound (first_bad_merge < 0).
  explicit BytePairs(std::vector<Merge> merges);
  /// Learns at most `max_merges` merges from counted pieces: always the most frequent pair, the one first built from
  /// older symbols when counts are equal; stops at pairs that occur once.
  static BytePairs learn(const SymbolCounts& pieces, int64_t max_merges);
  /// Index of the first merge with a side that is neither one code point nor the result of an earlier merge, or that
  /// repeats an earlier one; -1 when all are sound.
  static int64_t first_bad_merge(const std::vector<Merge>& merges);

  const std::vector<Merge>& merges() const { return merges_; }
  /// Appends the symbols of a piece. A merged symbol that `known` refuses is taken apart again, down to code points.
  void split(std::string_view piece, const std::function<bool(std::string_view)>& known,
             std::vector<std::string>& symbols) const;
  /// How often each symbol occurs in the split of counted pieces; single code points count as often as they occur in
  /// the pieces, merged or not, so that all of them enter a vocabulary.
  SymbolCounts count_symbols(const SymbolCounts& pieces) const;

 private:
  struct Rule {
    int64_t rank;
    int32_t result;
  };
  int32_t intern(std::string_view symbol);
  std::vector<int32_t> apply(std::vector<int32_t> symbols) const;
  void split_piece(std::string_view piece, const std::function<void(std::string_view, int32_t)>& emit) const;
  void emit_known(int32_t symbol, const std::function<bool(std::string_view)>& known,
                  std::vector<std::string>& out) const;

  std::vector<Merge> merges_;
  std::vector<std::string> symbols_;                // by number
  std::vector<std::pair<int32_t, int32_t>> parts_;  // by number; -1, -1 for a code point
  std::unordered_map<std::string, int32_t> numbers_;
  std::unordered_map<uint64_t, Rule> rules_;
};

}  // namespace carousel::data
