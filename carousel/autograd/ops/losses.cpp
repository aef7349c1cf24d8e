#include "carousel/autograd/ops/losses.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/loss_parts.h"
#include "carousel/autograd/parallel.h"
#include "carousel/autograd/weights.h"

namespace carousel::ops {

namespace {

/// The losses of all rows, and the gradients with respect to their logits for a loss that is their mean.
class RowLosses {
 public:
  RowLosses(std::span<const int32_t> targets, double smoothing, bool gradient)
      : targets_(targets), smoothing_(smoothing), gradient_(gradient), losses_(targets.size()) {}

  /// Rows [begin, begin + count), whose logits [count, V] are overwritten.
  template <class T>
  void add(int64_t begin, int64_t count, int64_t vocab, T* logits, const T* bias) {
    const T scale = T(1) / static_cast<T>(targets_.size());
    parallel_for(count, vocab * 8, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const auto at = static_cast<size_t>(begin + i);
        losses_[at] = kernels::table<T>().cross_entropy(
            {vocab, logits + i * vocab, bias, targets_[at], smoothing_, gradient_, scale});
      }
    });
  }

  CrossEntropy result(DType dtype) const {
    CrossEntropy sums;
    double total = 0;
    for (const kernels::RowLoss& row : losses_) {
      sums.nll_sum += row.nll;
      total += smoothing_ == 0 ? row.nll : (1 - smoothing_) * row.nll + smoothing_ * row.uniform;
    }
    sums.loss = Var(Tensor::full({}, losses_.empty() ? 0.0 : total / static_cast<double>(losses_.size()), dtype));
    return sums;
  }

 private:
  std::span<const int32_t> targets_;
  double smoothing_;
  bool gradient_;
  std::vector<kernels::RowLoss> losses_;
};

/// Rows in one block of logits: as many as keep it within some megabytes, for the weights are read once for each block
/// and their gradient twice; blocks are alike, because a short last one would cost as much.
int64_t block_rows(int64_t rows, int64_t vocab) {
  const int64_t most = std::clamp<int64_t>((int64_t{5} << 19) / std::max<int64_t>(vocab, 1), 32, 256);
  const int64_t blocks = (rows + most - 1) / most;
  return blocks > 1 ? ((rows + blocks - 1) / blocks + 15) & ~int64_t{15} : rows;
}

}  // namespace

CrossEntropy cross_entropy(Tape* tape, const Var& logits, std::span<const int32_t> targets, double smoothing) {
  require_rank("cross_entropy", "logits", logits.value(), 2);
  const int64_t rows = logits.value().dim(0), vocab = logits.value().dim(1);
  require_targets("cross_entropy", targets, rows, vocab);
  const bool gradient = needs_tape(tape, {&logits});
  RowLosses losses(targets, smoothing, gradient);
  Tensor work = logits.value().clone();
  with_scalar(work.dtype(), [&]<class T>() { losses.add<T>(0, rows, vocab, work.data<T>(), nullptr); });
  CrossEntropy result = losses.result(work.dtype());
  if (gradient)
    tape->record({result.loss}, {logits},
                 [logits, loss = result.loss, work]() { hand_over(logits, work, loss.grad()); });
  return result;
}

CrossEntropy linear_cross_entropy(Tape* tape, const Var& x, const Var& w, const Var& b,
                                  std::span<const int32_t> targets, double smoothing) {
  require_rank("cross_entropy", "x", x.value(), 2);
  require_rank("cross_entropy", "w", w.value(), 2);
  require_equal("cross_entropy", "the last axis of x", x.value().dim(1), w.value().dim(1));
  const int64_t rows = x.value().dim(0), in = w.value().dim(1), vocab = w.value().dim(0);
  if (b.defined()) require_equal("cross_entropy", "the size of b", b.value().numel(), vocab);
  require_targets("cross_entropy", targets, rows, vocab);
  const DType dtype = x.value().dtype();
  const auto gradient_of = [&](const Var& v) {
    if (!needs_tape(tape, {&v})) return Tensor();
    return rows > 0 ? Tensor::empty(v.value().shape(), dtype) : Tensor::zeros(v.value().shape(), dtype);
  };
  Tensor dx = gradient_of(x), dw = gradient_of(w), db = gradient_of(b);
  const bool gradient = dx.defined() || dw.defined() || db.defined();
  RowLosses losses(targets, smoothing, gradient);
  with_scalar(dtype, [&]<class T>() {
    const int64_t block = block_rows(rows, vocab);
    const kernels::Packed<T>& forward = packed_weight<T>(w, {.transposed = true});
    const kernels::Packed<T>* backward = dx.defined() ? &packed_weight<T>(w, {.transposed = false}) : nullptr;
    const T* bias = b.defined() ? b.value().template data<T>() : nullptr;
    Tensor buffer = Tensor::empty({block, vocab}, dtype);
    T* logits = buffer.data<T>();
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t count = std::min(block, rows - begin);
      const T* input = x.value().data<T>() + begin * in;
      product<T>(forward, count, in, vocab, input, logits, false);
      losses.add<T>(begin, count, vocab, logits, bias);
      if (dx.defined()) product<T>(*backward, count, vocab, in, logits, dx.data<T>() + begin * in, false);
      if (dw.defined())
        product<T>({true, false, vocab, in, count, logits, vocab, input, in, dw.data<T>(), in, begin > 0});
      if (db.defined()) column_sums<T>(count, vocab, logits, db.data<T>(), begin > 0);
    }
  });
  CrossEntropy result = losses.result(dtype);
  if (gradient)
    tape->record({result.loss}, {x, w, b}, [x, w, b, loss = result.loss, dx, dw, db]() {
      hand_over(x, dx, loss.grad());
      hand_over(w, dw, loss.grad());
      hand_over(b, db, loss.grad());
    });
  return result;
}

}  // namespace carousel::ops
