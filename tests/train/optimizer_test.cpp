#include "carousel/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/train/gradients.h"
#include "tests/support/temp_dir.h"

namespace carousel::train {
namespace optimizer_test {

using testing::error_of;

/// Weights as the defining formulas give them, in double, one element.
struct Scalar {
  double w, m = 0, v = 0, buffer = 0;
  void adam(double g, double lr, int t, const OptimizerConfig& c, bool decoupled) {
    if (decoupled) {
      w -= lr * c.weight_decay * w;
    } else {
      g += c.weight_decay * w;
    }
    m = c.beta1 * m + (1 - c.beta1) * g;
    v = c.beta2 * v + (1 - c.beta2) * g * g;
    w -= lr * (m / (1 - std::pow(c.beta1, t))) / (std::sqrt(v / (1 - std::pow(c.beta2, t))) + c.epsilon);
  }
  void sgd(double g, double lr, const OptimizerConfig& c) {
    buffer = c.momentum * buffer + g + c.weight_decay * w;
    w -= lr * buffer;
  }
};

double gradient(int64_t i, int64_t t) {
  return std::sin(static_cast<double>(3 * i + 7 * t));
}

/// Largest difference between the optimizer and the formulas after some steps on a [rows, 7] matrix.
double error_against_formulas(const std::string& name, DType dtype, int64_t rows, const OptimizerConfig& config) {
  const Shape shape{rows, 7};
  Tensor start = Tensor::empty(shape, DType::f64);
  std::vector<Scalar> expected;
  for (int64_t i = 0; i < start.numel(); ++i) {
    start.data<double>()[i] = std::cos(static_cast<double>(i));
    expected.push_back({start.data<double>()[i]});
  }
  Var var(start.to(dtype).clone(), true);
  const auto optimizer = make_optimizer(name, {{"w", var}}, config);
  for (int t = 1; t <= 5; ++t) {
    Tensor g = Tensor::empty(shape, DType::f64);
    const double scale = t == 3 ? 0.25 : 1, lr = 0.01 * t;
    for (int64_t i = 0; i < g.numel(); ++i) {
      g.data<double>()[i] = gradient(i, t);
      Scalar& e = expected[static_cast<size_t>(i)];
      name == "sgd" ? e.sgd(gradient(i, t) * scale, lr, config)
                    : e.adam(gradient(i, t) * scale, lr, t, config, name == "adamw");
    }
    var.set_grad(g.to(dtype));
    optimizer->step({lr, scale, t});
  }
  double worst = 0;
  const Tensor got = var.value().to(DType::f64);
  for (int64_t i = 0; i < got.numel(); ++i)
    worst = std::max(worst, std::abs(got.data<double>()[i] - expected[static_cast<size_t>(i)].w));
  return worst;
}

TEST(Optimizer, FollowsItsFormula) {
  OptimizerConfig config;
  config.weight_decay = 0.1;
  config.momentum = 0.9;
  for (const std::string& name : optimizer_names())
    for (const int64_t rows : {1, 3, 3000}) {
      EXPECT_LT(error_against_formulas(name, DType::f64, rows, config), 1e-12) << name << rows;
      EXPECT_LT(error_against_formulas(name, DType::f32, rows, config), 1e-5) << name << rows;
    }
  config.momentum = 0;
  EXPECT_LT(error_against_formulas("sgd", DType::f64, 3, config), 1e-12);
}

TEST(Optimizer, DecaysMatricesOnly) {
  OptimizerConfig config;
  config.weight_decay = 1;
  for (const std::string& name : optimizer_names()) {
    Var matrix(Tensor::full({1, 1}, 1), true), vector(Tensor::full({1}, 1), true);
    const auto optimizer = make_optimizer(name, {{"m", matrix}, {"v", vector}}, config);
    matrix.set_grad(Tensor::zeros({1, 1}));
    vector.set_grad(Tensor::zeros({1}));
    optimizer->step({0.1, 1, 1});
    EXPECT_LT(matrix.value().item(), 1) << name;
    EXPECT_EQ(vector.value().item(), 1) << name;
  }
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  for (const std::string& name : optimizer_names()) {
    Var var(Tensor::full({2, 2}, 3), true);
    make_optimizer(name, {{"w", var}}, {.weight_decay = 1})->step({0.1, 1, 1});
    EXPECT_EQ(var.value().data<float>()[3], 3.0F) << name;
  }
}

TEST(Optimizer, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const std::string& name : optimizer_names()) {
    std::vector<float> results[2];
    for (const int threads : {1, 2}) {
      set_threads(threads);
      Var var(Tensor::full({300, 301}, 0.5), true);
      Tensor g = Tensor::empty({300, 301});
      for (int64_t i = 0; i < g.numel(); ++i) g.data<float>()[i] = static_cast<float>(gradient(i, 1));
      const auto optimizer = make_optimizer(name, {{"w", var}}, {.weight_decay = 0.1, .momentum = 0.9});
      for (int t = 1; t <= 2; ++t) {
        var.set_grad(g);
        optimizer->step({0.1, 0.5, t});
      }
      const auto values = var.value().span<float>();
      results[threads - 1].assign(values.begin(), values.end());
    }
    set_threads(0);
    EXPECT_EQ(results[0], results[1]) << name;
  }
}

/// Weights and norms after steps that look few rows of a table up, whose gradient is left as rows or made whole.
std::vector<double> after_lookups(const std::string& name, const OptimizerConfig& config, bool whole) {
  constexpr int64_t kRows = 3000, kWidth = 30;
  Tensor start = Tensor::empty({kRows, kWidth});
  for (int64_t i = 0; i < start.numel(); ++i) start.data<float>()[i] = static_cast<float>(gradient(i, 3));
  Var table(start, true);
  const std::vector<nn::NamedParameter> parameters = {{"table", table}};
  const auto optimizer = make_optimizer(name, parameters, config);
  std::vector<double> results;
  for (int t = 1; t <= 6; ++t) {
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < 220 * t; ++i) ids.push_back(static_cast<int32_t>((int64_t{i} * i * 31 + 17 * t) % kRows));
    Tape tape;
    const Var y = ops::embedding(&tape, ids, table);
    Tensor g = Tensor::empty(y.value().shape());
    for (int64_t i = 0; i < g.numel(); ++i) g.data<float>()[i] = static_cast<float>(gradient(i, t));
    tape.backward(y, g);
    EXPECT_TRUE(table.has_row_grad());
    if (whole) table.grad();
    EXPECT_NE(table.has_row_grad(), whole);
    results.push_back(std::round(grad_norm(parameters) * 1e9));
    optimizer->step({0.01 * t, 0.5, t});
    table.clear_grad();
  }
  for (const float w : table.value().span<float>()) results.push_back(static_cast<double>(w));
  return results;
}

