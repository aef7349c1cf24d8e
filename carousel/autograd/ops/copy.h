// The output of a decoder that writes symbols of its own and copies symbols of its source.
//
// Pointer-generator (See, Liu & Manning 2017, "Get to the point", equations 8 and 9): with the gate g = sigmoid(z),
//   p(w) = g * softmax(logits)[w] + (1 - g) * sum of the attention weights of all source positions that hold w.
// Symbols are numbered so that [0, V) are those of the vocabulary and V, V + 1, ... those that only the source has.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/tape.h"

namespace carousel::ops {

/// Which symbol each attention weight of each row stands for.
struct CopyRows {
  std::vector<int32_t> symbols;  ///< of all source positions, sources one after the other; negative: never copied
  std::vector<int64_t> first;    ///< [N] where the source of a row begins in `symbols`
  std::vector<int64_t> offsets;  ///< [N + 1] where the weights of a row begin in the ragged weights
};

/// -log p(target) of rows, and its mean as a loss. logits [N, V]; gate [N, 1] holds z; weights are ragged, rows one
/// after the other, each summing to 1. Label smoothing spreads its share over the softmax alone: (1 - smoothing) times
/// -log p(target) plus smoothing times the mean of -log softmax. A target that nothing in its row can make has the
/// probability 1e-12. Throws ShapeError.
CrossEntropy copy_cross_entropy(Tape* tape, const Var& logits, const Var& gate, const Var& weights,
                                const CopyRows& rows, std::span<const int32_t> targets, double smoothing);

/// copy_cross_entropy() of the logits linear(x, w, b), x [N, I], w [V, I], b [V] or undefined, which are never in
/// memory as a whole: see linear_cross_entropy().
CrossEntropy linear_copy_cross_entropy(Tape* tape, const Var& x, const Var& w, const Var& b, const Var& gate,
                                       const Var& weights, const CopyRows& rows, std::span<const int32_t> targets,
                                       double smoothing, bool count_correct = false);

/// log p of one row over V + extra symbols into `out`. logits [V]; symbols and weights [len].
template <class T>
void copy_log_probs(std::span<const T> logits, T gate, std::span<const int32_t> symbols, const T* weights,
                    std::span<T> out);

}  // namespace carousel::ops
