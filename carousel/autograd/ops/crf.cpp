#include "carousel/autograd/ops/crf.h"

#include <algorithm>
#include <vector>

#include "carousel/autograd/linear_chain.h"
#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/loss_parts.h"
#include "carousel/autograd/parallel.h"

namespace carousel::ops {

namespace {

std::vector<double> doubles(const Var& v) {
  const Tensor t = v.value().to(DType::f64);
  return {t.data<double>(), t.data<double>() + t.numel()};
}

/// A share of the sequences with sums of its own, so that the order of additions does not depend on the threads.
struct Part {
  double nll = 0;
  std::vector<double> pairs, start, stop;  ///< expected less observed

  explicit Part(int64_t n)
      : pairs(static_cast<size_t>(n * n)), start(static_cast<size_t>(n)), stop(static_cast<size_t>(n)) {}
};
constexpr int64_t kParts = 8;

/// One sequence: emissions and targets of its rows, and d loss / d emissions into them.
template <class T>
void add_sequence(const Packing& packing, int64_t j, const LinearChain& chain, const T* emissions,
                  std::span<const int32_t> targets, T* gradient, Part& part) {
  const int64_t n = chain.num_labels(), steps = packing.lengths[static_cast<size_t>(j)];
  std::vector<double> scores(static_cast<size_t>(steps * n)), p(gradient ? scores.size() : 0);
  std::vector<int32_t> path;
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = packing.row(t, j);
    std::copy_n(emissions + row * n, n, scores.data() + t * n);
    path.push_back(targets[static_cast<size_t>(row)]);
  }
  const double sum =
      chain.log_partition(steps, scores.data(), gradient ? p.data() : nullptr, gradient ? part.pairs.data() : nullptr);
  part.nll += sum - chain.score(steps, scores.data(), path.data());
  if (!gradient) return;
  const double scale = 1 / static_cast<double>(packing.rows());
  for (int64_t t = 0; t < steps; ++t) {
    double* const p_t = p.data() + t * n;
    p_t[path[static_cast<size_t>(t)]] -= 1;
    T* const to = gradient + packing.row(t, j) * n;
    for (int64_t k = 0; k < n; ++k) to[k] = static_cast<T>(p_t[k] * scale);
    if (t > 0)
      part.pairs[static_cast<size_t>(path[static_cast<size_t>(t - 1)] * n + path[static_cast<size_t>(t)])] -= 1;
  }
  for (int64_t k = 0; k < n; ++k) {
    part.start[static_cast<size_t>(k)] += p[static_cast<size_t>(k)];
    part.stop[static_cast<size_t>(k)] += p[static_cast<size_t>((steps - 1) * n + k)];
  }
}

/// The sums of one kind of all parts, divided by the number of rows.
Tensor sum_of(const std::vector<Part>& parts, std::vector<double> Part::*sums, const Tensor& like, int64_t rows) {
  Tensor total = Tensor::zeros(like.shape(), like.dtype());
  with_scalar(like.dtype(), [&]<class T>() {
    T* to = total.data<T>();
    for (int64_t k = 0; k < total.numel(); ++k) {
      double sum = 0;
      for (const Part& part : parts) sum += (part.*sums)[static_cast<size_t>(k)];
      to[k] = static_cast<T>(sum / static_cast<double>(rows));
    }
  });
  return total;
}

}  // namespace

CrossEntropy crf_loss(Tape* tape, const Packing& packing, const Var& emissions, const CrfWeights& weights,
                      std::span<const int32_t> targets) {
  require_rank("crf_loss", "emissions", emissions.value(), 2);
  const int64_t rows = packing.rows(), n = emissions.value().dim(1);
  require_equal("crf_loss", "the rows of emissions", emissions.value().dim(0), rows);
  require_equal("crf_loss", "the size of transitions", weights.transitions.value().numel(), n * n);
  require_equal("crf_loss", "the size of start", weights.start.value().numel(), n);
  require_equal("crf_loss", "the size of stop", weights.stop.value().numel(), n);
  require_targets("crf_loss", targets, rows, n);
  const DType dtype = emissions.value().dtype();
  const bool gradient = needs_tape(tape, {&emissions, &weights.transitions, &weights.start, &weights.stop});
  const LinearChain chain(doubles(weights.transitions), doubles(weights.start), doubles(weights.stop));
  std::vector<Part> parts(kParts, Part(n));
  const Tensor d_emissions = gradient ? Tensor::empty(emissions.value().shape(), dtype) : Tensor();
  with_scalar(dtype, [&]<class T>() {
    const T* from = emissions.value().data<T>();
    T* to = gradient ? Tensor(d_emissions).data<T>() : nullptr;
    parallel_for(kParts, rows * n * n / kParts, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t j = i; j < packing.batch_size(); j += kParts)
          add_sequence<T>(packing, j, chain, from, targets, to, parts[static_cast<size_t>(i)]);
    });
  });
  CrossEntropy result;
  for (const Part& part : parts) result.nll_sum += part.nll;
  result.loss = Var(Tensor::full({}, rows == 0 ? 0.0 : result.nll_sum / static_cast<double>(rows), dtype));
  if (!gradient) return result;
  const Tensor d_transitions = sum_of(parts, &Part::pairs, weights.transitions.value(), rows),
               d_start = sum_of(parts, &Part::start, weights.start.value(), rows),
               d_stop = sum_of(parts, &Part::stop, weights.stop.value(), rows);
  tape->record({result.loss}, {emissions, weights.transitions, weights.start, weights.stop}, [=, loss = result.loss]() {
    hand_over(emissions, d_emissions, loss.grad());
    hand_over(weights.transitions, d_transitions, loss.grad());
    hand_over(weights.start, d_start, loss.grad());
    hand_over(weights.stop, d_stop, loss.grad());
  });
  return result;
}

}  // namespace carousel::ops
