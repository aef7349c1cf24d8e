#include "carousel/nn/guided_attention.h"

#include <cmath>

#include "carousel/autograd/ops/dispatch.h"

namespace carousel::nn {

namespace {

/// f(index into the ragged weights, cost) for every weight of every row.
template <class F>
void each_cost(const std::vector<AttentionPlace>& places, double width, F f) {
  int64_t at = 0;
  for (const AttentionPlace& p : places) {
    const double where = static_cast<double>(p.step) / static_cast<double>(p.target_length);
    for (int64_t s = 0; s < p.source_length; ++s, ++at) {
      const double off = where - static_cast<double>(s) / static_cast<double>(p.source_length);
      f(at, 1.0 - std::exp(-off * off / (2 * width * width)));
    }
  }
}

double entropy(double p) {
  return p > 0 ? -p * std::log(p) : 0.0;
}

}  // namespace

Var guided_attention_loss(Tape* tape, const Var& weights, std::vector<AttentionPlace> places, double width) {
  int64_t total = 0;
  for (const AttentionPlace& p : places) total += p.source_length;
  ops::require_equal("guided_attention", "the number of weights", weights.value().numel(), total);
  const double share = places.empty() ? 0.0 : 1.0 / static_cast<double>(places.size());
  Var loss(Tensor::zeros({}, weights.value().dtype()));
  ops::with_scalar(weights.value().dtype(), [&]<class T>() {
    const T* w = weights.value().data<T>();
    double sum = 0;
    each_cost(places, width, [&](int64_t i, double cost) { sum += cost * static_cast<double>(w[i]); });
    loss.mutable_value().fill(sum * share);
  });
  if (needs_tape(tape, {&weights})) {
    tape->record({loss}, {weights}, [weights, loss, share, width, places = std::move(places)]() {
      ops::with_scalar(weights.value().dtype(), [&]<class T>() {
        const T scale = loss.grad().data<T>()[0] * static_cast<T>(share);
        T* d = weights.grad_or_zeros().data<T>();
        each_cost(places, width, [&](int64_t i, double cost) { d[i] += scale * static_cast<T>(cost); });
      });
    });
  }
  return loss;
}

double attention_information(std::span<const float> rows, int64_t steps, int64_t source_length) {
  const double largest = std::log(static_cast<double>(std::min(steps, source_length)));
  if (largest <= 0) return 1;
  double of_mean = 0, mean_of = 0;
  for (int64_t s = 0; s < source_length; ++s) {
    double mean = 0;
    for (int64_t t = 0; t < steps; ++t) {
      const auto p = static_cast<double>(rows[static_cast<size_t>(t * source_length + s)]);
      mean += p / static_cast<double>(steps);
      mean_of += entropy(p) / static_cast<double>(steps);
    }
    of_mean += entropy(mean);
  }
  return std::max(0.0, (of_mean - mean_of) / largest);
}

}  // namespace carousel::nn
