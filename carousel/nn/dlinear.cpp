#include "carousel/nn/dlinear.h"

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/parallel.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// out += op(a)^T b for a [N, m], b [N, n].
void add_product(const Tensor& a, const Tensor& b, std::vector<double>& out) {
  const int64_t m = a.dim(1), n = b.dim(1);
  Tensor part = Tensor::empty({m, n});
  product<float>({true, false, m, n, a.dim(0), a.data<float>(), m, b.data<float>(), n, part.data<float>(), n, false});
  for (size_t i = 0; i < out.size(); ++i) out[i] += static_cast<double>(part.data<float>()[i]);
}

/// In four sums, so that no addition waits for the one before.
double dot(const double* a, const double* b, int64_t n) {
  double sums[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int64_t k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// A = L L^T in place, lower triangle (Cholesky); false when A is not positive definite.
bool factorise(std::vector<double>& a, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    const double* row = a.data() + j * n;
    const double square = row[j] - dot(row, row, j);
    if (!(square > 0)) return false;
    const double diagonal = std::sqrt(square);
    a[static_cast<size_t>(j * n + j)] = diagonal;
    parallel_for(n - j - 1, 2 * j + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = j + 1 + begin; i < j + 1 + end; ++i) {
        double* other = a.data() + i * n;
        other[j] = (other[j] - dot(other, row, j)) / diagonal;
      }
    });
  }
  return true;
}

/// Solves L L^T X = B in place, B [n, columns].
void substitute(const std::vector<double>& l, int64_t n, std::vector<double>& b, int64_t columns) {
  const auto subtract = [&](int64_t to, int64_t from, double factor) {
    double* row = b.data() + to * columns;
    const double* other = b.data() + from * columns;
    for (int64_t c = 0; c < columns; ++c) row[c] -= factor * other[c];
  };
  const auto divide = [&](int64_t row) {
    const double diagonal = l[static_cast<size_t>(row * n + row)];
    for (int64_t c = 0; c < columns; ++c) b[static_cast<size_t>(row * columns + c)] /= diagonal;
  };
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < i; ++k) subtract(i, k, l[static_cast<size_t>(i * n + k)]);
    divide(i);
  }
  for (int64_t i = n - 1; i >= 0; --i) {
    for (int64_t k = i + 1; k < n; ++k) subtract(i, k, l[static_cast<size_t>(k * n + i)]);
    divide(i);
  }
}

}  // namespace

DLinear::DLinear(int64_t window, int64_t horizon, int64_t kernel)
    : window_(window), horizon_(horizon), kernel_(std::min(kernel, window)) {
  trend_ = parameter("trend.weight", zeros_init({horizon, window}));
  remainder_ = parameter("remainder.weight", zeros_init({horizon, window}));
  bias_ = parameter("bias", zeros_init({horizon}));
}

Tensor DLinear::features(const Tensor& windows) const {
  const int64_t batch = windows.dim(0), width = 2 * window_ + 1, before = (kernel_ - 1) / 2;
  Tensor all = Tensor::empty({batch, width});
  for (int64_t b = 0; b < batch; ++b) {
    const float* x = windows.data<float>() + b * window_;
    float* out = all.data<float>() + b * width;
    const auto at = [&](int64_t i) { return static_cast<double>(x[std::clamp<int64_t>(i, 0, window_ - 1)]); };
    double sum = 0;
    for (int64_t i = -before; i < kernel_ - before; ++i) sum += at(i);
    for (int64_t i = 0; i < window_; ++i) {
      const auto mean = static_cast<float>(sum / static_cast<double>(kernel_));
      out[i] = mean;
      out[window_ + i] = x[i] - mean;
      sum += at(i + kernel_ - before) - at(i - before);
    }
    out[2 * window_] = 1;
  }
  return all;
}

Tensor DLinear::forward(const Tensor& windows) const {
  const Tensor all = features(windows);
  const int64_t batch = windows.dim(0);
  Tensor trend = Tensor::empty({batch, window_}), remainder = Tensor::empty({batch, window_});
  for (int64_t b = 0; b < batch; ++b) {
    const float* row = all.data<float>() + b * all.dim(1);
    std::copy_n(row, window_, trend.data<float>() + b * window_);
    std::copy_n(row + window_, window_, remainder.data<float>() + b * window_);
  }
  return ops::add(nullptr, ops::linear(nullptr, Var(trend), trend_, bias_),
                  ops::linear(nullptr, Var(remainder), remainder_, Var()))
      .value();
}

void DLinear::set_maps(const std::vector<double>& maps) const {
  const auto transpose = [&](const Var& to, int64_t first, int64_t rows) {
    float* out = to.mutable_value().data<float>();
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t h = 0; h < horizon_; ++h)
        out[h * rows + i] = static_cast<float>(maps[static_cast<size_t>((first + i) * horizon_ + h)]);
  };
  transpose(trend_, 0, window_);
  transpose(remainder_, window_, window_);
  transpose(bias_, 2 * window_, 1);
}

RidgeFit::RidgeFit(int64_t inputs, int64_t outputs)
    : inputs_(inputs),
      outputs_(outputs),
      squares_(static_cast<size_t>(inputs * inputs)),
      products_(static_cast<size_t>(inputs * outputs)) {}

void RidgeFit::add(const Tensor& x, const Tensor& y) {
  add_product(x, x, squares_);
  add_product(x, y, products_);
}

std::vector<double> RidgeFit::solve(double ridge) const {
  std::vector<double> a = squares_, maps = products_;
  double trace = 0;
  for (int64_t i = 0; i < inputs_; ++i) trace += squares_[static_cast<size_t>(i * inputs_ + i)];
  const double penalty = ridge * trace / static_cast<double>(inputs_);
  for (int64_t i = 0; i < inputs_; ++i) a[static_cast<size_t>(i * inputs_ + i)] += penalty;
  if (!factorise(a, inputs_)) return {};
  substitute(a, inputs_, maps, outputs_);
  return maps;
}

}  // namespace carousel::nn
