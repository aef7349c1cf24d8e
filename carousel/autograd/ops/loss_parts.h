// What losses share that make their gradients in the forward pass.
#pragma once

#include <fmt/format.h>

#include <span>
#include <utility>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/tape.h"

namespace carousel::ops {

inline void require_targets(const char* op, std::span<const int32_t> targets, int64_t rows, int64_t classes) {
  require_equal(op, "the number of targets", static_cast<int64_t>(targets.size()), rows);
  for (const int32_t id : targets)
    if (id < 0 || id >= classes)
      throw ShapeError(fmt::format("[{}] targets must lie in [0, {}); got {}. Check the vocabulary.", op, classes, id));
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
