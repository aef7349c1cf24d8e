// Pooling over packed sequences, and the model that is built on it.
#include "carousel/nn/pooling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace pooling_test {

using carousel::testing::error_of;

Var random_var(Shape shape, uint64_t seed) {
  Rng rng(seed, 0);
  Tensor t = Tensor::empty(std::move(shape), DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = static_cast<double>(rng.normal());
  return Var(t, true);
}

TEST(Pooling, GradientsEqualCentralDifferences) {
  const Packing packing = Packing::make(std::vector<int64_t>{2, 4, 1});
  const Var y = random_var({7, 3}, 1), scores = random_var({7, 1}, 2);
  EXPECT_LE(grad_check([&](Tape* t) { return pool_mean(t, packing, y); }, {y}).worst, 1e-6);
  EXPECT_LE(grad_check([&](Tape* t) { return pool_max(t, packing, y); }, {y}).worst, 1e-6);
  EXPECT_LE(grad_check([&](Tape* t) { return pool_attention(t, packing, y, scores, nullptr); }, {y, scores}).worst,
            1e-6);
}

TEST(Pooling, EqualsPlainLoops) {
  const Packing packing = Packing::make(std::vector<int64_t>{2, 3});
  const Var y = random_var({5, 2}, 1), scores = random_var({5, 1}, 2);
  const Tensor mean = pool_mean(nullptr, packing, y).value(), most = pool_max(nullptr, packing, y).value();
  Tensor weights;
  const Tensor attended = pool_attention(nullptr, packing, y, scores, &weights).value();
  for (int64_t j = 0; j < 2; ++j) {
    for (int64_t c = 0; c < 2; ++c) {
      double sum = 0, largest = -1e9, total = 0, weighted = 0;
      const int64_t length = packing.lengths[static_cast<size_t>(j)];
      for (int64_t t = 0; t < length; ++t) {
        const double value = y.value().data<double>()[packing.row(t, j) * 2 + c];
        const double e = std::exp(scores.value().data<double>()[packing.row(t, j)]);
        sum += value;
        largest = std::max(largest, value);
        total += e;
        weighted += e * value;
      }
      EXPECT_NEAR(mean.data<double>()[j * 2 + c], sum / static_cast<double>(length), 1e-12);
      EXPECT_EQ(most.data<double>()[j * 2 + c], largest);
      EXPECT_NEAR(attended.data<double>()[j * 2 + c], weighted / total, 1e-12);
    }
  }
  EXPECT_NEAR(weights.data<double>()[packing.row(0, 1)] + weights.data<double>()[packing.row(1, 1)], 1, 1e-12);
}

TEST(Pooling, MaxDoesNotHideWhatIsNoNumber) {
  const Packing packing = Packing::make(std::vector<int64_t>{3});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& values :
       {std::vector<double>{nan, 1, 2}, std::vector<double>{1, nan, 2}, std::vector<double>{1, 2, nan}})
    EXPECT_TRUE(std::isnan(pool_max(nullptr, packing, Var(Tensor::from<double>({3, 1}, values))).value().item()));
}

TEST(Pooling, GivesTheCallersOrder) {
  const Packing packing = Packing::make(std::vector<int64_t>{1, 3});
  const Var y(Tensor::from<float>({4, 1}, std::vector<float>{10, 5, 20, 30}));  // packed: the longer one first
  Context ctx;
  Pooling mean("mean", 1, 1);
  const Tensor pooled = mean.forward(ctx, packing, y, Var()).value();
  EXPECT_EQ(pooled.data<float>()[0], 5);
  EXPECT_EQ(pooled.data<float>()[1], 20);
}

TEST(Pooling, RefusesAnUnknownKind) {
  EXPECT_EQ(error_of<ConfigError>([] { Pooling("meen", 4, 1); }),
            "[pooling] pooling must be one of last, mean, max, attention; got 'meen'. Did you mean 'mean'?");
}

}  // namespace pooling_test
}  // namespace carousel::nn
