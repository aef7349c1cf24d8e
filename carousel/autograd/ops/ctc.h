// The loss of connectionist temporal classification over packed sequences.
#pragma once

#include <cstdint>
#include <vector>

#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/tape.h"
#include "carousel/tensor/packing.h"

namespace carousel::ops {

/// Steps that an output needs at least: one for each symbol, and a blank between equal neighbours.
int64_t ctc_least_steps(const std::vector<int32_t>& target);

/// -log p(target) of all sequences, where p sums over all ways to give each step a symbol or the blank so that the
/// target is left when repeats are merged and then blanks removed (Graves et al. 2006, "Connectionist temporal
/// classification", eq. 3-8 and 16), divided by the number of sequences. logits [rows, V], packed; targets in the
/// caller's order, without blanks, possibly empty. Exact, by the forward-backward algorithm in logarithms and double.
/// Throws ShapeError, also for a target that needs more steps than its sequence has: its probability is 0.
CrossEntropy ctc_loss(Tape* tape, const Packing& packing, const Var& logits,
                      const std::vector<std::vector<int32_t>>& targets, int32_t blank);

}  // namespace carousel::ops
