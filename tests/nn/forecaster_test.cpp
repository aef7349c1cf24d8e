// The recurrent forecaster and the linear one.
#include "carousel/nn/forecaster.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/nn/dlinear.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace forecaster_test {

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
    ForecasterConfig more = config_of(decoding, "quantile");
    more.quantiles = {25, 75};
    EXPECT_EQ(Forecaster(more, 1).forward(ctx, random({2, 12}, 2)).value().shape(), (Shape{2, 30}));
  }
}

TEST(Forecaster, ForcedWithItsOwnForecastsItsErrorIsNone) {
  // Teacher forcing and free running are one computation when the true pieces are the model's own.
  ForecasterConfig c = config_of("autoregressive", "point");
  for (const char* loss : {"mae", "mse"})
    for (const int64_t channels : {0, 2}) {
      c.loss = loss;
      c.channels = channels;
      Forecaster net(c, 3);
      Context ctx;
      const Tensor windows = random({4, 12}, 5), known = channels > 0 ? random({4, 18 * channels}, 8) : Tensor();
      const Tensor own = net.forward(ctx, windows, known).value();
      EXPECT_LT(net.loss(ctx, windows, own, known).value().item(), 1e-6);
      EXPECT_GT(net.loss(ctx, windows, random({4, 6}, 6), known).value().item(), 0.1);
    }
}

TEST(Forecaster, ReadsWhatIsKnownOfItsOwnWindowAndHorizon) {
  for (const char* decoding : {"direct", "autoregressive"}) {
    ForecasterConfig c = config_of(decoding, "quantile");
    c.channels = 2;
    Forecaster net(c, 1);
    for (const NamedParameter& p : net.parameters())
      if (p.name == "known.direct.weight") p.var.mutable_value().fill(0.5);
    const Tensor windows = random({3, 12}, 2), known = random({3, (12 + 6) * 2}, 3);
    Context ctx;
    const Tensor before = net.forward(ctx, windows, known).value().clone();
    for (const int64_t step : {4, 12, 17}) {
      Tensor other = known.clone();
      other.data<float>()[1 * 36 + step * 2 + 1] += 1;
      const Tensor after = net.forward(ctx, windows, other).value();
      double own = 0, others = 0;
      for (int64_t i = 0; i < after.numel(); ++i) {
        const double by = std::abs(static_cast<double>(after.data<float>()[i] - before.data<float>()[i]));
        (i / 18 == 1 ? own : others) += by;
        // What is known of a step of the horizon changes nothing before it, and in direct answers that step alone.
        const int64_t h = i % 6;
        if (i / 18 == 1 && step >= 12 && std::string(decoding) == "direct" && h != step - 12) {
          EXPECT_EQ(by, 0) << h;
        }
      }
      EXPECT_GT(own, 1e-6) << decoding << step;
      EXPECT_EQ(others, 0) << decoding << step;
    }
  }
}

TEST(Forecaster, GradientsOfWhatIsKnownAreThoseOfDifferences) {
  for (const char* output : {"point", "gaussian", "quantile"})
    for (const char* decoding : {"direct", "autoregressive"}) {
      ForecasterConfig c = config_of(decoding, output);
      c.channels = 2;
      c.loss = "mse";
      c.quantiles = {25};
      Forecaster net(c, 4);
      const Tensor windows = random({3, 12}, 5), targets = random({3, 6}, 6), known = random({3, 36}, 7);
      Tape tape;
      Context ctx;
      ctx.tape = &tape;
      tape.backward(net.loss(ctx, windows, targets, known));
      ctx.tape = nullptr;
      for (const NamedParameter& p : net.parameters()) {
        for (const int64_t i : {int64_t{0}, p.var.value().numel() - 1}) {
          const auto set = [&](float x) { p.var.mutable_value().data<float>()[i] = x; };
          const float at = p.var.value().data<float>()[i], step = 1e-2F;
          set(at + step);
          const double up = net.loss(ctx, windows, targets, known).value().item();
          set(at - step);
          const double down = net.loss(ctx, windows, targets, known).value().item();
          set(at);
          EXPECT_NEAR(static_cast<double>(p.var.grad().data<float>()[i]), (up - down) / (2 * static_cast<double>(step)),
                      3e-3)
              << output << decoding << p.name << i;
        }
      }
    }
}

TEST(Forecaster, RefusesPiecesThatDoNotFit) {
  ForecasterConfig c = config_of("direct", "point");
  c.patch = 5;
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { Forecaster(c, 1); }),
            "[forecaster] window must be a multiple of patch; got window = 12 and patch = 5. Set patch to one of its "
            "divisors.");
  c = config_of("autoregressive", "point");
  c.patch = 4;
  EXPECT_EQ(
      ::carousel::testing::error_of<ConfigError>([&] { Forecaster(c, 1); }),
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
  EXPECT_TRUE(fit.solve(1e-6).own.empty());
  const Tensor got = net.forward(x);
  for (int64_t i = 0; i < got.numel(); ++i) EXPECT_NEAR(got.data<float>()[i], y.data<float>()[i], 1e-3);
  net.set_maps(fit.solve(1e6));
  EXPECT_LT(std::abs(net.forward(x).data<float>()[0]), 0.1) << "a large penalty leaves nothing";
}

