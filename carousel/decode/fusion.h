// A language model beside the model whose outputs are searched (shallow fusion, Gulcehre et al. 2015).
#pragma once

#include <cstdint>
#include <memory>

namespace carousel::decode {

/// Log-probabilities (natural) of symbols given those before them. Symbols are those of the search. Safe for several
/// threads at once.
class PrefixScorer {
 public:
  /// What is known of one output so far.
  class Prefix {
   public:
    virtual ~Prefix() = default;
    /// Of the next symbol.
    virtual double log_prob(int32_t symbol) const = 0;
    /// That the output is complete.
    virtual double end_log_prob() const = 0;
  };
  using Handle = std::shared_ptr<const Prefix>;

  virtual ~PrefixScorer() = default;
  /// Of the output that has no symbol yet.
  virtual Handle begin() const = 0;
  virtual Handle extend(const Prefix& prefix, int32_t symbol) const = 0;
};

/// An output y ranks by log p(y | x) + weight * log p_scorer(y) + symbol_bonus * |y|: the bonus makes up for what a
/// language model takes from long outputs.
struct Fusion {
  std::shared_ptr<const PrefixScorer> scorer;  ///< null: none
  double weight = 0.5;
  double symbol_bonus = 0;
};

}  // namespace carousel::decode
