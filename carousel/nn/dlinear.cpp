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

/// Solves L L^T X = B in place, B [n, columns]; a strip of columns at a time, so that it stays in the cache.
void substitute(const std::vector<double>& l, int64_t n, std::vector<double>& b, int64_t columns) {
  constexpr int64_t kStrip = 32;
  const auto solve = [&](int64_t first, int64_t last) {
    const auto subtract = [&](int64_t to, int64_t from, double factor) {
      double* row = b.data() + to * columns;
      const double* other = b.data() + from * columns;
      for (int64_t c = first; c < last; ++c) row[c] -= factor * other[c];
    };
    const auto divide = [&](int64_t row) {
      const double diagonal = l[static_cast<size_t>(row * n + row)];
      for (int64_t c = first; c < last; ++c) b[static_cast<size_t>(row * columns + c)] /= diagonal;
    };
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t k = 0; k < i; ++k) subtract(i, k, l[static_cast<size_t>(i * n + k)]);
      divide(i);
    }
    for (int64_t i = n - 1; i >= 0; --i) {
      for (int64_t k = i + 1; k < n; ++k) subtract(i, k, l[static_cast<size_t>(k * n + i)]);
      divide(i);
    }
  };
  parallel_for((columns + kStrip - 1) / kStrip, 2 * n * n * kStrip, [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) solve(strip * kStrip, std::min(columns, (strip + 1) * kStrip));
  });
}

/// The factor of A + penalty I; empty when there is none.
std::vector<double> factor_of(std::vector<double> a, int64_t n, double penalty) {
  for (int64_t i = 0; i < n; ++i) a[static_cast<size_t>(i * n + i)] += penalty;
  if (!factorise(a, n)) a.clear();
  return a;
}

double mean_diagonal(const double* a, int64_t n) {
  double trace = 0;
  for (int64_t i = 0; i < n; ++i) trace += a[i * n + i];
  return trace / static_cast<double>(n);
}

}  // namespace

DLinear::DLinear(int64_t window, int64_t horizon, int64_t kernel, int64_t channels)
    : window_(window), horizon_(horizon), kernel_(std::min(kernel, window)), channels_(channels) {
  trend_ = parameter("trend.weight", zeros_init({horizon, window}));
  remainder_ = parameter("remainder.weight", zeros_init({horizon, window}));
  bias_ = parameter("bias", zeros_init({horizon}));
  if (channels == 0) return;
  before_ = parameter("before.weight", zeros_init({horizon, 2 * channels}));
  known_ = parameter("known.weight", zeros_init({horizon, channels}));
}

Tensor DLinear::features(const Tensor& windows, const Tensor& known) const {
  const int64_t batch = windows.dim(0), width = inputs(), before = (kernel_ - 1) / 2;
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
    for (int64_t c = 0; c < channels_; ++c) {
      const float* steps = known.data<float>() + b * known.dim(1) + c;
      double all_steps = 0;
      for (int64_t i = 0; i < window_; ++i) all_steps += static_cast<double>(steps[i * channels_]);
      out[2 * window_ + 1 + c] = steps[(window_ - 1) * channels_];
      out[2 * window_ + 1 + channels_ + c] = static_cast<float>(all_steps / static_cast<double>(window_));
    }
  }
  return all;
}

Tensor DLinear::own_features(const Tensor& known) const {
  const int64_t width = horizon_ * channels_;
  Tensor own = Tensor::empty({known.dim(0), width});
  for (int64_t b = 0; b < known.dim(0); ++b)
    std::copy_n(known.data<float>() + b * known.dim(1) + window_ * channels_, width, own.data<float>() + b * width);
  return own;
}

Tensor DLinear::forward(const Tensor& windows, const Tensor& known) const {
  const Tensor all = features(windows, known);
  const int64_t batch = windows.dim(0);
  const auto part = [&](int64_t first, int64_t width) {
    Tensor some = Tensor::empty({batch, width});
    for (int64_t b = 0; b < batch; ++b)
      std::copy_n(all.data<float>() + b * all.dim(1) + first, width, some.data<float>() + b * width);
    return Var(some);
  };
  Var y = ops::add(nullptr, ops::linear(nullptr, part(0, window_), trend_, bias_),
                   ops::linear(nullptr, part(window_, window_), remainder_, Var()));
  if (channels_ == 0) return y.value();
  y = ops::add(nullptr, y, ops::linear(nullptr, part(2 * window_ + 1, 2 * channels_), before_, Var()));
  Tensor sum = y.value().clone();
  const Tensor own = own_features(known);
  const float* weight = known_.value().data<float>();
  for (int64_t i = 0; i < sum.numel(); ++i)
    for (int64_t c = 0; c < channels_; ++c)
      sum.data<float>()[i] += own.data<float>()[i * channels_ + c] * weight[i % horizon_ * channels_ + c];
  return sum;
}

