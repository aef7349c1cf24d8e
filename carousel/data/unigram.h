// Subwords of a unigram language model (Kudo 2018, "Subword regularization: improving neural network translation models
// with multiple subword candidates"), with Unicode code points as the symbols that always remain.
//
// A piece of text (tokenizers/pieces.h) is cut into the symbols whose probabilities have the largest product. The
// probabilities are learnt by EM; symbols that are missed least are taken away until as many remain as wanted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "carousel/data/vocabulary.h"

namespace carousel {
class Rng;
}

namespace carousel::data {

class UnigramModel {
 public:
  struct Symbol {
    std::string text;
    double log_probability = 0;
  };
  /// Code points in a symbol at most, the space that begins a word included.
  static constexpr int64_t kMaxLength = 16;

  /// Symbols differ, none is empty and none longer than kMaxLength; log-probabilities are finite and at most 0.
  explicit UnigramModel(std::vector<Symbol> symbols);
  /// Learns at most `most` symbols of several code points from counted pieces; every code point becomes one besides.
  static UnigramModel learn(const SymbolCounts& pieces, int64_t most);

  const std::vector<Symbol>& symbols() const { return symbols_; }
  /// Calls emit(text) for each symbol of the best segmentation of a piece. Of equally good ones the one whose last
  /// symbol is longest. A code point that is no symbol stands for itself, as if rarer than all symbols.
  void split(std::string_view piece, const std::function<void(std::string_view)>& emit) const;
  /// The same for a segmentation drawn with probability proportional to P(segmentation)^alpha: 1 draws as the model
  /// has it, larger prefers the best, 0 takes all alike.
  void sample(std::string_view piece, double alpha, Rng& rng, const std::function<void(std::string_view)>& emit) const;
  /// Adds `times` the expected number of times that each symbol stands in a segmentation of `piece`, to counts[i] of
  /// symbols()[i]. Returns log P(piece), summed over all segmentations.
  double add_expected(std::string_view piece, double times, std::vector<double>& counts) const;
  /// log P of the best segmentation in which symbol `without` (an index, -1: none) is not used.
  /// `parts`, when given, becomes its symbols (indices; -1 for a code point that is none).
  double best(std::string_view piece, int64_t without, std::vector<int64_t>* parts) const;
  /// How often each symbol occurs in the best segmentations of counted pieces; single code points count as often as
  /// they occur in the pieces, so that all of them enter a vocabulary.
  SymbolCounts count_symbols(const SymbolCounts& pieces) const;

 private:
  /// A symbol that ends where an edge is kept.
  struct Edge {
    size_t begin = 0;     ///< code point
    int64_t symbol = -1;  ///< -1: a code point that is none
    double log_probability = 0;
  };
  /// All symbols of a piece: edges[i] are those that end before code point i; `offsets` are the bytes of code points.
  struct Lattice {
    std::vector<std::vector<Edge>> edges;
    std::vector<size_t> offsets;
  };
  Lattice lattice_of(std::string_view piece) const;

  std::vector<Symbol> symbols_;
  std::unordered_map<std::string, int64_t, StringHash, std::equal_to<>> places_;
  double unknown_ = 0;  ///< log-probability of a code point that is no symbol
};

}  // namespace carousel::data
