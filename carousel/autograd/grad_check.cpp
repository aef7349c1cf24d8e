#include "carousel/autograd/grad_check.h"

#include <fmt/format.h>

#include <cmath>

#include "carousel/base/rng.h"

namespace carousel {

GradCheck grad_check(const std::function<Var(Tape*)>& f, const std::vector<Var>& inputs, int64_t max_elements) {
  for (const Var& input : inputs) input.clear_grad();
  Tape tape;
  const Var y = f(&tape);
  Rng rng(7, 1);
  Tensor weight = Tensor::empty(y.value().shape(), DType::f64);
  for (int64_t i = 0; i < weight.numel(); ++i) weight.data<double>()[i] = static_cast<double>(rng.uniform()) + 0.5;
  tape.backward(y, weight.clone());
  const auto weighted = [&] {
    const Var again = f(nullptr);
    double total = 0;
    for (int64_t i = 0; i < weight.numel(); ++i) total += weight.data<double>()[i] * again.value().data<double>()[i];
    return total;
  };
  GradCheck result;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Var& input = inputs[k];
    if (!input.requires_grad()) continue;
    const int64_t n = input.value().numel(), stride = std::max<int64_t>(1, n / max_elements);
    std::vector<std::pair<double, double>> pairs;
    double largest = 0;
    for (int64_t i = 0; i < n; i += stride) {
      const double step = 2e-5, old = input.value().data<double>()[i];
      const auto shifted = [&](double shift) {
        input.mutable_value().data<double>()[i] = old + shift;
        return weighted();
      };
      // Fourth order: layer normalisation bends so much that the second-order quotient errs by 1e-6.
      const double near = shifted(step) - shifted(-step), far = shifted(2 * step) - shifted(-2 * step);
      input.mutable_value().data<double>()[i] = old;
      const double analytic = input.has_grad() ? input.grad().data<double>()[i] : 0.0;
      pairs.emplace_back((8 * near - far) / (12 * step), analytic);
      largest = std::max({largest, std::abs(pairs.back().first), std::abs(analytic)});
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto [numeric, analytic] = pairs[i];
      // The floor keeps the rounding error of the difference quotient (about 1e-10) out of tiny gradients.
      const double scale = std::max({std::abs(numeric), std::abs(analytic), 1e-2 * largest, 1e-4});
      const double error = std::abs(numeric - analytic) / scale;
      if (!(error <= result.worst)) {
        result.worst = error;
        result.where = fmt::format("input {} element {}: numeric {} backward {}", k, static_cast<int64_t>(i) * stride,
                                   numeric, analytic);
      }
    }
  }
  return result;
}

}  // namespace carousel