void DLinear::set_maps(const RidgeMaps& maps) const {
  const auto transpose = [&](const Var& to, int64_t first, int64_t rows) {
    float* out = to.mutable_value().data<float>();
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t h = 0; h < horizon_; ++h)
        out[h * rows + i] = static_cast<float>(maps.shared[static_cast<size_t>((first + i) * horizon_ + h)]);
  };
  transpose(trend_, 0, window_);
  transpose(remainder_, window_, window_);
  transpose(bias_, 2 * window_, 1);
  if (channels_ == 0) return;
  transpose(before_, 2 * window_ + 1, 2 * channels_);
  std::transform(maps.own.begin(), maps.own.end(), known_.mutable_value().data<float>(),
                 [](double x) { return static_cast<float>(x); });
}

RidgeFit::RidgeFit(int64_t inputs, int64_t outputs, int64_t own_inputs)
    : inputs_(inputs),
      outputs_(outputs),
      own_(own_inputs),
      squares_(static_cast<size_t>(inputs * inputs)),
      products_(static_cast<size_t>(inputs * outputs)),
      cross_(static_cast<size_t>(inputs * outputs * own_inputs)),
      own_squares_(static_cast<size_t>(outputs * own_inputs * own_inputs)),
      own_products_(static_cast<size_t>(outputs * own_inputs)) {}

void RidgeFit::add(const Tensor& x, const Tensor& y, const Tensor& own) {
  add_product(x, x, squares_);
  add_product(x, y, products_);
  if (own_ == 0) return;
  add_product(x, own, cross_);
  for (int64_t b = 0; b < y.dim(0); ++b)
    for (int64_t h = 0; h < outputs_; ++h) {
      const float* c = own.data<float>() + (b * outputs_ + h) * own_;
      const auto target = static_cast<double>(y.data<float>()[b * outputs_ + h]);
      for (int64_t i = 0; i < own_; ++i) {
        const auto at = static_cast<size_t>(h * own_ + i);
        own_products_[at] += static_cast<double>(c[i]) * target;
        for (int64_t k = 0; k < own_; ++k)
          own_squares_[at * static_cast<size_t>(own_) + static_cast<size_t>(k)] +=
              static_cast<double>(c[i]) * static_cast<double>(c[k]);
      }
    }
}

RidgeMaps RidgeFit::solve(double ridge) const {
  RidgeMaps maps;
  const std::vector<double> factor = factor_of(squares_, inputs_, ridge * mean_diagonal(squares_.data(), inputs_));
  if (factor.empty()) return {};
  maps.shared = products_;
  substitute(factor, inputs_, maps.shared, outputs_);
  if (own_ == 0) return maps;
  std::vector<double> z = cross_;
  substitute(factor, inputs_, z, outputs_ * own_);
  double unit = 0;
  for (int64_t h = 0; h < outputs_; ++h)
    unit += mean_diagonal(own_squares_.data() + h * own_ * own_, own_) / static_cast<double>(outputs_);
  maps.own.resize(static_cast<size_t>(outputs_ * own_));
  for (int64_t h = 0; h < outputs_; ++h) {
    std::vector<double> s(own_squares_.begin() + h * own_ * own_, own_squares_.begin() + (h + 1) * own_ * own_);
    std::vector<double> right(own_products_.begin() + h * own_, own_products_.begin() + (h + 1) * own_);
    for (int64_t i = 0; i < inputs_; ++i) {
      const double* a = cross_.data() + (i * outputs_ + h) * own_;
      const double* b = z.data() + (i * outputs_ + h) * own_;
      for (int64_t k = 0; k < own_; ++k) {
        right[static_cast<size_t>(k)] -= a[k] * maps.shared[static_cast<size_t>(i * outputs_ + h)];
        for (int64_t m = 0; m < own_; ++m) s[static_cast<size_t>(k * own_ + m)] -= a[k] * b[m];
      }
    }
    const std::vector<double> own_factor = factor_of(std::move(s), own_, ridge * unit);
    if (own_factor.empty()) return {};
    substitute(own_factor, own_, right, 1);
    std::copy(right.begin(), right.end(), maps.own.begin() + h * own_);
    for (int64_t i = 0; i < inputs_; ++i)
      for (int64_t k = 0; k < own_; ++k)
        maps.shared[static_cast<size_t>(i * outputs_ + h)] -=
            z[static_cast<size_t>((i * outputs_ + h) * own_ + k)] * right[static_cast<size_t>(k)];
  }
  return maps;
}

}  // namespace carousel::nn
