// The output layer of a model together with its loss, block of rows by block of rows: all logits are never in memory at
// once, and those of a block are still in a cache when its loss and its gradients are made.
#pragma once

#include <algorithm>
#include <cstdint>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/parallel.h"
#include "carousel/autograd/tape.h"
#include "carousel/autograd/weights.h"

namespace carousel::ops {

/// Gradients that are handed over in the backward pass; undefined where none is wanted.
struct OutputGradients {
  Tensor x, w, b;
};

inline void require_output_layer(const char* op, const Tensor& x, const Tensor& w, const Var& b) {
  require_rank(op, "x", x, 2);
  require_rank(op, "w", w, 2);
  require_equal(op, "the last axis of x", x.dim(1), w.dim(1));
  if (b.defined()) require_equal(op, "the size of b", b.value().numel(), w.dim(0));
}

/// Rows in one block of logits: as many as keep it within some megabytes, for the weights are read once for each block
/// and their gradient twice; blocks are alike, because a short last one would cost as much.
inline int64_t block_rows(int64_t rows, int64_t vocab) {
  const int64_t most = std::clamp<int64_t>((int64_t{5} << 19) / std::max<int64_t>(vocab, 1), 32, 256);
  const int64_t blocks = (rows + most - 1) / most;
  return blocks > 1 ? ((rows + blocks - 1) / blocks + 15) & ~int64_t{15} : rows;
}

/// Logits x w^T of x [N, I], w [V, I]. `losses.add<T>(begin, count, vocab, logits, bias)` gets those of some rows,
/// [count, V], still without their bias b [V] (null where undefined), and where there is a tape leaves their gradients
/// in their place. The sizes are those that require_output_layer() asks for.
template <class Losses>
OutputGradients over_output_blocks(Tape* tape, const Var& x, const Var& w, const Var& b, Losses& losses) {
  const int64_t rows = x.value().dim(0), in = w.value().dim(1), vocab = w.value().dim(0);
  const DType dtype = x.value().dtype();
  const auto gradient_of = [&](const Var& v) {
    if (!needs_tape(tape, {&v})) return Tensor();
    return rows > 0 ? Tensor::empty(v.value().shape(), dtype) : Tensor::zeros(v.value().shape(), dtype);
  };
  OutputGradients d{gradient_of(x), gradient_of(w), gradient_of(b)};
  with_scalar(dtype, [&]<class T>() {
    const int64_t block = block_rows(rows, vocab);
    const kernels::Packed<T>& forward = packed_weight<T>(w, {.transposed = true});
    const kernels::Packed<T>* backward = d.x.defined() ? &packed_weight<T>(w, {.transposed = false}) : nullptr;
    const T* bias = b.defined() ? b.value().template data<T>() : nullptr;
    Tensor buffer = Tensor::empty({block, vocab}, dtype);
    T* logits = buffer.data<T>();
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t count = std::min(block, rows - begin);
      const T* input = x.value().data<T>() + begin * in;
      product<T>(forward, count, in, vocab, input, logits, false);
      losses.template add<T>(begin, count, vocab, logits, bias);
      if (d.x.defined()) product<T>(*backward, count, vocab, in, logits, d.x.data<T>() + begin * in, false);
      if (d.w.defined())
        product<T>({true, false, vocab, in, count, logits, vocab, input, in, d.w.data<T>(), in, begin > 0});
      if (d.b.defined()) column_sums<T>(count, vocab, logits, d.b.data<T>(), begin > 0);
    }
  });
  return d;
}

}  // namespace carousel::ops
