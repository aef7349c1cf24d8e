#include "carousel/autograd/ops/copy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "carousel/autograd/ops/loss_parts.h"
#include "carousel/autograd/ops/output_blocks.h"
#include "carousel/autograd/parallel.h"
#include "carousel/kernels/table.h"

namespace carousel::ops {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();
constexpr double kLeast = 1e-12;  ///< probability of what cannot be

double log_sigmoid(double z) {
  return z < 0 ? z - std::log1p(std::exp(z)) : -std::log1p(std::exp(-z));
}

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

/// One row's loss and, where asked for, its gradients for a loss that is the mean over rows.
template <class T>
struct Row {
  int64_t vocab;
  T* logits;  ///< overwritten: by the gradient
  double gate;
  std::span<const int32_t> symbols;
  const T* weights;
  int32_t target;
  double smoothing, scale;
  T *d_gate, *d_weights;  ///< null: no gradient; d_weights are zero before

  kernels::RowLoss run() const {
    const bool own = target < vocab, gradient = d_gate != nullptr;
    // Leaves softmax - onehot(target) in `logits`.
    const int64_t aim = own ? target : 0;
    kernels::RowLoss part = kernels::table<T>().cross_entropy({vocab, logits, nullptr, aim, 0.0, gradient, T(1)});
    double copied = 0;
    for (size_t i = 0; i < symbols.size(); ++i)
      if (symbols[i] == target) copied += static_cast<double>(weights[i]);
    const double log_own = own ? log_sigmoid(gate) - part.nll : kNever;
    const double log_copied = copied > 0 ? log_sigmoid(-gate) + std::log(copied) : kNever;
    const double log_p = std::max(log_add(log_own, log_copied), std::log(kLeast));
    part.nll = -log_p;
    if (gradient) differentiate(part, aim, own ? std::exp(log_own - log_p) : 0.0);
    return part;
  }

 private:
  /// `share`: the posterior probability that the target was not copied.
  void differentiate(const kernels::RowLoss& part, int64_t aim, double share) const {
    const bool possible = part.nll < -std::log(kLeast);
    const double main = possible ? scale * (1 - smoothing) : 0.0;
    // d/dlogit_v = main * share * (softmax_v - [v = target]) + smoothing * (softmax_v - 1 / V).
    const auto factor = static_cast<T>(main * share + scale * smoothing);
    const auto flat = static_cast<T>(scale * smoothing / static_cast<double>(vocab));
    logits[aim] += T(1);
    for (int64_t v = 0; v < vocab; ++v) logits[v] = factor * logits[v] - flat;
    if (target < vocab) logits[target] -= static_cast<T>(main * share);
    *d_gate = possible ? static_cast<T>(main * (std::exp(log_sigmoid(gate)) - share)) : T(0);
    const double pull = main * std::exp(log_sigmoid(-gate) + part.nll);
    for (size_t i = 0; i < symbols.size(); ++i)
      if (symbols[i] == target) d_weights[i] = static_cast<T>(-pull);
  }
};

void require_rows(int64_t n, const Tensor& gate, const Tensor& weights, const CopyRows& rows,
                  std::span<const int32_t> targets) {
  require_equal("copy", "the number of gates", gate.numel(), n);
  require_equal("copy", "the number of sources of rows", static_cast<int64_t>(rows.first.size()), n);
  require_equal("copy", "the number of offsets", static_cast<int64_t>(rows.offsets.size()), n + 1);
  require_equal("copy", "the number of weights", weights.numel(), rows.offsets.back());
  require_equal("copy", "the number of targets", static_cast<int64_t>(targets.size()), n);
  const auto symbols = static_cast<int64_t>(rows.symbols.size());
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    const int64_t length = rows.offsets[at + 1] - rows.offsets[at];
    if (length < 0 || rows.first[at] < 0 || rows.first[at] + length > symbols || targets[at] < 0)
      throw ShapeError(
          fmt::format("[copy] each row must lie within its source and have a target; got row {} at [{}, {}) of {} "
                      "symbols with target {}. Check the batch.",
                      i, rows.first[at], rows.first[at] + length, symbols, targets[at]));
  }
}

/// The losses of all rows, and the gradients of a loss that is their mean.
class CopyLosses {
 public:
  CopyLosses(const Var& gate, const Var& weights, const CopyRows& rows, std::span<const int32_t> targets,
             double smoothing, bool gradient, bool count_correct)
      : gate_(gate.value()),
        weights_(weights.value()),
        rows_(rows),
        targets_(targets),
        smoothing_(smoothing),
        losses_(targets.size()),
        correct_(count_correct ? targets.size() : 0) {
    if (!gradient) return;
    d_gate_ = Tensor::zeros(gate_.shape(), gate_.dtype());
    d_weights_ = Tensor::zeros(weights_.shape(), gate_.dtype());
  }

