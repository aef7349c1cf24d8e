#include "carousel/nn/guided_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"

namespace carousel::nn {
namespace {

TEST(GuidedAttention, GradientEqualsCentralDifferences) {
  Tensor w = Tensor::empty({7}, DType::f64);
  for (int64_t i = 0; i < 7; ++i) w.data<double>()[i] = 0.1 * static_cast<double>(i + 1);
  const Var weights(w, true);
  const std::vector<AttentionPlace> places = {{0, 2, 3}, {1, 2, 4}};
  const GradCheck check =
      grad_check([&](Tape* t) { return guided_attention_loss(t, weights, places, 0.3); }, {weights});
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

TEST(GuidedAttention, CostsNothingOnTheDiagonalAndMoreAwayFromIt) {
  const auto cost = [](int64_t at) {
    Tensor w = Tensor::zeros({4}, DType::f64);
    w.data<double>()[at] = 1;
    return guided_attention_loss(nullptr, Var(w), {{1, 4, 4}}, 0.25).value().item();
  };
  EXPECT_NEAR(cost(1), 0, 1e-12);
  EXPECT_NEAR(cost(2), 1 - std::exp(-0.5), 1e-12);
  EXPECT_GT(cost(3), cost(2));
}

}  // namespace
}  // namespace carousel::nn
