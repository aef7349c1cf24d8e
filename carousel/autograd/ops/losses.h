// Losses.
#pragma once

#include <cstdint>
#include <span>

#include "carousel/autograd/tape.h"

namespace carousel::ops {

struct CrossEntropy {
  Var loss;             ///< mean over rows, one element
  double nll_sum = 0;   ///< summed -log p(target), without smoothing, in nats
  int64_t correct = 0;  ///< rows whose target is the most probable, the first of equals; where they are counted
};

/// Softmax cross-entropy of logits [N, V] against target ids [N], with label smoothing (Szegedy et al. 2016): the
/// target distribution is (1 - smoothing) on the target plus smoothing / V everywhere, as in PyTorch. Throws
/// ShapeError.
CrossEntropy cross_entropy(Tape* tape, const Var& logits, std::span<const int32_t> targets, double smoothing,
                           bool count_correct = false);

/// cross_entropy(linear(x, w, b)) for x [N, I], w [V, I], b [V] or undefined, without the logits ever being in memory
/// as a whole: forward goes over blocks of rows and makes the gradients of each while its logits are at hand.
CrossEntropy linear_cross_entropy(Tape* tape, const Var& x, const Var& w, const Var& b,
                                  std::span<const int32_t> targets, double smoothing, bool count_correct = false);

}  // namespace carousel::ops
