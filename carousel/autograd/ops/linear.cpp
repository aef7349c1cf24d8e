#include "carousel/autograd/ops/linear.h"

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/parallel.h"
#include "carousel/autograd/weights.h"

namespace carousel::ops {

void accumulate_weight_gradient(Var w, const Tensor& dy, const Tensor& x) {
  with_scalar(dy.dtype(), [&]<class T>() {
    auto [dw, accumulate] = w.grad_target();
    const int64_t out = dy.dim(1), in = x.dim(1);
    product<T>(
        {true, false, out, in, dy.dim(0), dy.data<T>(), out, x.data<T>(), in, dw.template data<T>(), in, accumulate});
  });
}

void accumulate_bias_gradient(Var b, const Tensor& dy) {
  with_scalar(dy.dtype(), [&]<class T>() {
    auto [db, accumulate] = b.grad_target();
    column_sums<T>(dy.dim(0), dy.dim(1), dy.data<T>(), db.template data<T>(), accumulate);
  });
}

Var linear(Tape* tape, const Var& x, const Var& w, const Var& b) {
  require_rank("linear", "x", x.value(), 2);
  require_rank("linear", "w", w.value(), 2);
  require_equal("linear", "the last axis of x", x.value().dim(1), w.value().dim(1));
  const int64_t rows = x.value().dim(0), in = w.value().dim(1), out = w.value().dim(0);
  if (b.defined()) require_equal("linear", "the size of b", b.value().numel(), out);
  Var y(Tensor::empty({rows, out}, x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    T* result = y.mutable_value().data<T>();
    product<T>(packed_weight<T>(w, {.transposed = true}), rows, in, out, x.value().data<T>(), result, false);
    if (!b.defined()) return;
    parallel_for(rows, out, [&](int64_t begin, int64_t end) {
      kernels::table<T>().add_bias(end - begin, out, b.value().data<T>(), result + begin * out);
    });
  });
  if (needs_tape(tape, {&x, &w, &b})) {
    tape->record({y}, {x, w, b}, [x, w, b, y]() mutable {
      const Tensor& dy = y.grad();
      if (w.requires_grad()) accumulate_weight_gradient(w, dy, x.value());
      if (b.requires_grad()) accumulate_bias_gradient(b, dy);
      if (!x.requires_grad()) return;
      with_scalar(dy.dtype(), [&]<class T>() {
        auto [dx, accumulate] = x.grad_target();
        product<T>(packed_weight<T>(w, {.transposed = false}), dy.dim(0), dy.dim(1), x.value().dim(1), dy.data<T>(),
                   dx.template data<T>(), accumulate);
      });
    });
  }
  return y;
}

}  // namespace carousel::ops
