// The loss of connectionist temporal classification over packed sequences.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/tape.h"
#include "carousel/tensor/packing.h"

namespace carousel::ops {

/// Steps that an output needs at least: one for each symbol, and a blank between equal neighbours.
int64_t ctc_least_steps(const std::vector<int32_t>& target);

/// How one output lies on the steps of its sequence.
struct CtcAlignment {
  double log_prob = 0;           ///< of the output, all its paths together
  std::vector<double> occupied;  ///< [symbols + 1, steps]: p(the step is symbol l | output); the last row is the blank
};
/// log_probs [steps, vocab_size], normalised; `target` as that of ctc_loss(). Throws ShapeError as it does.
CtcAlignment ctc_align(std::span<const float> log_probs, int64_t vocab_size, const std::vector<int32_t>& target,
                       int32_t blank);

/// -log p(target) of all sequences, where p sums over all ways to give each step a symbol or the blank so that the
/// target is left when repeats are merged and then blanks removed (Graves et al. 2006, "Connectionist temporal
/// classification", eq. 3-8 and 16), divided by the number of sequences. logits [rows, V], packed; targets in the
/// caller's order, without blanks, possibly empty. Exact, by the forward-backward algorithm in logarithms and double.
/// Throws ShapeError, also for a target that needs more steps than its sequence has: its probability is 0.
CrossEntropy ctc_loss(Tape* tape, const Packing& packing, const Var& logits,
                      const std::vector<std::vector<int32_t>>& targets, int32_t blank);

}  // namespace carousel::ops
