#include "carousel/autograd/ops/ctc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/loss_parts.h"
#include "carousel/autograd/parallel.h"
#include "carousel/base/error.h"
#include "carousel/base/log_add.h"

namespace carousel::ops {

namespace {

/// The lattice of one sequence: a blank before, between and after the symbols of the target.
class Lattice {
 public:
  Lattice(const std::vector<int32_t>& target, int32_t blank) : blank_(blank) {
    for (const int32_t symbol : target) {
      states_.push_back(blank);
      states_.push_back(symbol);
    }
    states_.push_back(blank);
  }
  size_t size() const { return states_.size(); }
  int32_t symbol(size_t s) const { return states_[s]; }
  /// Whether a path may come to state s from the one before the one before it: over no blank that must stand.
  bool skips_to(size_t s) const { return s >= 2 && states_[s] != blank_ && states_[s] != states_[s - 2]; }

 private:
  std::vector<int32_t> states_;
  int32_t blank_;
};

/// One sequence: log_p [steps, V] in, p(state | target) into `occupied` [steps, states], zeros before, unless null.
/// Returns log p(target).
double forward_backward(const Lattice& lattice, const std::vector<double>& log_p, size_t steps, double* occupied) {
  const size_t n = lattice.size(), width = log_p.size() / steps;
  const auto emission = [&](size_t t, size_t s) { return log_p[t * width + static_cast<size_t>(lattice.symbol(s))]; };
  // alpha: all paths up to and with step t; beta: all paths after step t.
  std::vector<double> alpha(steps * n, kNever), beta;
  for (size_t s = 0; s < std::min<size_t>(2, n); ++s) alpha[s] = emission(0, s);
  for (size_t t = 1; t < steps; ++t)
    for (size_t s = 0; s < n; ++s) {
      const double* before = alpha.data() + (t - 1) * n;
      double sum = before[s];
      if (s >= 1) sum = log_add(sum, before[s - 1]);
      if (lattice.skips_to(s)) sum = log_add(sum, before[s - 2]);
      alpha[t * n + s] = sum + emission(t, s);
    }
  const double* last = alpha.data() + (steps - 1) * n;
  const double total = n > 1 ? log_add(last[n - 1], last[n - 2]) : last[0];
  if (occupied == nullptr || total == kNever) return total;
  beta.assign(steps * n, kNever);
  for (size_t s = n > 1 ? n - 2 : 0; s < n; ++s) beta[(steps - 1) * n + s] = 0;
  for (size_t t = steps - 1; t > 0; --t)
    for (size_t s = 0; s < n; ++s) {
      const double* after = beta.data() + t * n;
      double sum = after[s] + emission(t, s);
      if (s + 1 < n) sum = log_add(sum, after[s + 1] + emission(t, s + 1));
      if (s + 2 < n && lattice.skips_to(s + 2)) sum = log_add(sum, after[s + 2] + emission(t, s + 2));
      beta[(t - 1) * n + s] = sum;
    }
  for (size_t i = 0; i < steps * n; ++i) occupied[i] = std::exp(alpha[i] + beta[i] - total);
  return total;
}

template <class T>
void log_softmax(const T* logits, size_t width, double* out) {
  const auto largest = static_cast<double>(*std::max_element(logits, logits + width));
  double total = 0;
  for (size_t k = 0; k < width; ++k) total += std::exp(static_cast<double>(logits[k]) - largest);
  for (size_t k = 0; k < width; ++k) out[k] = static_cast<double>(logits[k]) - largest - std::log(total);
}

void check_target(const std::vector<int32_t>& target, int64_t steps, int64_t width, int32_t blank) {
  for (const int32_t id : target)
    if (id < 0 || id >= width || id == blank)
      throw ShapeError(
          fmt::format("[ctc_loss] targets must lie in [0, {}) and not be the blank {}; got {}. Check "
                      "the vocabulary.",
                      width, blank, id));
  if (const int64_t least = ctc_least_steps(target); least > steps)
    throw ShapeError(
        fmt::format("[ctc_loss] a target must fit into its steps; got one that needs {} for {}. Put "
                    "fewer frames together, or leave the example out.",
                    least, steps));
}

void check(const Packing& packing, const Var& logits, const std::vector<std::vector<int32_t>>& targets, int32_t blank) {
  require_rank("ctc_loss", "logits", logits.value(), 2);
  require_equal("ctc_loss", "the rows of logits", logits.value().dim(0), packing.rows());
  require_equal("ctc_loss", "the number of targets", static_cast<int64_t>(targets.size()), packing.batch_size());
  for (size_t j = 0; j < targets.size(); ++j)
    check_target(targets[static_cast<size_t>(packing.order[j])], packing.lengths[j], logits.value().dim(1), blank);
}

}  // namespace

int64_t ctc_least_steps(const std::vector<int32_t>& target) {
  auto steps = static_cast<int64_t>(target.size());
  for (size_t i = 1; i < target.size(); ++i) steps += target[i] == target[i - 1];
  return std::max<int64_t>(steps, 1);
}

CtcAlignment ctc_align(std::span<const float> log_probs, int64_t vocab_size, const std::vector<int32_t>& target,
                       int32_t blank) {
  const int64_t steps = static_cast<int64_t>(log_probs.size()) / vocab_size;
  check_target(target, steps, vocab_size, blank);
  const Lattice lattice(target, blank);
  const std::vector<double> log_p(log_probs.begin(), log_probs.end());
  std::vector<double> occupied(static_cast<size_t>(steps) * lattice.size());
  CtcAlignment alignment;
  alignment.log_prob = forward_backward(lattice, log_p, static_cast<size_t>(steps), occupied.data());
  const size_t rows = target.size() + 1, n = lattice.size();
  alignment.occupied.assign(rows * static_cast<size_t>(steps), 0);
  for (size_t t = 0; t < static_cast<size_t>(steps); ++t)
    for (size_t s = 0; s < n; ++s)
      alignment.occupied[(s % 2 == 1 ? s / 2 : rows - 1) * static_cast<size_t>(steps) + t] += occupied[t * n + s];
  return alignment;
}

CrossEntropy ctc_loss(Tape* tape, const Packing& packing, const Var& logits,
                      const std::vector<std::vector<int32_t>>& targets, int32_t blank) {
  check(packing, logits, targets, blank);
  const DType dtype = logits.value().dtype();
  const auto width = static_cast<size_t>(logits.value().dim(1));
  const int64_t batch_size = packing.batch_size();
  const bool gradient = needs_tape(tape, {&logits});
  Tensor d_logits = gradient ? Tensor::empty(logits.value().shape(), dtype) : Tensor();
  std::vector<double> nll(static_cast<size_t>(batch_size));
  with_scalar(dtype, [&]<class T>() {
    const T* from = logits.value().data<T>();
    T* to = gradient ? d_logits.data<T>() : nullptr;
    const auto one = [&](int64_t j) {
      const auto place = static_cast<size_t>(j);
      const auto steps = static_cast<size_t>(packing.lengths[place]);
      const auto row = [&](size_t t) { return static_cast<size_t>(packing.row(static_cast<int64_t>(t), j)) * width; };
      std::vector<double> log_p(steps * width);
      for (size_t t = 0; t < steps; ++t) log_softmax(from + row(t), width, log_p.data() + t * width);
      const Lattice lattice(targets[static_cast<size_t>(packing.order[place])], blank);
      std::vector<double> occupied(gradient ? steps * lattice.size() : 0), d(width);
      nll[place] = -forward_backward(lattice, log_p, steps, gradient ? occupied.data() : nullptr);
      for (size_t t = 0; gradient && t < steps; ++t) {
        for (size_t k = 0; k < width; ++k) d[k] = std::exp(log_p[t * width + k]);
        for (size_t s = 0; s < lattice.size(); ++s)
          d[static_cast<size_t>(lattice.symbol(s))] -= occupied[t * lattice.size() + s];
        for (size_t k = 0; k < width; ++k) to[row(t) + k] = static_cast<T>(d[k] / static_cast<double>(batch_size));
      }
    };
    parallel_for(batch_size, packing.rows() * static_cast<int64_t>(width) / std::max<int64_t>(1, batch_size) * 8,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t j = begin; j < end; ++j) one(j);
                 });
  });
  CrossEntropy result;
  for (const double value : nll) result.nll_sum += value;
  const double mean = batch_size == 0 ? 0.0 : result.nll_sum / static_cast<double>(batch_size);
  result.loss = Var(Tensor::full({}, mean, dtype));
  if (!gradient) return result;
  tape->record({result.loss}, {logits}, [=, loss = result.loss]() { hand_over(logits, d_logits, loss.grad()); });
  return result;
}

}  // namespace carousel::ops
