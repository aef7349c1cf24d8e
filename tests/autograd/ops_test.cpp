// Every op against the numerical gradient in double, from one table; and the errors of the ops.
#include <gtest/gtest.h>

#include <cmath>

#include <vector>

#include "carousel/autograd/grad_check.h"
#include "carousel/autograd/ops/broadcast.h"
#include "carousel/autograd/ops/crf.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/functions.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/ops/norm.h"
#include "carousel/autograd/ops/regression.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel {
namespace ops_test {

Var random_var(Shape shape, uint64_t seed) {
  Rng rng(seed, 0);
  Tensor t = Tensor::empty(std::move(shape), DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = static_cast<double>(rng.normal());
  return Var(t, true);
}

struct OpCase {
  std::string name;
  std::vector<Var> inputs;
  std::function<Var(Tape*, const std::vector<Var>&)> run;
};

std::vector<OpCase> op_table() {
  using In = const std::vector<Var>&;
  const Var x = random_var({3, 4}, 1), y = random_var({3, 4}, 2), w = random_var({5, 4}, 3), b = random_var({5}, 4);
  const Var row = random_var({4}, 5), y_row = random_var({4}, 6);
  const std::vector<int32_t> ids{2, 0, 2, 1};
  // Three sequences of 3, 1 and 2 steps with 4 labels.
  const Var emissions = random_var({6, 4}, 7), pairs = random_var({4, 4}, 8), start = random_var({4}, 9),
            stop = random_var({4}, 10);
  return {
      {"linear", {x, w, b}, [](Tape* t, In v) { return ops::linear(t, v[0], v[1], v[2]); }},
      {"linear_without_bias", {x, w}, [](Tape* t, In v) { return ops::linear(t, v[0], v[1], Var()); }},
      {"linear_used_twice",
       {x, w},
       [](Tape* t, In v) { return ops::add(t, ops::linear(t, v[0], v[1], Var()), ops::linear(t, v[0], v[1], Var())); }},
      {"add", {x, y}, [](Tape* t, In v) { return ops::add(t, v[0], v[1]); }},
      {"add_to_itself", {x}, [](Tape* t, In v) { return ops::add(t, v[0], v[0]); }},
      {"mul", {x, y}, [](Tape* t, In v) { return ops::mul(t, v[0], v[1]); }},
      {"mul_by_itself", {x}, [](Tape* t, In v) { return ops::mul(t, v[0], v[0]); }},
      {"scale", {x}, [](Tape* t, In v) { return ops::scale(t, v[0], -2.5); }},
      {"sigmoid", {x}, [](Tape* t, In v) { return ops::sigmoid(t, v[0]); }},
      {"tanh", {x}, [](Tape* t, In v) { return ops::tanh(t, v[0]); }},
      {"dropout", {x}, [](Tape* t, In v) { return ops::dropout(t, v[0], 0.5, 9, 1); }},
      {"sum", {x}, [](Tape* t, In v) { return ops::sum(t, v[0]); }},
      {"embedding", {x}, [ids](Tape* t, In v) { return ops::embedding(t, ids, v[0]); }},
      {"gather_rows",
       {x},
       [](Tape* t, In v) {
         return ops::gather_rows(t, v[0], {2, -1, 0, 2});
       }},
      {"concat_columns",
       {x, y},
       [](Tape* t, In v) {
         return ops::concat_columns(t, {v[0], v[1], v[0]});
       }},
      {"concat_rows",
       {x, y},
       [](Tape* t, In v) {
         return ops::concat_rows(t, {v[0], v[1], v[0]});
       }},
      {"sub", {x, y}, [](Tape* t, In v) { return ops::sub(t, v[0], v[1]); }},
      {"div", {x, y}, [](Tape* t, In v) { return ops::div(t, v[0], ops::affine(t, ops::mul(t, v[1], v[1]), 1, 1)); }},
      {"maximum", {x, y}, [](Tape* t, In v) { return ops::maximum(t, v[0], v[1]); }},
      {"affine", {x}, [](Tape* t, In v) { return ops::affine(t, v[0], -1.5, 2); }},
      {"relu", {x}, [](Tape* t, In v) { return ops::relu(t, v[0]); }},
      {"exp", {x}, [](Tape* t, In v) { return ops::exp(t, v[0]); }},
      {"log_sigmoid", {x}, [](Tape* t, In v) { return ops::log_sigmoid(t, v[0]); }},
      {"absolute_error", {x}, [y](Tape* t, In v) { return ops::absolute_error(t, v[0], y.value()); }},
      {"squared_error", {x}, [y](Tape* t, In v) { return ops::squared_error(t, v[0], y.value()); }},
      {"pinball", {x}, [y](Tape* t, In v) { return ops::pinball(t, v[0], y.value(), 0.2); }},
      {"gaussian_nll",
       {x, y},
       [](Tape* t, In v) {
         return ops::gaussian_nll(t, v[0], v[1], Tensor::full({3, 4}, 0.3, DType::f64));
       }},
      {"add_row", {x, row}, [](Tape* t, In v) { return ops::add_row(t, v[0], v[1]); }},
      {"mul_row", {x, row}, [](Tape* t, In v) { return ops::mul_row(t, v[0], v[1]); }},
      {"layer_norm", {x, row, y_row}, [](Tape* t, In v) { return ops::layer_norm(t, v[0], v[1], v[2]); }},
      {"layer_norm_alone", {x}, [](Tape* t, In v) { return ops::layer_norm(t, v[0], Var(), Var()); }},
      {"slice_rows",
       {x},
       [](Tape* t, In v) { return ops::mul(t, ops::slice_rows(t, v[0], 1, 3), ops::slice_rows(t, v[0], 0, 2)); }},
      {"reshape",
       {x},
       [](Tape* t, In v) {
         return ops::reshape(t, v[0], {2, 6});
       }},
      {"slice_columns", {x}, [](Tape* t, In v) { return ops::slice_columns(t, v[0], 1, 3); }},
      {"cross_entropy",
       {x},
       [](Tape* t, In v) {
         return ops::cross_entropy(t, v[0], std::vector<int32_t>{1, 3, 0}, 0.0).loss;
       }},
      {"cross_entropy_smoothed",
       {x},
       [](Tape* t, In v) {
         return ops::cross_entropy(t, v[0], std::vector<int32_t>{1, 3, 0}, 0.1).loss;
       }},
      {"crf_loss",
       {emissions, pairs, start, stop},
       [](Tape* t, In v) {
         const Packing packing = Packing::make(std::vector<int64_t>{3, 1, 2});
         const std::vector<int32_t> targets{0, 3, 1, 1, 2, 0};
         return ops::scale(t, ops::crf_loss(t, packing, v[0], {v[1], v[2], v[3]}, targets).loss, 2.5);
       }},
      {"linear_cross_entropy",
       {x, w, b},
       [](Tape* t, In v) {
         const std::vector<int32_t> targets{1, 4, 0};
         return ops::scale(t, ops::linear_cross_entropy(t, v[0], v[1], v[2], targets, 0.1).loss, 2.5);
       }},
      {"linear_cross_entropy_without_bias",
       {x, w},
       [](Tape* t, In v) {
         return ops::linear_cross_entropy(t, v[0], v[1], Var(), std::vector<int32_t>{1, 4, 0}, 0).loss;
       }},
  };
}

class Op : public ::testing::TestWithParam<OpCase> {};

TEST_P(Op, GradientEqualsCentralDifferences) {
  const OpCase& c = GetParam();
  const GradCheck check = grad_check([&](Tape* tape) { return c.run(tape, c.inputs); }, c.inputs);
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

INSTANTIATE_TEST_SUITE_P(Table, Op, ::testing::ValuesIn(op_table()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(Tape, GradientsOfLeavesAddUpOverUses) {
  const Var x(Tensor::from<double>({1}, std::vector<double>{3.0}), true);
  Tape tape;
  const Var y = ops::add(&tape, ops::mul(&tape, x, x), ops::scale(&tape, x, 4));
  tape.backward(y);
  EXPECT_DOUBLE_EQ(x.grad().item(), 10.0);
}

TEST(Tape, NothingIsRecordedWithoutGradients) {
  const Var x(Tensor::zeros({2, 2}));
  Tape tape;
  ops::tanh(&tape, x);
  EXPECT_EQ(tape.size(), 0u);
}

template <class E, class F>
void expect_error(const std::string& text, F f) {
  try {
    f();
    FAIL() << "no error; expected: " << text;
  } catch (const E& e) {
    EXPECT_EQ(std::string(e.what()), text);
  }
}

TEST(OpErrors, NameTheOpTheShapesAndTheRemedy) {
  const Var x = random_var({3, 4}, 1), w = random_var({5, 6}, 2);
  expect_error<ShapeError>("[linear] the last axis of x must be 6; got 4. Check the sizes of the layers.",
                           [&] { ops::linear(nullptr, x, w, Var()); });
  expect_error<ShapeError>("[add] both operands must have the same shape; got [3, 4] and [5, 6]. Reshape one.",
                           [&] { ops::add(nullptr, x, w); });
  expect_error<ShapeError>("[embedding] ids must lie in [0, 3); got 3 at position 1. Check the vocabulary.", [&] {
    ops::embedding(nullptr, std::vector<int32_t>{0, 3}, x);
  });
  expect_error<ConfigError>("[dropout] the probability must lie in [0, 1); got 1. Use 0 to switch it off.",
                            [&] { ops::dropout(nullptr, x, 1.0, 0, 0); });
  expect_error<ShapeError>("[cross_entropy] targets must lie in [0, 4); got -1. Check the vocabulary.", [&] {
    ops::cross_entropy(nullptr, x, std::vector<int32_t>{0, 1, -1}, 0);
  });
  expect_error<ShapeError>("[cross_entropy] the last axis of x must be 6; got 4. Check the sizes of the layers.", [&] {
    ops::linear_cross_entropy(nullptr, x, w, Var(), std::vector<int32_t>{0, 1, 2}, 0);
  });
  expect_error<ShapeError>("[backward] the loss must be one number; got shape [3, 4]. Reduce it with a mean or sum.",
                           [&] {
                             Tape tape;
                             tape.backward(x);
                           });
  expect_error<ShapeError>("[sub] both operands must have the same shape; got [3, 4] and [5, 6]. Reshape one.",
                           [&] { ops::sub(nullptr, x, w); });
  expect_error<ShapeError>("[add_row] the size of the vector must be 4; got 30. Check the sizes of the layers.",
                           [&] { ops::add_row(nullptr, x, w); });
  expect_error<ShapeError>("[layer_norm] the size of gain must be 4; got 30. Check the sizes of the layers.",
                           [&] { ops::layer_norm(nullptr, x, w, Var()); });
  expect_error<ShapeError>("[slice_rows] rows must lie in [0, 3]; got 2..4. Check the range.",
                           [&] { ops::slice_rows(nullptr, x, 2, 4); });
  expect_error<ShapeError>("[slice_columns] columns must lie in [0, 4]; got 2..5. Check the range.",
                           [&] { ops::slice_columns(nullptr, x, 2, 5); });
}

TEST(LayerNorm, GivesMeanZeroAndVarianceOne) {
  const Var y = ops::layer_norm(nullptr, random_var({3, 50}, 1), Var(), Var());
  for (int64_t i = 0; i < 3; ++i) {
    double mean = 0, square = 0;
    for (int64_t j = 0; j < 50; ++j) {
      const double v = y.value().data<double>()[i * 50 + j];
      mean += v / 50;
      square += v * v / 50;
    }
    EXPECT_NEAR(mean, 0, 1e-12);
    EXPECT_NEAR(square, 1, 1e-4);
  }
}

TEST(Functions, KeepNaNAndDoNotOverflow) {
  const double nan = std::nan("");
  const Var x(Tensor::from<double>({4}, std::vector<double>{nan, 1, -800, 800}));
  const Var zero(Tensor::zeros({4}, DType::f64)), bad(Tensor::full({4}, nan, DType::f64));
  EXPECT_TRUE(std::isnan(ops::relu(nullptr, x).value().data<double>()[0]));
  EXPECT_TRUE(std::isnan(ops::maximum(nullptr, x, zero).value().data<double>()[0]));
  EXPECT_TRUE(std::isnan(ops::maximum(nullptr, zero, bad).value().data<double>()[1]));
  EXPECT_EQ(ops::log_sigmoid(nullptr, x).value().data<double>()[2], -800);
  EXPECT_NEAR(ops::log_sigmoid(nullptr, x).value().data<double>()[3], 0, 1e-300);
}

TEST(CrossEntropy, OfALinearLayerEqualsTheTwoOpsOverManyBlocks) {
  const int64_t rows = 300, in = 9, vocab = 37;
  std::vector<int32_t> targets;
  for (int64_t i = 0; i < rows; ++i) targets.push_back(static_cast<int32_t>(i * 7 % vocab));
  for (const double smoothing : {0.0, 0.2}) {
    const std::vector<Var> whole{random_var({rows, in}, 1), random_var({vocab, in}, 2), random_var({vocab}, 3)};
    const std::vector<Var> blocks{random_var({rows, in}, 1), random_var({vocab, in}, 2), random_var({vocab}, 3)};
    Tape tape;
    const auto want = ops::cross_entropy(&tape, ops::linear(&tape, whole[0], whole[1], whole[2]), targets, smoothing);
    tape.backward(want.loss);
    const auto got = ops::linear_cross_entropy(&tape, blocks[0], blocks[1], blocks[2], targets, smoothing);
    EXPECT_NEAR(got.loss.value().item(), want.loss.value().item(), 1e-12);
    EXPECT_NEAR(got.nll_sum, want.nll_sum, 1e-9);
    tape.backward(got.loss);
    for (size_t v = 0; v < whole.size(); ++v)
      for (int64_t i = 0; i < whole[v].value().numel(); ++i)
        EXPECT_NEAR(blocks[v].grad().data<double>()[i], whole[v].grad().data<double>()[i], 1e-12) << v << " " << i;
    const auto without = ops::linear_cross_entropy(nullptr, blocks[0], blocks[1], blocks[2], targets, smoothing, true);
    EXPECT_EQ(got.correct, 0) << "not counted";
    EXPECT_EQ(without.nll_sum, got.nll_sum);
    int64_t correct = 0;
    const Var logits = ops::linear(nullptr, whole[0], whole[1], whole[2]);
    for (int64_t i = 0; i < rows; ++i) {
      const double* row = logits.value().data<double>() + i * vocab;
      correct += std::max_element(row, row + vocab) - row == targets[static_cast<size_t>(i)];
    }
    EXPECT_EQ(without.correct, correct);
    EXPECT_GT(correct, 0);
  }
}

TEST(CrossEntropy, TheFirstOfEqualsIsTheMostProbableAndNaNNever) {
  const auto correct = [](std::vector<double> bias, int32_t target) {
    const auto size = static_cast<int64_t>(bias.size());
    const Var x(Tensor::zeros({1, 1}, DType::f64)), w(Tensor::zeros({size, 1}, DType::f64));
    const Var b(Tensor::from<double>({size}, bias));
    return ops::linear_cross_entropy(nullptr, x, w, b, std::vector<int32_t>{target}, 0, true).correct;
  };
  EXPECT_EQ(correct({1, 2, 2, 0}, 1), 1);
  EXPECT_EQ(correct({1, 2, 2, 0}, 2), 0);
  EXPECT_EQ(correct({1, 2, 2, 0}, 0), 0);
  EXPECT_EQ(correct({std::nan(""), 2, 1}, 0), 0);
  EXPECT_EQ(correct({std::nan(""), 2, 1}, 1), 0);
}

TEST(CrossEntropy, IsLogOfVocabularyForUniformLogits) {
  const Var logits(Tensor::zeros({2, 8}, DType::f64));
  const auto result = ops::cross_entropy(nullptr, logits, std::vector<int32_t>{1, 2}, 0.1);
  EXPECT_NEAR(result.loss.value().item(), std::log(8.0), 1e-12);
  EXPECT_NEAR(result.nll_sum, 2 * std::log(8.0), 1e-12);
}

}  // namespace ops_test
}  // namespace carousel