TEST(Optimizer, RowsOfAGradientAreWorthTheWholeOfIt) {
  for (const OptimizerConfig& config : {OptimizerConfig{}, {.weight_decay = 0.1}, {.momentum = 0.9}})
    for (const std::string name : {"adam", "adamw", "sgd"})
      for (const int threads : {1, 2}) {
        set_threads(threads);
        EXPECT_EQ(after_lookups(name, config, false), after_lookups(name, config, true)) << name;
      }
  set_threads(0);
}

TEST(Optimizer, UnknownNameOffersTheNearest) {
  EXPECT_EQ(error_of<ConfigError>([] { make_optimizer("adamv", {}, {}); }),
            "[train] optimizer must be one of adam, adamw, sgd; got \"adamv\". Did you mean \"adam\"?");
}

TEST(Gradients, NormIsOverAllParametersAndTheSameForAnyNumberOfThreads) {
  std::vector<nn::NamedParameter> parameters;
  double sum = 0;
  for (const int64_t n : {1, 5, 16384, 100000}) {
    Var var(Tensor::zeros({n}), true);
    Tensor g = Tensor::empty({n});
    for (int64_t i = 0; i < n; ++i) {
      g.data<float>()[i] = static_cast<float>(gradient(i, n));
      sum += std::pow(static_cast<double>(g.data<float>()[i]), 2);
    }
    var.set_grad(g);
    parameters.push_back({"p" + std::to_string(n), var});
  }
  parameters.push_back({"none", Var(Tensor::zeros({3}), true)});
  set_threads(1);
  const double one = grad_norm(parameters);
  set_threads(2);
  EXPECT_EQ(one, grad_norm(parameters));
  set_threads(0);
  EXPECT_NEAR(one, std::sqrt(sum), 1e-9 * one);
  EXPECT_EQ(grad_norm({}), 0);
}

TEST(Gradients, FindsTheFirstBadOne) {
  Var good(Tensor::zeros({2}), true), bad(Tensor::zeros({3}), true);
  good.set_grad(Tensor::zeros({2}));
  bad.set_grad(Tensor::full({3}, std::nan("")));
  const std::vector<nn::NamedParameter> parameters{{"good", good}, {"bad", bad}};
  EXPECT_EQ(first_bad_gradient(parameters), "bad");
  EXPECT_TRUE(std::isnan(grad_norm(parameters)));
  EXPECT_EQ(first_bad_parameter(parameters), "");
  bad.mutable_value().data<float>()[2] = INFINITY;
  EXPECT_EQ(first_bad_parameter(parameters), "bad");
}

}  // namespace optimizer_test
}  // namespace carousel::train
