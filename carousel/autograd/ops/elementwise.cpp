#include "carousel/autograd/ops/elementwise.h"

#include "carousel/autograd/ops/each.h"

namespace carousel::ops {

Var add(Tape* tape, const Var& a, const Var& b) {
  require_same("add", a, b);
  Var y(Tensor::empty(a.value().shape(), a.value().dtype()));
  with_scalar(a.value().dtype(), [&]<class T>() {
    const T *p = a.value().data<T>(), *q = b.value().data<T>();
    each<T>(y.mutable_value(), [&](int64_t i) { return p[i] + q[i]; });
  });
  if (needs_tape(tape, {&a, &b})) {
    tape->record({y}, {a, b}, [a, b, y]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T* dy = y.grad().data<T>();
        give<T>(a, [&](int64_t i) { return dy[i]; });
        give<T>(b, [&](int64_t i) { return dy[i]; });
      });
    });
  }
  return y;
}

Var mul(Tape* tape, const Var& a, const Var& b) {
  require_same("mul", a, b);
  Var y(Tensor::empty(a.value().shape(), a.value().dtype()));
  with_scalar(a.value().dtype(), [&]<class T>() {
    const T *p = a.value().data<T>(), *q = b.value().data<T>();
    each<T>(y.mutable_value(), [&](int64_t i) { return p[i] * q[i]; });
  });
  if (needs_tape(tape, {&a, &b})) {
    tape->record({y}, {a, b}, [a, b, y]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T *dy = y.grad().data<T>(), *p = a.value().data<T>(), *q = b.value().data<T>();
        give<T>(a, [&](int64_t i) { return dy[i] * q[i]; });
        give<T>(b, [&](int64_t i) { return dy[i] * p[i]; });
      });
    });
  }
  return y;
}

Var scale(Tape* tape, const Var& a, double factor) {
  Var y(Tensor::empty(a.value().shape(), a.value().dtype()));
  with_scalar(a.value().dtype(), [&]<class T>() {
    const T* p = a.value().data<T>();
    each<T>(y.mutable_value(), [&](int64_t i) { return p[i] * static_cast<T>(factor); });
  });
  if (needs_tape(tape, {&a})) {
    tape->record({y}, {a}, [a, y, factor]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T* dy = y.grad().data<T>();
        give<T>(a, [&](int64_t i) { return dy[i] * static_cast<T>(factor); });
      });
    });
  }
  return y;
}

Var sigmoid(Tape* tape, const Var& x) {
  Var y(Tensor::empty(x.value().shape(), x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    const T* in = x.value().data<T>();
    T* out = y.mutable_value().data<T>();
    parallel_for(x.value().numel(), 8,
                 [&](int64_t b, int64_t e) { kernels::table<T>().sigmoid(e - b, in + b, out + b); });
  });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T *dy = y.grad().data<T>(), *v = y.value().data<T>();
        give<T>(x, [&](int64_t i) { return dy[i] * v[i] * (T(1) - v[i]); });
      });
    });
  }
  return y;
}

Var tanh(Tape* tape, const Var& x) {
  Var y(Tensor::empty(x.value().shape(), x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    const T* in = x.value().data<T>();
    T* out = y.mutable_value().data<T>();
    parallel_for(x.value().numel(), 8, [&](int64_t b, int64_t e) { kernels::table<T>().tanh(e - b, in + b, out + b); });
  });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T *dy = y.grad().data<T>(), *v = y.value().data<T>();
        give<T>(x, [&](int64_t i) { return dy[i] * (T(1) - v[i] * v[i]); });
      });
    });
  }
  return y;
}

Var dropout(Tape* tape, const Var& x, double drop, uint64_t key, uint64_t stream) {
  if (!(drop >= 0 && drop < 1))
    throw ConfigError(
        fmt::format("[dropout] the probability must lie in [0, 1); got {}. Use 0 to switch it off.", drop));
  if (drop == 0) return x;
  const kernels::Noise noise{key, stream, drop};
  const auto apply = [noise]<class T>(const Tensor& from, Tensor& to) {
    const T* in = from.data<T>();
    T* out = to.data<T>();
    parallel_for(
        from.numel(), 4, [&](int64_t b, int64_t e) { kernels::table<T>().dropout(noise, b, e, in + b, out + b); },
        kernels::Noise::kBlock);
  };
  Var y(Tensor::empty(x.value().shape(), x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() { apply.template operator()<T>(x.value(), y.mutable_value()); });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y, apply]() mutable {
      with_scalar(y.value().dtype(), [&]<class T>() {
        Tensor dx = Tensor::empty(x.value().shape(), x.value().dtype());
        apply.template operator()<T>(y.grad(), dx);
        x.add_grad(dx);
      });
    });
  }
  return y;
}

Var sum(Tape* tape, const Var& x) {
  Var y(Tensor::empty({}, x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    double total = 0;
    for (const T v : x.value().span<T>()) total += static_cast<double>(v);
    y.mutable_value().fill(total);
  });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T dy = y.grad().data<T>()[0];
        give<T>(x, [&](int64_t) { return dy; });
      });
    });
  }
  return y;
}

}  // namespace carousel::ops
