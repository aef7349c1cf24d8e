#include "carousel/nn/guided_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "carousel/nn/seq2seq.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace guided_attention_test {

TEST(GuidedAttention, GradientEqualsCentralDifferences) {
  Tensor w = Tensor::empty({7}, DType::f64);
  for (int64_t i = 0; i < 7; ++i) w.data<double>()[i] = 0.1 * static_cast<double>(i + 1);
  const Var weights(w, true);
  std::vector<double> costs;
  add_diagonal_costs({0, 2, 3}, 0.3, costs);
  add_diagonal_costs({1, 2, 4}, 0.3, costs);
  const GradCheck check = grad_check([&](Tape* t) { return guided_attention_loss(t, weights, costs, 2); }, {weights});
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

TEST(GuidedAttention, CostsNothingOnTheDiagonalAndMoreAwayFromIt) {
  const auto cost = [](int64_t at) {
    Tensor w = Tensor::zeros({4}, DType::f64);
    w.data<double>()[at] = 1;
    std::vector<double> costs;
    add_diagonal_costs({1, 4, 4}, 0.25, costs);
    return guided_attention_loss(nullptr, Var(w), costs, 1).value().item();
  };
  EXPECT_NEAR(cost(1), 0, 1e-12);
  EXPECT_NEAR(cost(2), 1 - std::exp(-0.5), 1e-12);
  EXPECT_GT(cost(3), cost(2));
}

TEST(GuidedAttention, AnAlignmentTakesThePlaceOfTheDiagonal) {
  Seq2SeqConfig config;
  config.stack.hidden_size = {4};
  config.embedding_size = 3;
  config.attention_size = 4;
  config.readout_size = 0;
  config.stack.dropout = 0;
  config.query = "previous";
  config.copy = config.tie_weights = "off";
  Seq2Seq model(config, {8, 8, 2, 0, 1, 2}, 3);
  Seq2SeqBatch batch;
  batch.sources = {{3, 4, 5}, {6, 7}};
  batch.targets = {{5, 4}, {3}};
  Context ctx;
  const auto loss = [&] { return model.loss(ctx, batch, 1).loss.value().item(); };
  const double diagonal = loss();
  batch.alignments = {{0, 0, 1, 0, 1, 0}, {1, 0}};
  const double aligned = loss();
  batch.alignments = {{1, 0, 0, 1, 0, 0}, {1, 0}};
  EXPECT_NE(diagonal, aligned);
  EXPECT_NE(loss(), aligned);
  // What is spread evenly costs 1 - 1/S wherever attention looks: two rows of three, one of two, and two end markers.
  const float third = 1.0F / 3;
  batch.alignments = {{third, third, third, third, third, third}, {0.5F, 0.5F}};
  const double even = loss();
  batch.alignments = {{0, 0, 0, 0, 0, 0}, {0, 0}};
  EXPECT_NEAR(loss() - even, (2.0 / 3 + 1.0 / 2) / 5, 1e-6);
  batch.alignments = {{1, 0, 0}, {1, 0}};
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>(loss).substr(0, 9), "[seq2seq]");
}

}  // namespace guided_attention_test
}  // namespace carousel::nn