  /// Rows [begin, begin + count), whose logits [count, V] are overwritten. `bias` may be null.
  template <class T>
  void add(int64_t begin, int64_t count, int64_t vocab, T* logits, const T* bias) {
    const bool gradient = d_gate_.defined();
    parallel_for(count, vocab * 8, [&](int64_t first, int64_t last) {
      std::vector<T> mixed;
      if (bias) kernels::table<T>().add_bias(last - first, vocab, bias, logits + first * vocab);
      for (int64_t i = first; i < last; ++i) {
        const auto at = static_cast<size_t>(begin + i);
        const int64_t offset = rows_.offsets[at];
        T* row = logits + i * vocab;
        const auto gate = gate_.data<T>()[at];
        const std::span<const int32_t> symbols(rows_.symbols.data() + rows_.first[at],
                                               static_cast<size_t>(rows_.offsets[at + 1] - offset));
        const T* weights = weights_.data<T>() + offset;
        if (!correct_.empty())
          correct_[at] = is_most_probable({row, static_cast<size_t>(vocab)}, gate, symbols, weights, at, mixed);
        losses_[at] = Row<T>{vocab,
                             row,
                             static_cast<double>(gate),
                             symbols,
                             weights,
                             targets_[at],
                             smoothing_,
                             1.0 / static_cast<double>(targets_.size()),
                             gradient ? d_gate_.data<T>() + at : nullptr,
                             gradient ? d_weights_.data<T>() + offset : nullptr}
                          .run();
      }
    });
  }

  CrossEntropy result() const { return mean_of(losses_, correct_, smoothing_, gate_.dtype()); }
  const Tensor& d_gate() const { return d_gate_; }
  const Tensor& d_weights() const { return d_weights_; }

 private:
  template <class T>
  bool is_most_probable(std::span<const T> logits, T gate, std::span<const int32_t> symbols, const T* weights,
                        size_t at, std::vector<T>& mixed) const {
    int32_t most = static_cast<int32_t>(logits.size()) - 1;
    for (const int32_t symbol : symbols) most = std::max(most, symbol);
    mixed.resize(static_cast<size_t>(most) + 1);
    copy_log_probs<T>(logits, gate, symbols, weights, mixed);
    return std::max_element(mixed.begin(), mixed.end()) - mixed.begin() == targets_[at];
  }

  Tensor gate_, weights_;
  const CopyRows& rows_;
  std::span<const int32_t> targets_;
  double smoothing_;
  std::vector<kernels::RowLoss> losses_;
  std::vector<char> correct_;
  Tensor d_gate_, d_weights_;  // undefined: no gradient
};

}  // namespace

CrossEntropy copy_cross_entropy(Tape* tape, const Var& logits, const Var& gate, const Var& weights,
                                const CopyRows& rows, std::span<const int32_t> targets, double smoothing) {
  require_rank("copy", "logits", logits.value(), 2);
  const int64_t n = logits.value().dim(0), vocab = logits.value().dim(1);
  require_rows(n, gate.value(), weights.value(), rows, targets);
  const bool gradient = needs_tape(tape, {&logits, &gate, &weights});
  Tensor work = logits.value().clone();
  CopyLosses losses(gate, weights, rows, targets, smoothing, gradient, false);
  with_scalar(work.dtype(), [&]<class T>() { losses.add<T>(0, n, vocab, work.data<T>(), nullptr); });
  CrossEntropy result = losses.result();
  if (gradient)
    tape->record(
        {result.loss}, {logits, gate, weights},
        [logits, gate, weights, loss = result.loss, work, d_gate = losses.d_gate(), d_weights = losses.d_weights()]() {
          hand_over(logits, work, loss.grad());
          hand_over(gate, d_gate, loss.grad());
          hand_over(weights, d_weights, loss.grad());
        });
  return result;
}

CrossEntropy linear_copy_cross_entropy(Tape* tape, const Var& x, const Var& w, const Var& b, const Var& gate,
                                       const Var& weights, const CopyRows& rows, std::span<const int32_t> targets,
                                       double smoothing, bool count_correct) {
  require_output_layer("copy", x.value(), w.value(), b);
  require_rows(x.value().dim(0), gate.value(), weights.value(), rows, targets);
  const bool gradient = needs_tape(tape, {&x, &w, &b, &gate, &weights});
  CopyLosses losses(gate, weights, rows, targets, smoothing, gradient, count_correct);
  const OutputGradients d = over_output_blocks(tape, x, w, b, losses);
  CrossEntropy result = losses.result();
  if (gradient)
    tape->record(
        {result.loss}, {x, w, b, gate, weights},
        [x, w, b, gate, weights, loss = result.loss, d, d_gate = losses.d_gate(), d_weights = losses.d_weights()]() {
          hand_over(x, d.x, loss.grad());
          hand_over(w, d.w, loss.grad());
          hand_over(b, d.b, loss.grad());
          hand_over(gate, d_gate, loss.grad());
          hand_over(weights, d_weights, loss.grad());
        });
  return result;
}

template <class T>
void copy_log_probs(std::span<const T> logits, T gate, std::span<const int32_t> symbols, const T* weights,
                    std::span<T> out) {
  const auto vocab = static_cast<int64_t>(logits.size());
  kernels::table<T>().log_softmax(vocab, logits.data(), out.data());
  const auto own = static_cast<T>(log_sigmoid(static_cast<double>(gate)));
  const double copied = log_sigmoid(-static_cast<double>(gate));
  for (int64_t v = 0; v < vocab; ++v) out[static_cast<size_t>(v)] += own;
  std::fill(out.begin() + vocab, out.end(), -std::numeric_limits<T>::infinity());
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i] < 0 || !(weights[i] > 0)) continue;
    T& to = out[static_cast<size_t>(symbols[i])];
    to = static_cast<T>(log_add(static_cast<double>(to), copied + std::log(static_cast<double>(weights[i]))));
  }
}

template void copy_log_probs<float>(std::span<const float>, float, std::span<const int32_t>, const float*,
                                    std::span<float>);
template void copy_log_probs<double>(std::span<const double>, double, std::span<const int32_t>, const double*,
                                     std::span<double>);

}  // namespace carousel::ops
