#include "carousel/autograd/ops/broadcast.h"

#include "carousel/autograd/ops/each.h"
#include "carousel/autograd/ops/linear.h"

namespace carousel::ops {

namespace {

void require_row(const char* op, const Var& x, const Var& row) {
  require_rank(op, "x", x.value(), 2);
  require_equal(op, "the size of the vector", row.value().numel(), x.value().dim(1));
}

}  // namespace

Var add_row(Tape* tape, const Var& x, const Var& b) {
  require_row("add_row", x, b);
  Var y(x.value().clone());
  const int64_t rows = x.value().dim(0), columns = x.value().dim(1);
  with_scalar(x.value().dtype(), [&]<class T>() {
    kernels::table<T>().add_bias(rows, columns, b.value().data<T>(), y.mutable_value().data<T>());
  });
  if (needs_tape(tape, {&x, &b})) {
    tape->record({y}, {x, b}, [x, b, y]() {
      if (b.requires_grad()) accumulate_bias_gradient(b, y.grad());
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T* dy = y.grad().data<T>();
        give<T>(x, [&](int64_t i) { return dy[i]; });
      });
    });
  }
  return y;
}

Var mul_row(Tape* tape, const Var& x, const Var& v) {
  require_row("mul_row", x, v);
  const int64_t rows = x.value().dim(0), columns = x.value().dim(1);
  Var y(Tensor::empty(x.value().shape(), x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    const T *in = x.value().data<T>(), *factor = v.value().data<T>();
    T* out = y.mutable_value().data<T>();
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) out[i * columns + j] = in[i * columns + j] * factor[j];
  });
  if (needs_tape(tape, {&x, &v})) {
    tape->record({y}, {x, v}, [x, v, y, rows, columns]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T *dy = y.grad().data<T>(), *in = x.value().data<T>(), *factor = v.value().data<T>();
        give<T>(x, [&](int64_t i) { return dy[i] * factor[i % columns]; });
        if (!v.requires_grad()) return;
        T* dv = v.grad_or_zeros().data<T>();
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < columns; ++j) dv[j] += dy[i * columns + j] * in[i * columns + j];
      });
    });
  }
  return y;
}

}  // namespace carousel::ops
