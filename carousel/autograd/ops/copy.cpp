#include "carousel/autograd/ops/copy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "carousel/autograd/ops/loss_parts.h"
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

void require_rows(const Tensor& logits, const Tensor& gate, const Tensor& weights, const CopyRows& rows,
                  std::span<const int32_t> targets) {
  require_rank("copy", "logits", logits, 2);
  const int64_t n = logits.dim(0);
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

}  // namespace

CrossEntropy copy_cross_entropy(Tape* tape, const Var& logits, const Var& gate, const Var& weights,
                                const CopyRows& rows, std::span<const int32_t> targets, double smoothing) {
  require_rows(logits.value(), gate.value(), weights.value(), rows, targets);
  const int64_t n = logits.value().dim(0), vocab = logits.value().dim(1);
  const bool gradient = needs_tape(tape, {&logits, &gate, &weights});
  Tensor work = logits.value().clone();
  Tensor d_gate = gradient ? Tensor::zeros(gate.value().shape(), work.dtype()) : Tensor();
  Tensor d_weights = gradient ? Tensor::zeros(weights.value().shape(), work.dtype()) : Tensor();
  std::vector<kernels::RowLoss> losses(static_cast<size_t>(n));
  with_scalar(work.dtype(), [&]<class T>() {
    parallel_for(n, vocab * 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto at = static_cast<size_t>(i);
        const int64_t offset = rows.offsets[at];
        losses[at] = Row<T>{vocab,
                            work.data<T>() + i * vocab,
                            static_cast<double>(gate.value().template data<T>()[i]),
                            {rows.symbols.data() + rows.first[at], static_cast<size_t>(rows.offsets[at + 1] - offset)},
                            weights.value().template data<T>() + offset,
                            targets[at],
                            smoothing,
                            1.0 / static_cast<double>(n),
                            gradient ? d_gate.data<T>() + i : nullptr,
                            gradient ? d_weights.data<T>() + offset : nullptr}
                         .run();
      }
    });
  });
  CrossEntropy result;
  double total = 0;
  for (const kernels::RowLoss& row : losses) {
    result.nll_sum += row.nll;
    total += (1 - smoothing) * row.nll + smoothing * row.uniform;
  }
  result.loss = Var(Tensor::full({}, n == 0 ? 0.0 : total / static_cast<double>(n), work.dtype()));
  if (gradient)
    tape->record({result.loss}, {logits, gate, weights},
                 [logits, gate, weights, loss = result.loss, work, d_gate, d_weights]() {
                   hand_over(logits, work, loss.grad());
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
