#include "carousel/kernels/reference/reference.h"

#include <algorithm>
#include <cmath>

#include "carousel/base/rng.h"
#include "carousel/kernels/reference/cells.h"
#include "carousel/kernels/reference/gemv.h"
#include "carousel/kernels/reference/rounding.h"
#include "carousel/kernels/rounded_products.h"

namespace carousel::kernels::reference {

namespace {

template <class T>
void gemm(const Gemm<T>& p) {
  count_gemm_call(0);
  for (int64_t i = 0; i < p.m; ++i) {
    T* c = p.c + i * p.ldc;
    if (!p.accumulate) std::fill_n(c, p.n, T(0));
    for (int64_t l = 0; l < p.k; ++l) {
      const T a = p.trans_a ? p.a[l * p.lda + i] : p.a[i * p.lda + l];
      if (p.trans_b) {
        for (int64_t j = 0; j < p.n; ++j) c[j] += a * p.b[j * p.ldb + l];
      } else {
        for (int64_t j = 0; j < p.n; ++j) c[j] += a * p.b[l * p.ldb + j];
      }
    }
  }
}

/// Keeps a plain [k, n] copy.
template <class T>
class PlainPacked final : public Packed<T> {
 public:
  PlainPacked(bool transposed, int64_t k, int64_t n)
      : transposed_(transposed), k_(k), n_(n), values_(static_cast<size_t>(k * n)) {}

  void assign(const T* b, int64_t ldb) override {
    for (int64_t l = 0; l < k_; ++l)
      for (int64_t j = 0; j < n_; ++j)
        values_[static_cast<size_t>(l * n_ + j)] = transposed_ ? b[j * ldb + l] : b[l * ldb + j];
  }

  void multiply(int64_t m, const T* a, T* c, bool accumulate) const override {
    gemm<T>({.m = m,
             .n = n_,
             .k = k_,
             .a = a,
             .lda = k_,
             .b = values_.data(),
             .ldb = n_,
             .c = c,
             .ldc = n_,
             .accumulate = accumulate});
  }

