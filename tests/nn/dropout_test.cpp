// Dropout whose mask lasts.
#include "carousel/nn/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace dropout_test {

constexpr int64_t kWidth = 400;

TEST(SequenceDropout, OneMaskHoldsForAllStepsOfASequence) {
  const Packing packing = Packing::make(std::vector<int64_t>{3, 5, 1});
  const Var x(Tensor::full({packing.rows(), kWidth}, 2));
  const Tensor y = sequence_dropout(nullptr, packing, x, 0.25, 7, 3).value();
  std::vector<std::vector<float>> masks;
  for (int64_t sequence = 0; sequence < 3; ++sequence) {
    const int64_t j = packing.position[static_cast<size_t>(sequence)];
    const auto row = [&](int64_t step) {
      const float* from = y.data<float>() + packing.row(step, j) * kWidth;
      return std::vector<float>(from, from + kWidth);
    };
    masks.push_back(row(0));
    for (int64_t step = 1; step < packing.lengths[static_cast<size_t>(j)]; ++step) EXPECT_EQ(row(step), masks.back());
    const auto zeros = std::count(masks.back().begin(), masks.back().end(), 0.0F);
    EXPECT_NEAR(static_cast<double>(zeros) / kWidth, 0.25, 0.1);
    EXPECT_FLOAT_EQ(*std::max_element(masks.back().begin(), masks.back().end()), 2 / 0.75F);
  }
  EXPECT_NE(masks[0], masks[1]);
  EXPECT_NE(masks[1], masks[2]);
}

TEST(EmbeddingDropout, ASymbolIsThereOrNotWhereverItStands) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 600; ++i) ids.push_back(i % 200);
  const Var x(Tensor::full({600, 2}, 1));
  const Tensor y = embedding_dropout(nullptr, ids, x, 0.3, 7, 3).value();
  int64_t left_out = 0;
  for (int64_t i = 0; i < 600; ++i) {
    const float* row = y.data<float>() + 2 * i;
    EXPECT_EQ(row[0], row[1]);
    EXPECT_EQ(row[0], y.data<float>()[2 * (i % 200)]);
    if (row[0] != 0) {
      EXPECT_FLOAT_EQ(row[0], 1 / 0.7F);
    }
    left_out += row[0] == 0;
  }
  EXPECT_NEAR(static_cast<double>(left_out) / 600, 0.3, 0.1);
  const Tensor other = embedding_dropout(nullptr, ids, x, 0.3, 8, 3).value();
  EXPECT_FALSE(std::equal(y.span<float>().begin(), y.span<float>().end(), other.span<float>().begin()));
}

TEST(EmbeddingDropout, GradientEqualsCentralDifferences) {
  const std::vector<int32_t> ids = {0, 1, 2, 1, 3};
  std::vector<Var> inputs = {Var(Tensor::full({5, 3}, 0.5, DType::f64), true)};
  const GradCheck check =
      grad_check([&](Tape* tape) { return embedding_dropout(tape, ids, inputs[0], 0.5, 7, 3); }, inputs);
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

TEST(EmbeddingDropout, RefusesBadProbabilitiesAndSymbolsThatDoNotFit) {
  const std::vector<int32_t> ids = {0, 1};
  const Var x(Tensor::zeros({3, 2}));
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { embedding_dropout(nullptr, ids, x, 1, 7, 3); }),
            "[dropout] the probability must lie in [0, 1); got 1. Use 0 to switch it off.");
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>([&] { embedding_dropout(nullptr, ids, x, 0.5, 7, 3); }),
            "[dropout] each row needs the symbol it stands for; got 2 symbols for 3 rows. Pass one for each.");
}

}  // namespace dropout_test
}  // namespace carousel::nn