/// Solves A x = b by elimination with pivots.
std::vector<double> solved(std::vector<std::vector<double>> a, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t c = 0; c < n; ++c) {
    size_t pivot = c;
    for (size_t r = c; r < n; ++r)
      if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    for (size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const double factor = a[r][c] / a[c][c];
      for (size_t k = c; k < n; ++k) a[r][k] -= factor * a[c][k];
      b[r] -= factor * b[c];
    }
  }
  for (size_t c = 0; c < n; ++c) b[c] /= a[c][c];
  return b;
}

TEST(RidgeFit, InputsOfOneOutputAloneAreSolvedAsIfAllStoodInOneMatrix) {
  constexpr int64_t kInputs = 5, kOutputs = 3, kOwn = 2, kRows = 40, kAll = kInputs + kOwn;
  const Tensor x = random({kRows, kInputs}, 1), y = random({kRows, kOutputs}, 2),
               own = random({kRows, kOutputs * kOwn}, 3);
  RidgeFit fit(kInputs, kOutputs, kOwn);
  fit.add(x.rows(0, 25), y.rows(0, 25), own.rows(0, 25));
  fit.add(x.rows(25, kRows), y.rows(25, kRows), own.rows(25, kRows));
  const double ridge = 0.05;
  const RidgeMaps maps = fit.solve(ridge);
  const auto squares = [](const Tensor& t) {
    double sum = 0;
    for (int64_t i = 0; i < t.numel(); ++i)
      sum += static_cast<double>(t.data<float>()[i]) * static_cast<double>(t.data<float>()[i]);
    return sum;
  };
  const double penalty = ridge * squares(x) / kInputs, own_penalty = ridge * squares(own) / (kOwn * kOutputs);
  for (int64_t h = 0; h < kOutputs; ++h) {
    std::vector<std::vector<double>> a(kAll, std::vector<double>(kAll));
    std::vector<double> b(kAll);
    for (int64_t r = 0; r < kRows; ++r) {
      std::vector<double> row;
      for (int64_t i = 0; i < kInputs; ++i) row.push_back(static_cast<double>(x.data<float>()[r * kInputs + i]));
      for (int64_t k = 0; k < kOwn; ++k)
        row.push_back(static_cast<double>(own.data<float>()[(r * kOutputs + h) * kOwn + k]));
      for (size_t i = 0; i < kAll; ++i) {
        b[i] += row[i] * static_cast<double>(y.data<float>()[r * kOutputs + h]);
        for (size_t k = 0; k < kAll; ++k) a[i][k] += row[i] * row[k];
      }
    }
    for (size_t i = 0; i < kAll; ++i) a[i][i] += i < kInputs ? penalty : own_penalty;
    const std::vector<double> wanted = solved(a, b);
    for (int64_t i = 0; i < kInputs; ++i)
      EXPECT_NEAR(maps.shared[static_cast<size_t>(i * kOutputs + h)], wanted[static_cast<size_t>(i)], 1e-5) << h << i;
    for (int64_t k = 0; k < kOwn; ++k)
      EXPECT_NEAR(maps.own[static_cast<size_t>(h * kOwn + k)], wanted[static_cast<size_t>(kInputs + k)], 1e-5)
          << h << k;
  }
}

TEST(DLinear, LearnsWhatIsKnownOfEachStep) {
  const int64_t window = 4, horizon = 3, rows = 300, channels = 2;
  const Tensor x = random({rows, window}, 1), known = random({rows, (window + horizon) * channels}, 2);
  Tensor y = Tensor::empty({rows, horizon});
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t h = 0; h < horizon; ++h) {
      const float* of_step = known.data<float>() + b * (window + horizon) * channels;
      y.data<float>()[b * horizon + h] = x.data<float>()[b * window + 3] + 2 * of_step[(window + h) * channels] -
                                         static_cast<float>(h) * of_step[(window + h) * channels + 1] +
                                         3 * of_step[(window - 1) * channels];
    }
  const DLinear net(window, horizon, 3, channels);
  RidgeFit fit(net.inputs(), horizon, channels);
  fit.add(net.features(x, known), y, net.own_features(known));
  net.set_maps(fit.solve(1e-6));
  const Tensor got = net.forward(x, known);
  for (int64_t i = 0; i < got.numel(); ++i) EXPECT_NEAR(got.data<float>()[i], y.data<float>()[i], 2e-3);
}

TEST(RidgeFit, HasNoSolutionForNumbersThatAreNone) {
  RidgeFit fit(2, 1);
  fit.add(Tensor::full({3, 2}, std::nan("")), Tensor::zeros({3, 1}));
  EXPECT_TRUE(fit.solve(0.1).shared.empty());
}

}  // namespace forecaster_test
}  // namespace carousel::nn
