#include "carousel/nn/guided_attention.h"

#include <cmath>
#include <utility>

#include "carousel/autograd/ops/dispatch.h"

namespace carousel::nn {

namespace {

double entropy(double p) {
  return p > 0 ? -p * std::log(p) : 0.0;
}

}  // namespace

void add_diagonal_costs(const AttentionPlace& place, double width, std::vector<double>& costs) {
  const double where = static_cast<double>(place.step) / static_cast<double>(place.target_length);
  for (int64_t s = 0; s < place.source_length; ++s) {
    const double off = where - static_cast<double>(s) / static_cast<double>(place.source_length);
    costs.push_back(1.0 - std::exp(-off * off / (2 * width * width)));
  }
}

Var guided_attention_loss(Tape* tape, const Var& weights, std::vector<double> costs, int64_t rows) {
  ops::require_equal("guided_attention", "the number of weights", weights.value().numel(),
                     static_cast<int64_t>(costs.size()));
  const double share = rows == 0 ? 0.0 : 1.0 / static_cast<double>(rows);
  Var loss(Tensor::zeros({}, weights.value().dtype()));
  ops::with_scalar(weights.value().dtype(), [&]<class T>() {
    const T* w = weights.value().data<T>();
    double sum = 0;
    for (size_t i = 0; i < costs.size(); ++i) sum += costs[i] * static_cast<double>(w[i]);
    loss.mutable_value().fill(sum * share);
  });
  if (needs_tape(tape, {&weights})) {
    tape->record({loss}, {weights}, [weights, loss, share, costs = std::move(costs)]() {
      ops::with_scalar(weights.value().dtype(), [&]<class T>() {
        const T scale = loss.grad().data<T>()[0] * static_cast<T>(share);
        T* d = weights.grad_or_zeros().data<T>();
        for (size_t i = 0; i < costs.size(); ++i) d[i] += scale * static_cast<T>(costs[i]);
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
