// The one thing a search method needs of a model.
#pragma once

#include <cstdint>
#include <span>

namespace carousel::decode {

/// A conditional next-token model over a batch of sources, stepped by a search method. Rows are hypotheses.
class StepModel {
 public:
  virtual ~StepModel() = default;
  virtual int64_t num_sources() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual int32_t bos() const = 0;
  virtual int32_t eos() const = 0;
  /// Resets to one row per source, in source order, nothing consumed yet.
  virtual void start() = 0;
  /// Makes rows 0..R-1, row i continuing the previous call's row parents[i] (after start(): source index) by consuming
  /// tokens[i], and writes log-probabilities of the next token to log_probs [R, vocab_size].
  virtual void step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) = 0;
  /// Where row `row` of the last step looked in its source, one weight for each position; empty without attention.
  virtual std::span<const float> attention_of(int64_t) const { return {}; }
};

}  // namespace carousel::decode
