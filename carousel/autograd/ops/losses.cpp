#include "carousel/autograd/ops/losses.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/loss_parts.h"
#include "carousel/autograd/ops/output_blocks.h"
#include "carousel/autograd/parallel.h"

namespace carousel::ops {

namespace {

/// Whether no other logit is as high as the target's, or stands behind it and is as high. With NaN nothing is.
template <class T>
bool is_highest(int64_t vocab, const T* logits, const T* bias, int32_t target) {
  const auto stands = [&](auto at) {
    const T wanted = at(target);
    int32_t below = 0;  // a number, not an early end: this runs in vectors
    for (int64_t v = 0; v < target; ++v) below += at(v) < wanted ? 1 : 0;
    for (int64_t v = target + 1; v < vocab; ++v) below += at(v) <= wanted ? 1 : 0;
    return below + 1 == vocab;
  };
  return bias ? stands([&](int64_t v) { return logits[v] + bias[v]; }) : stands([&](int64_t v) { return logits[v]; });
}

/// The losses of all rows, and the gradients with respect to their logits for a loss that is their mean.
class RowLosses {
 public:
  RowLosses(std::span<const int32_t> targets, double smoothing, bool gradient, bool count_correct)
      : targets_(targets),
        smoothing_(smoothing),
        gradient_(gradient),
        losses_(targets.size()),
        correct_(count_correct ? targets.size() : 0) {}

  /// Rows [begin, begin + count), whose logits [count, V] are overwritten.
  template <class T>
  void add(int64_t begin, int64_t count, int64_t vocab, T* logits, const T* bias) {
    const T scale = T(1) / static_cast<T>(targets_.size());
    parallel_for(count, vocab * 8, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const auto at = static_cast<size_t>(begin + i);
        T* row = logits + i * vocab;
        if (!correct_.empty()) correct_[at] = is_highest(vocab, row, bias, targets_[at]);
        losses_[at] = kernels::table<T>().cross_entropy({vocab, row, bias, targets_[at], smoothing_, gradient_, scale});
      }
    });
  }

  CrossEntropy result(DType dtype) const { return mean_of(losses_, correct_, smoothing_, dtype); }

 private:
  std::span<const int32_t> targets_;
  double smoothing_;
  bool gradient_;
  std::vector<kernels::RowLoss> losses_;
  std::vector<char> correct_;
};

}  // namespace

CrossEntropy cross_entropy(Tape* tape, const Var& logits, std::span<const int32_t> targets, double smoothing,
                           bool count_correct) {
  require_rank("cross_entropy", "logits", logits.value(), 2);
  const int64_t rows = logits.value().dim(0), vocab = logits.value().dim(1);
  require_targets("cross_entropy", targets, rows, vocab);
  const bool gradient = needs_tape(tape, {&logits});
  RowLosses losses(targets, smoothing, gradient, count_correct);
  Tensor work = logits.value().clone();
  with_scalar(work.dtype(), [&]<class T>() { losses.add<T>(0, rows, vocab, work.data<T>(), nullptr); });
  CrossEntropy result = losses.result(work.dtype());
  if (gradient)
    tape->record({result.loss}, {logits},
                 [logits, loss = result.loss, work]() { hand_over(logits, work, loss.grad()); });
  return result;
}

CrossEntropy linear_cross_entropy(Tape* tape, const Var& x, const Var& w, const Var& b,
                                  std::span<const int32_t> targets, double smoothing, bool count_correct) {
  require_output_layer("cross_entropy", x.value(), w.value(), b);
  require_targets("cross_entropy", targets, x.value().dim(0), w.value().dim(0));
  const bool gradient = needs_tape(tape, {&x, &w, &b});
  RowLosses losses(targets, smoothing, gradient, count_correct);
  const OutputGradients d = over_output_blocks(tape, x, w, b, losses);
  CrossEntropy result = losses.result(x.value().dtype());
  if (gradient)
    tape->record({result.loss}, {x, w, b}, [x, w, b, loss = result.loss, d]() {
      hand_over(x, d.x, loss.grad());
      hand_over(w, d.w, loss.grad());
      hand_over(b, d.b, loss.grad());
    });
  return result;
}

}  // namespace carousel::ops
