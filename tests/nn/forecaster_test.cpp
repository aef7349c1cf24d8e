// The recurrent forecaster and the linear one.
#include "carousel/nn/forecaster.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/nn/dlinear.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace {

ForecasterConfig config_of(const std::string& decoding, const std::string& output) {
  ForecasterConfig c;
  c.stack.hidden_size = {5};
  c.window = 12;
  c.horizon = 6;
  c.patch = 3;
  c.decoding = decoding;
  c.output = output;
  c.output_dropout = 0;
  return c;
}

Tensor random(Shape shape, uint64_t seed) {
  Rng rng(seed, 0);
  Tensor t = Tensor::empty(std::move(shape));
  for (int64_t i = 0; i < t.numel(); ++i) t.data<float>()[i] = rng.normal();
  return t;
}

double change(const Forecaster& net, Tensor windows, int64_t row, int64_t column, int64_t looked_at) {
  Context ctx;
  auto& mutable_net = const_cast<Forecaster&>(net);
  const Tensor before = mutable_net.forward(ctx, windows).value().clone();
  windows.data<float>()[row * windows.dim(1) + column] += 1;
  const Tensor after = mutable_net.forward(ctx, windows).value();
  double sum = 0;
  for (int64_t i = 0; i < after.dim(1); ++i) {
    const int64_t at = looked_at * after.dim(1) + i;
    sum += std::abs(static_cast<double>(after.data<float>()[at]) - static_cast<double>(before.data<float>()[at]));
  }
  return sum;
}

TEST(Forecaster, ReadsAllOfItsOwnWindowAndNothingElse) {
  for (const char* decoding : {"direct", "autoregressive"}) {
    const Forecaster net(config_of(decoding, "quantile"), 1);
    const Tensor windows = random({3, 12}, 2);
    for (const int64_t column : {0, 5, 11}) {
      EXPECT_GT(change(net, windows.clone(), 1, column, 1), 1e-6) << decoding << column;
      EXPECT_EQ(change(net, windows.clone(), 1, column, 2), 0) << decoding << column;
    }
  }
}

TEST(Forecaster, GivesAsManyNumbersAsItsOutputSays) {
  Context ctx;
  for (const char* decoding : {"direct", "autoregressive"}) {
    EXPECT_EQ(Forecaster(config_of(decoding, "point"), 1).forward(ctx, random({2, 12}, 2)).value().shape(),
              (Shape{2, 6}));
    EXPECT_EQ(Forecaster(config_of(decoding, "gaussian"), 1).forward(ctx, random({2, 12}, 2)).value().shape(),
              (Shape{2, 12}));
    EXPECT_EQ(Forecaster(config_of(decoding, "quantile"), 1).forward(ctx, random({2, 12}, 2)).value().shape(),
              (Shape{2, 18}));
  }
}

TEST(Forecaster, ForcedWithItsOwnForecastsItsErrorIsNone) {
  // Teacher forcing and free running are one computation when the true pieces are the model's own.
  ForecasterConfig c = config_of("autoregressive", "point");
  for (const char* loss : {"mae", "mse"}) {
    c.loss = loss;
    Forecaster net(c, 3);
    Context ctx;
    const Tensor windows = random({4, 12}, 5);
    const Tensor own = net.forward(ctx, windows).value();
    EXPECT_LT(net.loss(ctx, windows, own).value().item(), 1e-6);
    EXPECT_GT(net.loss(ctx, windows, random({4, 6}, 6)).value().item(), 0.1);
  }
}

TEST(Forecaster, RefusesPiecesThatDoNotFit) {
  ForecasterConfig c = config_of("direct", "point");
  c.patch = 5;
  EXPECT_EQ(testing::error_of<ConfigError>([&] { Forecaster(c, 1); }),
            "[forecaster] window must be a multiple of patch; got window = 12 and patch = 5. Set patch to one of its "
            "divisors.");
  c = config_of("autoregressive", "point");
  c.patch = 4;
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { Forecaster(c, 1); }),
      "[forecaster] with decoding = autoregressive horizon must be a multiple of patch; got horizon = 6 and patch "
      "= 4. Set patch to one of its divisors.");
}

TEST(DLinear, SplitsAWindowIntoItsMovingAverageAndTheRest) {
  const DLinear net(5, 1, 3);
  const Tensor f = net.features(Tensor::from<float>({1, 5}, std::vector<float>{1, 4, 7, 1, 1}));
  const std::vector<float> expected = {2, 4, 4, 3, 1, -1, 0, 3, -2, 0, 1};  // the ends are repeated
  ASSERT_EQ(f.numel(), 11);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(f.data<float>()[i], expected[i]) << i;
}

TEST(DLinear, IsSolvedExactly) {
  // What comes is a linear map of the window: the least squares find it, whatever way the map is split.
  const int64_t window = 6, horizon = 2, rows = 200;
  const Tensor x = random({rows, window}, 1);
  Tensor y = Tensor::empty({rows, horizon});
  for (int64_t b = 0; b < rows; ++b) {
    const float* in = x.data<float>() + b * window;
    y.data<float>()[b * horizon] = 3 + 2 * in[5] - in[0];
    y.data<float>()[b * horizon + 1] = in[2] - 1;
  }
  const DLinear net(window, horizon, 25);
  RidgeFit fit(2 * window + 1, horizon);
  fit.add(net.features(x.rows(0, 150)), y.rows(0, 150));
  fit.add(net.features(x.rows(150, rows)), y.rows(150, rows));
  net.set_maps(fit.solve(1e-6));
  const Tensor got = net.forward(x);
  for (int64_t i = 0; i < got.numel(); ++i) EXPECT_NEAR(got.data<float>()[i], y.data<float>()[i], 1e-3);
  net.set_maps(fit.solve(1e6));
  EXPECT_LT(std::abs(net.forward(x).data<float>()[0]), 0.1) << "a large penalty leaves nothing";
}

TEST(RidgeFit, HasNoSolutionForNumbersThatAreNone) {
  RidgeFit fit(2, 1);
  fit.add(Tensor::full({3, 2}, std::nan("")), Tensor::zeros({3, 1}));
  EXPECT_TRUE(fit.solve(0.1).empty());
}

}  // namespace
}  // namespace carousel::nn
