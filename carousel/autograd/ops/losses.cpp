#include "carousel/autograd/ops/losses.h"

#include <cmath>
#include <vector>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/parallel.h"

namespace carousel::ops {

CrossEntropy cross_entropy(Tape* tape, const Var& logits, std::span<const int32_t> targets, double smoothing) {
  require_rank("cross_entropy", "logits", logits.value(), 2);
  const int64_t rows = logits.value().dim(0), vocab = logits.value().dim(1);
  require_equal("cross_entropy", "the number of targets", static_cast<int64_t>(targets.size()), rows);
  for (const int32_t id : targets)
    if (id < 0 || id >= vocab)
      throw ShapeError(
          fmt::format("[cross_entropy] targets must lie in [0, {}); got {}. Check the vocabulary.", vocab, id));
  Tensor log_p = Tensor::empty(logits.value().shape(), logits.value().dtype());
  std::vector<double> nll(static_cast<size_t>(rows)), smooth(static_cast<size_t>(rows));
  with_scalar(log_p.dtype(), [&]<class T>() {
    const T* x = logits.value().data<T>();
    T* y = log_p.data<T>();
    parallel_for(rows, vocab * 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* row = y + i * vocab;
        kernels::table<T>().log_softmax(vocab, x + i * vocab, row);
        const auto at = static_cast<size_t>(i);
        nll[at] = -static_cast<double>(row[targets[at]]);
        if (smoothing == 0) continue;
        double total = 0;
        for (int64_t j = 0; j < vocab; ++j) total -= static_cast<double>(row[j]);
        smooth[at] = total / static_cast<double>(vocab);
      }
    });
  });
  CrossEntropy result;
  double total = 0;
  for (size_t i = 0; i < nll.size(); ++i) {
    result.nll_sum += nll[i];
    total += (1 - smoothing) * nll[i] + smoothing * smooth[i];
  }
  result.loss = Var(Tensor::full({}, rows > 0 ? total / static_cast<double>(rows) : 0.0, log_p.dtype()));
  if (needs_tape(tape, {&logits})) {
    tape->record({result.loss}, {logits},
                 [logits, loss = result.loss, log_p, rows, vocab, smoothing,
                  ids = std::vector<int32_t>(targets.begin(), targets.end())]() mutable {
                   with_scalar(log_p.dtype(), [&]<class T>() {
                     const T weight = loss.grad().data<T>()[0] / static_cast<T>(rows);
                     const T uniform = static_cast<T>(smoothing / static_cast<double>(vocab));
                     const T* lp = log_p.data<T>();
                     Tensor delta = Tensor::empty(log_p.shape(), log_p.dtype());
                     T* d = delta.data<T>();
                     parallel_for(rows, vocab * 8, [&](int64_t begin, int64_t end) {
                       for (int64_t i = begin; i < end; ++i) {
                         T* row = d + i * vocab;
                         std::copy_n(lp + i * vocab, vocab, row);
                         kernels::table<T>().softmax(vocab, row);
                         for (int64_t j = 0; j < vocab; ++j) row[j] = weight * (row[j] - uniform);
                         row[ids[static_cast<size_t>(i)]] -= weight * static_cast<T>(1 - smoothing);
                       }
                     });
                     logits.add_grad(delta);
                   });
                 });
  }
  return result;
}

}  // namespace carousel::ops
