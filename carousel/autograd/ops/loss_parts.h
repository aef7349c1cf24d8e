// What losses share that make their gradients in the forward pass.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/tape.h"
#include "carousel/kernels/table.h"

namespace carousel::ops {

inline void require_targets(const char* op, std::span<const int32_t> targets, int64_t rows, int64_t classes) {
  require_equal(op, "the number of targets", static_cast<int64_t>(targets.size()), rows);
  for (const int32_t id : targets)
    if (id < 0 || id >= classes)
      throw ShapeError(fmt::format("[{}] targets must lie in [0, {}); got {}. Check the vocabulary.", op, classes, id));
}

/// The mean of the rows' losses with label smoothing, and how many rows are `correct` (1; none where not counted).
inline CrossEntropy mean_of(std::span<const kernels::RowLoss> rows, std::span<const char> correct, double smoothing,
                            DType dtype) {
  CrossEntropy mean;
  double total = 0;
  for (const kernels::RowLoss& row : rows) {
    mean.nll_sum += row.nll;
    total += smoothing == 0 ? row.nll : (1 - smoothing) * row.nll + smoothing * row.uniform;
  }
  mean.correct = std::count(correct.begin(), correct.end(), 1);
  mean.loss = Var(Tensor::full({}, rows.empty() ? 0.0 : total / static_cast<double>(rows.size()), dtype));
  return mean;
}

/// Hands over gradients that forward has made for dL/dloss = 1; an undefined one is none.
inline void hand_over(const Var& to, Tensor gradient, const Tensor& d_loss) {
  if (!gradient.defined()) return;
  with_scalar(gradient.dtype(), [&]<class T>() {
    const T factor = d_loss.data<T>()[0];
    if (factor == T(1)) return;
    T* values = gradient.data<T>();
    for (int64_t i = 0; i < gradient.numel(); ++i) values[i] *= factor;
  });
  to.add_grad(std::move(gradient));
}

}  // namespace carousel::ops
