#include "carousel/autograd/ops/norm.h"

#include <cmath>

#include "carousel/autograd/ops/each.h"

namespace carousel::ops {

namespace {

/// What forward leaves for backward.
struct Normalised {
  Tensor values;  // [N, C]: (x - mean) / deviation
  Tensor scale;   // [N]: 1 / deviation
};

template <class T>
void normalise(const Tensor& x, double epsilon, Normalised& out) {
  const int64_t columns = x.dim(1);
  const T* in = x.data<T>();
  T *values = out.values.data<T>(), *scale = out.scale.data<T>();
  parallel_for(x.dim(0), 4 * columns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* row = in + i * columns;
      T mean = 0, square = 0;
      for (int64_t j = 0; j < columns; ++j) mean += row[j];
      mean /= static_cast<T>(columns);
      for (int64_t j = 0; j < columns; ++j) square += (row[j] - mean) * (row[j] - mean);
      scale[i] = T(1) / std::sqrt(square / static_cast<T>(columns) + static_cast<T>(epsilon));
      for (int64_t j = 0; j < columns; ++j) values[i * columns + j] = (row[j] - mean) * scale[i];
    }
  });
}

/// dx of each row: (g - mean(g) - value * mean(g * value)) * scale, g = dy * gain.
template <class T>
Tensor input_gradient(const Normalised& n, const Tensor& dy, const T* gain) {
  const int64_t columns = dy.dim(1);
  Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
  const T *d = dy.data<T>(), *values = n.values.data<T>(), *scale = n.scale.data<T>();
  T* out = dx.data<T>();
  parallel_for(dy.dim(0), 4 * columns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T *row = d + i * columns, *value = values + i * columns;
      T mean = 0, along = 0;
      for (int64_t j = 0; j < columns; ++j) {
        const T g = row[j] * (gain ? gain[j] : T(1));
        mean += g;
        along += g * value[j];
      }
      mean /= static_cast<T>(columns);
      along /= static_cast<T>(columns);
      for (int64_t j = 0; j < columns; ++j)
        out[i * columns + j] = (row[j] * (gain ? gain[j] : T(1)) - mean - value[j] * along) * scale[i];
    }
  });
  return dx;
}

template <class T>
void give_parameters(const Normalised& n, const Tensor& dy, const Var& gain, const Var& bias) {
  const int64_t rows = dy.dim(0), columns = dy.dim(1);
  T* d_gain = gain.requires_grad() ? gain.grad_or_zeros().data<T>() : nullptr;
  T* d_bias = bias.requires_grad() ? bias.grad_or_zeros().data<T>() : nullptr;
  const T *d = dy.data<T>(), *values = n.values.data<T>();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; d_gain && j < columns; ++j) d_gain[j] += d[i * columns + j] * values[i * columns + j];
    for (int64_t j = 0; d_bias && j < columns; ++j) d_bias[j] += d[i * columns + j];
  }
}

}  // namespace

Var layer_norm(Tape* tape, const Var& x, const Var& gain, const Var& bias, double epsilon) {
  require_rank("layer_norm", "x", x.value(), 2);
  const int64_t rows = x.value().dim(0), columns = x.value().dim(1);
  const DType dtype = x.value().dtype();
  if (gain.defined()) require_equal("layer_norm", "the size of gain", gain.value().numel(), columns);
  if (bias.defined()) require_equal("layer_norm", "the size of bias", bias.value().numel(), columns);
  Normalised n{Tensor::empty({rows, columns}, dtype), Tensor::empty({rows}, dtype)};
  Var y(Tensor::empty({rows, columns}, dtype));
  with_scalar(dtype, [&]<class T>() {
    normalise<T>(x.value(), epsilon, n);
    const T* values = n.values.data<T>();
    const T* g = gain.defined() ? gain.value().data<T>() : nullptr;
    const T* b = bias.defined() ? bias.value().data<T>() : nullptr;
    each<T>(y.mutable_value(),
            [&](int64_t i) { return values[i] * (g ? g[i % columns] : T(1)) + (b ? b[i % columns] : T(0)); });
  });
  if (needs_tape(tape, {&x, &gain, &bias})) {
    tape->record({y}, {x, gain, bias}, [x, gain, bias, y, n]() {
      with_scalar(y.value().dtype(), [&]<class T>() {
        give_parameters<T>(n, y.grad(), gain, bias);
        if (x.requires_grad())
          x.add_grad(input_gradient<T>(n, y.grad(), gain.defined() ? gain.value().data<T>() : nullptr));
      });
    });
  }
  return y;
}

}  // namespace carousel::ops
