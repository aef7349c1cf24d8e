// The kernel table: every arithmetic loop of the program as a function on raw pointers. One set per backend.
//
// All functions run on the calling thread alone; callers split work over threads. Matrices are row-major; `ld*` is the
// distance between rows in elements. No function allocates in its steady state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/kernels/cells.h"

namespace carousel::kernels {

/// C[m, n] = op(A) op(B) (+ C when accumulate); op transposes when the flag is set: A is stored [k, m], B [n, k].
template <class T>
struct Gemm {
  bool trans_a = false, trans_b = false;
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t lda = 0;
  const T* b = nullptr;
  int64_t ldb = 0;
  T* c = nullptr;
  int64_t ldc = 0;
  bool accumulate = false;
};

/// A constant right-hand matrix [k, n] in the layout its backend likes best.
template <class T>
class Packed {
 public:
  virtual ~Packed() = default;
  /// Takes the values of `b` ([k, n], or [n, k] when the matrix was declared transposed).
  virtual void assign(const T* b, int64_t ldb) = 0;
  /// C[m, n] = A[m, k] B (+ C). A and C are dense (lda = k, ldc = n).
  virtual void multiply(int64_t m, const T* a, T* c, bool accumulate) const = 0;
};

/// A constant matrix W [n, k] and one vector or a few: y[m, n] = x[m, k] W^T (+ y when accumulate). `packed`: W as
/// gemv_pack laid it out.
template <class T>
struct Gemv {
  int64_t n = 0, k = 0;
  const T* packed = nullptr;
  const T* x = nullptr;  ///< [m, k]
  T* y = nullptr;        ///< [m, n], not x
  bool accumulate = false;
  int64_t m = 1;
};

/// Additive scores (Bahdanau et al. 2015) of one query against `len` keys: e[s] = sum_a v[a] tanh(key[s, a] + q[a]).
template <class T>
struct AdditiveForward {
  int64_t len = 0, dim = 0;
  const T* keys = nullptr;  ///< [len, dim]
  const T* query = nullptr;
  const T* v = nullptr;
  T* scores = nullptr;  ///< [len]
};

template <class T>
struct AdditiveBackward {
  int64_t len = 0, dim = 0;
  const T* keys = nullptr;
  const T* query = nullptr;
  const T* v = nullptr;
  const T* dscores = nullptr;  ///< [len]
  T* dkeys = nullptr;          ///< [len, dim], added to
  T* dquery = nullptr;         ///< [dim], overwritten
  T* dv = nullptr;             ///< [dim], added to
};

/// Dropout noise. Element i is dropped when its 16 random bits are below drop * 65536. The bits are those of Philox
/// keyed by `key` with counter (16 (i / 128) + i % 16, stream): of its four words number (i / 32) % 4, the low half
/// when (i / 16) % 2 is 0 and else the high one. Sixteen counters side by side decide 128 elements in their order.
struct Noise {
  static constexpr int64_t kBlock = 128;
  uint64_t key = 0, stream = 0;
  double drop = 0;  ///< probability in [0, 1)
};

/// One AdamW update (Kingma & Ba 2015; decoupled decay: Loshchilov & Hutter 2019).
template <class T>
struct AdamUpdate {
  int64_t n = 0;
  T *w = nullptr, *m = nullptr, *v = nullptr;
  const T* g = nullptr;   ///< null: a gradient of zero
  double grad_scale = 1;  ///< clipping
  double step_size = 0;   ///< learning rate over (1 - beta1^t)
  double v_scale = 1;     ///< 1 / (1 - beta2^t)
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double decay = 0;  ///< learning rate * decoupled weight decay
  double l2 = 0;     ///< added to the gradient times w
};

/// Softmax cross-entropy of one row of logits, with label smoothing, and its gradient.
template <class T>
struct CrossEntropyRow {
  int64_t n = 0;
  T* x = nullptr;           ///< [n] logits; overwritten: by scale * dloss/dx when `gradient`, else by x + bias
  const T* bias = nullptr;  ///< [n], added to x first; may be null
  int64_t target = 0;
  double smoothing = 0;  ///< loss = (1 - smoothing) nll + smoothing * uniform
  bool gradient = false;
  T scale = 1;
};
struct RowLoss {
  double nll = 0;      ///< -log p(target), nats
  double uniform = 0;  ///< mean of -log p over all n
};

template <class T>
struct Table {
  const char* name = "";
  void (*gemm)(const Gemm<T>&) = nullptr;
  std::unique_ptr<Packed<T>> (*pack)(bool transposed, int64_t k, int64_t n) = nullptr;
  /// The same with operands rounded to bf16 (simd/rounding.h): products of two elements are exact, sums in f32. Null in
  /// double.
  void (*gemm_bf16)(const Gemm<T>&) = nullptr;
  std::unique_ptr<Packed<T>> (*pack_bf16)(bool transposed, int64_t k, int64_t n) = nullptr;
  /// Values that a packed W takes; the packing, from rows of distance ldw; the product. Each y is one sum over k in its
  /// order: it does not depend on what other rows W has, nor on what other vectors are multiplied with it.
  int64_t (*gemv_size)(int64_t n, int64_t k) = nullptr;
  void (*gemv_pack)(int64_t n, int64_t k, const T* w, int64_t ldw, T* packed) = nullptr;
  void (*gemv)(const Gemv<T>&) = nullptr;