 private:
  bool transposed_;
  int64_t k_, n_;
  std::vector<T> values_;
};

template <class T>
std::unique_ptr<Packed<T>> pack(bool transposed, int64_t k, int64_t n) {
  return std::make_unique<PlainPacked<T>>(transposed, k, n);
}

template <class T>
void sigmoid(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = sigmoid1(x[i]);
}

template <class T>
void tanh_all(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::tanh(x[i]);
}

template <class T>
double log_sum_exp(int64_t n, const T* x) {
  const T top = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(std::exp(x[i] - top));
  return static_cast<double>(top) + std::log(sum);
}

template <class T>
void softmax(int64_t n, T* x) {
  if (n == 0) return;
  const T top = *std::max_element(x, x + n);
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (int64_t i = 0; i < n; ++i) x[i] /= sum;
}

template <class T>
double log_softmax(int64_t n, const T* x, T* y) {
  const double total = log_sum_exp(n, x);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(static_cast<double>(x[i]) - total);
  return total;
}

template <class T>
RowLoss cross_entropy(const CrossEntropyRow<T>& p) {
  double sum = 0;
  for (int64_t i = 0; i < p.n; ++i) {
    if (p.bias) p.x[i] += p.bias[i];
    sum += static_cast<double>(p.x[i]);
  }
  const double total = log_sum_exp(p.n, p.x);
  const RowLoss loss{total - static_cast<double>(p.x[p.target]), total - sum / static_cast<double>(p.n)};
  if (!p.gradient) return loss;
  const double scale = static_cast<double>(p.scale), uniform = p.smoothing / static_cast<double>(p.n);
  for (int64_t i = 0; i < p.n; ++i)
    p.x[i] = static_cast<T>(
        scale * (std::exp(static_cast<double>(p.x[i]) - total) - uniform - (i == p.target ? 1 - p.smoothing : 0)));
  return loss;
}

template <class T>
T dot(int64_t n, const T* x, const T* y) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

template <class T>
void axpy(int64_t n, T a, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

template <class T>
void add_bias(int64_t m, int64_t n, const T* bias, T* y) {
  for (int64_t i = 0; i < m; ++i) axpy(n, T(1), bias, y + i * n);
}

template <class T>
void column_sums(int64_t m, int64_t n, const T* x, int64_t ldx, T* sums, bool accumulate) {
  if (!accumulate) std::fill_n(sums, n, T(0));
  for (int64_t i = 0; i < m; ++i) axpy(n, T(1), x + i * ldx, sums);
}

template <class T>
void dropout(const Noise& noise, int64_t begin, int64_t end, const T* x, T* y) {
  const auto threshold = static_cast<uint32_t>(std::lround(noise.drop * 65536.0));
  const T scale = static_cast<T>(1.0 / (1.0 - noise.drop));
  for (int64_t i = begin; i < end; ++i) {
    const auto words = philox(noise.key, static_cast<uint64_t>(i / Noise::kBlock * 16 + i % 16), noise.stream);
    const uint32_t word = words[static_cast<size_t>(i / 32 % 4)], bits = i / 16 % 2 == 0 ? word & 0xFFFFu : word >> 16;
    y[i - begin] = bits < threshold ? T(0) : x[i - begin] * scale;
  }
}

template <class T>
void adam(const AdamUpdate<T>& p) {
  const T scale = static_cast<T>(p.grad_scale), b1 = static_cast<T>(p.beta1), b2 = static_cast<T>(p.beta2);
  const T step = static_cast<T>(p.step_size), vs = static_cast<T>(p.v_scale), eps = static_cast<T>(p.epsilon);
  const T keep = static_cast<T>(1.0 - p.decay), l2 = static_cast<T>(p.l2);
  for (int64_t i = 0; i < p.n; ++i) {
    const T g = (p.g ? p.g[i] * scale : T(0)) + l2 * p.w[i];
    const T m = b1 * p.m[i] + (T(1) - b1) * g;
    const T v = b2 * p.v[i] + (T(1) - b2) * g * g;
    p.m[i] = m;
    p.v[i] = v;
    p.w[i] = keep * p.w[i] - step * m / (std::sqrt(v * vs) + eps);
  }
}

void round_all(int64_t n, const float* x, float* y) {
  std::transform(x, x + n, y, [](float value) { return f32_of(bf16_of(value)); });
}

}  // namespace

template <class T>
Table<T> make_table() {
  Table<T> t;
  t.name = "reference";
  t.gemm = gemm<T>;
  t.pack = pack<T>;
  if constexpr (std::is_same_v<T, float>) {
    using Rounded = RoundedProducts<gemm<float>, pack<float>, round_all>;
    t.gemm_bf16 = Rounded::gemm;
    t.pack_bf16 = Rounded::pack;
  }
  t.gemv_size = gemv_size<T>;
  t.gemv_pack = gemv_pack<T>;
  t.gemv = gemv<T>;
  t.lstm_forward = lstm_forward<T>;
  t.lstm_backward = lstm_backward<T>;
  t.rnn_forward = rnn_forward<T>;
  t.rnn_backward = rnn_backward<T>;
  t.min_gru_forward = min_gru_forward<T>;
  t.min_gru_backward = min_gru_backward<T>;
  t.gru_after_forward = gru_after_forward<T>;
  t.gru_after_backward = gru_after_backward<T>;
  t.gru_before_reset_forward = gru_before_reset_forward<T>;
  t.gru_before_reset_backward = gru_before_reset_backward<T>;
  t.gru_before_output_forward = gru_before_output_forward<T>;
  t.gru_before_output_backward = gru_before_output_backward<T>;
  t.additive_forward = additive_forward<T>;
  t.additive_backward = additive_backward<T>;
  t.sigmoid = sigmoid<T>;
  t.tanh = tanh_all<T>;
  t.softmax = softmax<T>;
  t.log_softmax = log_softmax<T>;
  t.cross_entropy = cross_entropy<T>;
  t.dot = dot<T>;
  t.axpy = axpy<T>;
  t.add_bias = add_bias<T>;
  t.column_sums = column_sums<T>;
  t.dropout = dropout<T>;
  t.adam = adam<T>;
  return t;
}
template Table<float> make_table<float>();
template Table<double> make_table<double>();

}  // namespace carousel::kernels::reference
