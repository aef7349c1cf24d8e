#include "carousel/autograd/ops/functions.h"

#include <cmath>

#include "carousel/autograd/ops/each.h"

namespace carousel::ops {

namespace {

/// y = f(x) with dx = dy * slope(x, y).
template <class Value, class Slope>
Var unary(Tape* tape, const Var& x, Value f, Slope slope) {
  Var y(Tensor::empty(x.value().shape(), x.value().dtype()));
  with_scalar(x.value().dtype(), [&]<class T>() {
    const T* in = x.value().data<T>();
    each<T>(y.mutable_value(), [&](int64_t i) { return f(in[i]); });
  });
  if (needs_tape(tape, {&x})) {
    tape->record({y}, {x}, [x, y, slope]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T *dy = y.grad().data<T>(), *in = x.value().data<T>(), *out = y.value().data<T>();
        give<T>(x, [&](int64_t i) { return dy[i] * slope(in[i], out[i]); });
      });
    });
  }
  return y;
}

/// y = f(a, b) with da = dy * first(a, b), db = dy * second(a, b).
template <class Value, class First, class Second>
Var binary(const char* op, Tape* tape, const Var& a, const Var& b, Value f, First first, Second second) {
  require_same(op, a, b);
  Var y(Tensor::empty(a.value().shape(), a.value().dtype()));
  with_scalar(a.value().dtype(), [&]<class T>() {
    const T *p = a.value().data<T>(), *q = b.value().data<T>();
    each<T>(y.mutable_value(), [&](int64_t i) { return f(p[i], q[i]); });
  });
  if (needs_tape(tape, {&a, &b})) {
    tape->record({y}, {a, b}, [a, b, y, first, second]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        const T *dy = y.grad().data<T>(), *p = a.value().data<T>(), *q = b.value().data<T>();
        give<T>(a, [&](int64_t i) { return dy[i] * first(p[i], q[i]); });
        give<T>(b, [&](int64_t i) { return dy[i] * second(p[i], q[i]); });
      });
    });
  }
  return y;
}

}  // namespace

Var sub(Tape* tape, const Var& a, const Var& b) {
  return binary(
      "sub", tape, a, b, [](auto p, auto q) { return p - q; }, [](auto p, auto) { return decltype(p)(1); },
      [](auto p, auto) { return decltype(p)(-1); });
}

Var div(Tape* tape, const Var& a, const Var& b) {
  return binary(
      "div", tape, a, b, [](auto p, auto q) { return p / q; }, [](auto p, auto q) { return decltype(p)(1) / q; },
      [](auto p, auto q) { return -p / (q * q); });
}

Var maximum(Tape* tape, const Var& a, const Var& b) {
  return binary(
      "maximum", tape, a, b, [](auto p, auto q) { return p < q || std::isnan(q) ? q : p; },
      [](auto p, auto q) { return p < q ? decltype(p)(0) : decltype(p)(1); },
      [](auto p, auto q) { return p < q ? decltype(p)(1) : decltype(p)(0); });
}

Var affine(Tape* tape, const Var& x, double factor, double shift) {
  return unary(
      tape, x, [=](auto v) { return static_cast<decltype(v)>(factor) * v + static_cast<decltype(v)>(shift); },
      [=](auto v, auto) { return static_cast<decltype(v)>(factor); });
}

Var relu(Tape* tape, const Var& x) {
  return unary(
      tape, x, [](auto v) { return v < decltype(v)(0) ? decltype(v)(0) : v; },
      [](auto v, auto) { return v > decltype(v)(0) ? decltype(v)(1) : decltype(v)(0); });
}

Var exp(Tape* tape, const Var& x) {
  return unary(
      tape, x, [](auto v) { return std::exp(v); }, [](auto, auto y) { return y; });
}

Var log_sigmoid(Tape* tape, const Var& x) {
  return unary(
      tape, x, [](auto v) { return v < decltype(v)(0) ? v - std::log1p(std::exp(v)) : -std::log1p(std::exp(-v)); },
      [](auto, auto y) { return -std::expm1(y); });
}

}  // namespace carousel::ops
