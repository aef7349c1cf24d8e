#include "carousel/autograd/ops/regression.h"

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/each.h"

namespace carousel::ops {

namespace {

/// Mean of f(p, t) with dp = slope(p, t) / n.
template <class Value, class Slope>
Var mean_of(const char* op, Tape* tape, const Var& prediction, const Tensor& target, Value f, Slope slope) {
  require_same(op, prediction, Var(target));
  const Tensor& p = prediction.value();
  const auto n = static_cast<double>(std::max<int64_t>(p.numel(), 1));
  Var loss(Tensor::empty({}, p.dtype()));
  with_scalar(p.dtype(), [&]<class T>() {
    const T *in = p.data<T>(), *wanted = target.data<T>();
    double sum = 0;
    for (int64_t i = 0; i < p.numel(); ++i) sum += static_cast<double>(f(in[i], wanted[i]));
    loss.mutable_value().fill(sum / n);
  });
  if (needs_tape(tape, {&prediction}))
    tape->record({loss}, {prediction}, [prediction, target, loss, slope, n]() {
      with_scalar(target.dtype(), [&]<class T>() {
        const T share = loss.grad().data<T>()[0] / static_cast<T>(n);
        const T *in = prediction.value().data<T>(), *wanted = target.data<T>();
        give<T>(prediction, [&](int64_t i) { return share * slope(in[i], wanted[i]); });
      });
    });
  return loss;
}

}  // namespace

Var absolute_error(Tape* tape, const Var& prediction, const Tensor& target) {
  return mean_of(
      "absolute_error", tape, prediction, target, [](auto p, auto t) { return std::abs(p - t); },
      [](auto p, auto t) {
        return decltype(p)(p > t ? 1 : p < t ? -1 : 0);
      });
}

Var squared_error(Tape* tape, const Var& prediction, const Tensor& target) {
  return mean_of(
      "squared_error", tape, prediction, target, [](auto p, auto t) { return (p - t) * (p - t); },
      [](auto p, auto t) { return 2 * (p - t); });
}

Var pinball(Tape* tape, const Var& prediction, const Tensor& target, double level) {
  return mean_of(
      "pinball", tape, prediction, target,
      [level](auto p, auto t) {
        const auto q = static_cast<decltype(p)>(level);
        return std::max(q * (t - p), (q - 1) * (t - p));
      },
      [level](auto p, auto t) {
        const auto q = static_cast<decltype(p)>(level);
        return t > p ? -q : t < p ? 1 - q : decltype(p)(0);
      });
}

Var gaussian_nll(Tape* tape, const Var& mean, const Var& log_deviation, const Tensor& target) {
  require_same("gaussian_nll", mean, log_deviation);
  require_same("gaussian_nll", mean, Var(target));
  const auto n = static_cast<double>(std::max<int64_t>(target.numel(), 1));
  Var loss(Tensor::empty({}, target.dtype()));
  with_scalar(target.dtype(), [&]<class T>() {
    const T *m = mean.value().data<T>(), *l = log_deviation.value().data<T>(), *t = target.data<T>();
    double sum = 0;
    for (int64_t i = 0; i < target.numel(); ++i) {
      const T z = (t[i] - m[i]) * std::exp(-l[i]);
      sum += static_cast<double>(l[i] + z * z / 2);
    }
    loss.mutable_value().fill(sum / n);
  });
  if (needs_tape(tape, {&mean, &log_deviation}))
    tape->record({loss}, {mean, log_deviation}, [mean, log_deviation, target, loss, n]() {
      with_scalar(target.dtype(), [&]<class T>() {
        const T share = loss.grad().data<T>()[0] / static_cast<T>(n);
        const T *m = mean.value().data<T>(), *l = log_deviation.value().data<T>(), *t = target.data<T>();
        give<T>(mean, [&](int64_t i) { return share * (m[i] - t[i]) * std::exp(-2 * l[i]); });
        give<T>(log_deviation, [&](int64_t i) {
          const T z = (t[i] - m[i]) * std::exp(-l[i]);
          return share * (1 - z * z);
        });
      });
    });
  return loss;
}

}  // namespace carousel::ops
