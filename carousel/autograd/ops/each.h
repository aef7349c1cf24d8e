// Loops over elements that elementwise ops share.
#pragma once

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/parallel.h"
#include "carousel/autograd/tape.h"

namespace carousel::ops {

inline void require_same(const char* op, const Var& a, const Var& b) {
  if (a.value().shape() != b.value().shape())
    throw ShapeError(fmt::format("[{}] both operands must have the same shape; got {} and {}. Reshape one.", op,
                                 a.value().shape().str(), b.value().shape().str()));
}

/// y[i] = f(i) for every element, over threads.
template <class T, class F>
void each(Tensor& y, F f) {
  T* out = y.data<T>();
  parallel_for(y.numel(), 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = f(i);
  });
}

/// x.grad (+)= f(i).
template <class T, class F>
void give(const Var& x, F f) {
  if (!x.requires_grad()) return;
  auto [dx, accumulate] = x.grad_target();
  T* d = dx.template data<T>();
  if (accumulate) {
    each<T>(dx, [&](int64_t i) { return d[i] + f(i); });
  } else {
    each<T>(dx, f);
  }
}

}  // namespace carousel::ops