  CellForwardKernel<T> lstm_forward = nullptr, rnn_forward = nullptr, min_gru_forward = nullptr,
                       gru_after_forward = nullptr, gru_before_reset_forward = nullptr,
                       gru_before_output_forward = nullptr;
  CellBackwardKernel<T> lstm_backward = nullptr, rnn_backward = nullptr, min_gru_backward = nullptr,
                        gru_after_backward = nullptr, gru_before_reset_backward = nullptr,
                        gru_before_output_backward = nullptr;
  void (*additive_forward)(const AdditiveForward<T>&) = nullptr;
  void (*additive_backward)(const AdditiveBackward<T>&) = nullptr;

  void (*sigmoid)(int64_t n, const T* x, T* y) = nullptr;
  void (*tanh)(int64_t n, const T* x, T* y) = nullptr;
  /// Softmax of one row, in place.
  void (*softmax)(int64_t n, T* x) = nullptr;
  /// Log-softmax of one row: y = x - logsumexp(x); returns logsumexp(x).
  double (*log_softmax)(int64_t n, const T* x, T* y) = nullptr;
  RowLoss (*cross_entropy)(const CrossEntropyRow<T>&) = nullptr;
  T (*dot)(int64_t n, const T* x, const T* y) = nullptr;
  /// y += a x
  void (*axpy)(int64_t n, T a, const T* x, T* y) = nullptr;
  /// y[m, n] += bias[n]
  void (*add_bias)(int64_t m, int64_t n, const T* bias, T* y) = nullptr;
  /// sums[n] (+)= sum over rows of x[m, n] with row distance ldx
  void (*column_sums)(int64_t m, int64_t n, const T* x, int64_t ldx, T* sums, bool accumulate) = nullptr;
  /// y = x * mask / (1 - drop) for elements [begin, end) of the noise; x and y point at element `begin`. begin % 8 ==
  /// 0.
  void (*dropout)(const Noise& noise, int64_t begin, int64_t end, const T* x, T* y) = nullptr;
  void (*adam)(const AdamUpdate<T>&) = nullptr;
};

/// The set in use. Chosen once: the fastest the machine has, or the one named by CAROUSEL_KERNELS=reference|simd|onednn
/// (ConfigError for an unknown or missing one). Entries a set lacks come from the next slower set.
template <class T>
const Table<T>& table();
template <>
const Table<float>& table<float>();
template <>
const Table<double>& table<double>();  ///< always the reference

/// A set by name, complete through fallback; ConfigError when this build has none of that name.
const Table<float>& table_named(const std::string& name);
/// Names this build has, fastest first.
std::vector<std::string> available();
/// Makes `name` the active set, for tests and benchmarks.
void use(const std::string& name);
/// Puts a clock around the kernels of the active set (base/profile.h), until the next use().
void use_profiled();

/// What products of matrices round their operands to. All else is f32.
enum class Precision { f32, bf16 };
/// Whether the active set multiplies bf16 faster than f32 on this processor; every set can multiply it.
bool bf16_is_fast();
Precision precision();
/// While it lives, gemm and pack of the active set are those of a precision, for all threads.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision wanted);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  Precision before_;
};

/// "onednn 2.6.3 + highway AVX3" and the like, for --version.
std::string describe_active();

/// Counts calls to products per set, so that a test can prove which set ran.
int64_t gemm_calls(const std::string& name);
void count_gemm_call(int set);

}  // namespace carousel::kernels
