// Every cell of the registry in every convention through the sequence driver: gradients, fused = specification,
// threads, packing; and the errors of the driver.
#include "carousel/nn/recurrent.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/kernels/table.h"
#include "tests/nn/cell_samples.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace recurrent_test {

using carousel::testing::error_of;
using testing::everything;
using testing::make_sample;
using testing::Sample;
using testing::values_of;

class EveryCell : public ::testing::TestWithParam<CellOptions> {};

TEST_P(EveryCell, GradientEqualsCentralDifferences) {
  for (const bool both : {false, true}) {
    const Sample s = make_sample(GetParam(), {{3, 1, 4, 2}, 3, 4, both, both});
    const GradCheck check = grad_check([&](Tape* t) { return everything(t, s.run(t)); }, s.inputs());
    EXPECT_LE(check.worst, 1e-6) << check.where << " both directions with first states: " << both;
  }
}

TEST_P(EveryCell, FusedEqualsSpecificationForwardAndBackward) {
  for (const bool both : {false, true})
    for (const bool state : {false, true}) {
      const Sample s = make_sample(GetParam(), {{5, 2, 7, 1}, 4, 6, both, state});
      std::vector<std::vector<double>> grads[2];
      std::vector<double> values[2];
      for (const int way : {0, 1}) {
        for (const Var& v : s.inputs()) v.clear_grad();
        Tape tape;
        const Var all = everything(&tape, way == 0 ? s.run(&tape) : s.run_by_steps(&tape));
        values[way] = values_of(all.value());
        tape.backward(all, Tensor::full(all.value().shape(), 0.7, DType::f64));
        for (const Var& v : s.inputs()) grads[way].push_back(values_of(v.grad()));
      }
      for (size_t i = 0; i < values[0].size(); ++i) ASSERT_NEAR(values[0][i], values[1][i], 1e-12);
      for (size_t k = 0; k < grads[0].size(); ++k)
        for (size_t i = 0; i < grads[0][k].size(); ++i) ASSERT_NEAR(grads[0][k][i], grads[1][k][i], 1e-10) << k;
    }
}

TEST_P(EveryCell, KeptGatesAndStatesAreThoseOfTheSpecification) {
  const Sample s = make_sample(GetParam(), {{5, 2, 7, 1}, 4, 6, true, true});
  const RecurrentOutput fused = s.run(nullptr, {.keep = true}), steps = s.run_by_steps(nullptr, {.keep = true});
  const RecurrentOutput without = s.run();
  EXPECT_TRUE(without.gates.empty() && without.sequences.empty());
  EXPECT_EQ(values_of(without.y.value()), values_of(fused.y.value()));
  const auto near = [](const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.shape(), b.shape());
    for (int64_t i = 0; i < a.numel(); ++i)
      ASSERT_NEAR(values_of(a)[static_cast<size_t>(i)], values_of(b)[static_cast<size_t>(i)], 1e-12);
  };
  ASSERT_EQ(fused.gates.size(), 2u);
  ASSERT_EQ(fused.sequences.size(), 2u);
  for (size_t d = 0; d < 2; ++d) {
    near(fused.gates[d], steps.gates[d]);
    EXPECT_EQ(fused.gates[d].shape(), (Shape{s.packing.rows(), s.cell->num_gates() * 6}));
    ASSERT_EQ(fused.sequences[d].size(), static_cast<size_t>(s.cell->num_states()));
    for (size_t i = 0; i < fused.sequences[d].size(); ++i) near(fused.sequences[d][i], steps.sequences[d][i]);
  }
}

TEST_P(EveryCell, FloatEqualsDoubleForOneAndTwoThreads) {
  for (const int threads : {1, 2}) {
    set_threads(threads);
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < 23; ++i) lengths.push_back(1 + (i * 7) % 13);
    std::vector<std::vector<double>> grads[2];
    std::vector<double> values[2];
    for (const int way : {0, 1}) {
      const Sample s = make_sample(GetParam(), {lengths, 21, 35, true, true, way == 0 ? DType::f64 : DType::f32});
      Tape tape;
      const Var all = everything(&tape, s.run(&tape));
      values[way] = values_of(all.value());
      tape.backward(all, Tensor::full(all.value().shape(), 0.1, all.value().dtype()));
      for (const Var& v : s.inputs()) grads[way].push_back(values_of(v.grad()));
    }
    for (size_t i = 0; i < values[0].size(); ++i)
      ASSERT_NEAR(values[1][i], values[0][i], 2e-5 * std::max(1.0, std::abs(values[0][i])));
    for (size_t k = 0; k < grads[0].size(); ++k) {
      double largest = 0;
      for (const double v : grads[0][k]) largest = std::max(largest, std::abs(v));
      for (size_t i = 0; i < grads[0][k].size(); ++i)
        ASSERT_NEAR(grads[1][k][i], grads[0][k][i], 5e-4 * largest) << "input " << k << " threads " << threads;
    }
  }
  set_threads(0);
}

TEST_P(EveryCell, InBf16ActivationsTakeHalfTheMemoryAndGradientsAreNear) {
  if (!make_cell(GetParam())->fused<float>()) GTEST_SKIP() << "runs step by step, through ops that keep f32";
  if (GetParam().activation == "relu") GTEST_SKIP() << "rounding turns units on and off";
  for (const int threads : {1, 2}) {
    set_threads(threads);
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < 24; ++i) lengths.push_back(20 + (i * 7) % 13);
    const Sample s = make_sample(GetParam(), {lengths, 21, 64, true, true, DType::f32});
    std::vector<std::vector<double>> grads[2];
    int64_t kept[2] = {};
    for (const bool rounded : {false, true}) {
      const kernels::PrecisionScope rounding(rounded ? kernels::Precision::bf16 : kernels::Precision::f32);
      for (const Var& v : s.inputs()) v.clear_grad();
      Tape tape;
      const int64_t before = tensor_memory().current;
      const Var all = everything(&tape, s.run(&tape));
      kept[rounded] = tensor_memory().current - before;
      tape.backward(all, Tensor::full(all.value().shape(), 0.1));
      for (const Var& v : s.inputs()) grads[rounded].push_back(values_of(v.grad()));
    }
    const int64_t activations = 2 * s.packing.rows() * s.cell->num_gates() * 64;
    EXPECT_LT(kept[1], kept[0] - activations * 18 / 10) << "two bytes of each";
    double difference = 0;
    for (size_t k = 0; k < grads[0].size(); ++k) {
      double largest = 0;
      for (const double v : grads[0][k]) largest = std::max(largest, std::abs(v));
      for (size_t i = 0; i < grads[0][k].size(); ++i) {
        ASSERT_NEAR(grads[1][k][i], grads[0][k][i], 0.05 * largest) << "input " << k << " threads " << threads;
        difference = std::max(difference, std::abs(grads[1][k][i] - grads[0][k][i]));
      }
    }
    EXPECT_GT(difference, 0);
  }
  set_threads(0);
}

TEST(Recurrent, InBf16AGateThatIsNearlyOpenPassesItsGradientOverAThousandSteps) {
  // The forget gate of one unit at sigmoid(7) = 0.9991: c keeps 0.40 of what it was 1000 steps before.
  const auto cell = make_cell(CellOptions{});
  CellWeights w = testing::random_weights(*cell, 1, 1, 3, DType::f32);
  for (const Var& v : {w.w_ih, w.w_hh, w.b_ih, w.b_hh})
    if (v.defined()) v.mutable_value().fill(0);
  w.b_ih.mutable_value().data<float>()[1] = 7;
  const Var x(Tensor::zeros({1000, 1}), false);
  const std::vector<Var> first = {Var(Tensor::zeros({1, 1}), true), Var(Tensor::full({1, 1}, 0.5), true)};
  double d_forget[2] = {}, d_first[2] = {};
  for (const bool rounded : {false, true}) {
    const kernels::PrecisionScope rounding(rounded ? kernels::Precision::bf16 : kernels::Precision::f32);
    Tape tape;
    const RecurrentOutput out =
        recurrent(&tape, *cell, Packing::make(std::vector<int64_t>{1000}), x, {{w, false, first}}, {});
    tape.backward(out.states[0][1], Tensor::full({1, 1}, 1));
    d_forget[rounded] = static_cast<double>(w.b_ih.grad().data<float>()[1]);
    d_first[rounded] = static_cast<double>(first[1].grad().data<float>()[0]);
    for (const Var& v : w.all()) v.clear_grad();
    for (const Var& v : first) v.clear_grad();
  }
  EXPECT_NEAR(d_first[0], std::pow(1 / (1 + std::exp(-7.0)), 1000), 1e-3);
  EXPECT_NEAR(d_first[1], d_first[0], 0.01 * d_first[0]);
  EXPECT_NEAR(d_forget[1], d_forget[0], 0.02 * std::abs(d_forget[0]));
}

TEST_P(EveryCell, ZoneoutKeepsOldValuesAndHasTheRightGradient) {
  const Sample s = make_sample(GetParam(), {{3, 1, 4}, 3, 4, true, true});
  const RecurrentOptions noisy{.zoneout = 0.4, .training = true, .key = 5, .stream = 2};
  const GradCheck check = grad_check([&](Tape* t) { return everything(t, s.run(t, noisy)); }, s.inputs(), 30);
  EXPECT_LE(check.worst, 1e-6) << check.where;
  // Some units of h at the second step are those of the first, others are not; without zoneout none are.
  const auto same = [&](const RecurrentOptions& options) {
    const Tensor y = s.run(nullptr, options).y.value();
    int64_t count = 0;
    for (int64_t j = 0; j < 2; ++j)
      for (int64_t i = 0; i < s.cell->output_size(4); ++i)
        count += std::abs(y.data<double>()[s.packing.row(1, j) * y.dim(1) + i] -
                          y.data<double>()[s.packing.row(0, j) * y.dim(1) + i]) < 1e-12;
    return count;
  };
  RecurrentOptions most = noisy, other = noisy;
  most.zoneout = 0.9;
  other.key = 6;
  EXPECT_GT(same(most), 0);
  EXPECT_EQ(values_of(s.run(nullptr, noisy).y.value()), values_of(s.run(nullptr, noisy).y.value()));
  EXPECT_NE(values_of(s.run(nullptr, noisy).y.value()), values_of(s.run(nullptr, other).y.value()));
  // In inference the expectation: between old and new.
  const RecurrentOptions expectation{.zoneout = 0.4};
  EXPECT_NE(values_of(s.run(nullptr, expectation).y.value()), values_of(s.run().y.value()));
  EXPECT_EQ(values_of(s.run(nullptr, expectation).y.value()), values_of(s.run(nullptr, expectation).y.value()));
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryCell, ::testing::ValuesIn(testing::all_conventions()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

TEST(Recurrent, ErrorsNameWhatDisagrees) {
  const CellOptions lstm;
  const Sample s = make_sample(lstm, {{2, 3}, 3, 2});
  const auto message = [&](const Sample& bad) { return error_of<ShapeError>([&] { bad.run(); }); };
  Sample bad = s;
  bad.directions[0].weights.w_ih = testing::random_var({8, 4}, 1);
  EXPECT_EQ(message(bad),
            "[recurrent] the columns of w_ih (input_size) must be 3; got 4. Check the sizes of the layers.");
  bad = s;
  bad.directions[0].weights.w_hh = testing::random_var({8, 3}, 1);
  EXPECT_EQ(message(bad),
            "[recurrent] the columns of w_hh (width of h) must be 2; got 3. Check the sizes of the layers.");
  bad = s;
  bad.directions[0].weights.b_ih = testing::random_var({4}, 1);
  EXPECT_EQ(message(bad),
            "[recurrent] the size of a bias (gates times hidden_size) must be 8; got 4. Check the sizes "
            "of the layers.");
  bad = s;
  bad.directions.clear();
  EXPECT_EQ(message(bad), "[recurrent] at least one direction is needed; got none. Pass one.");
  EXPECT_EQ(error_of<ConfigError>([&] { s.run(nullptr, {.zoneout = 1}); }),
            "[recurrent] the probability of zoneout must lie in [0, 1); got 1. Use 0 to switch it off.");
}

TEST(Recurrent, AStateOfAnotherModelIsRefused) {
  const Sample s = make_sample({}, {{2, 3}, 3, 2});
  Sample bad = s;
  bad.directions[0].initial = {testing::random_var({2, 2}, 1)};
  EXPECT_EQ(error_of<ShapeError>([&] { bad.run(); }),
            "[recurrent] the initial state of a lstm layer has 2 tensors (h, c); got 1. Pass the state of the same "
            "model.");
  bad.directions[0].initial = {testing::random_var({2, 2}, 1), testing::random_var({2, 3}, 1)};
  EXPECT_EQ(error_of<ShapeError>([&] { bad.run(); }),
            "[recurrent] the initial state c must have shape [2, 2] (batch_size, width); got [2, 3]. Pass the state of "
            "the same model and batch.");
}

TEST(Recurrent, LengthsThatDoNotFitTheDataAreRefused) {
  Sample s = make_sample({}, {{2, 3}, 3, 2});
  s.packing = Packing::make(std::vector<int64_t>{2, 4});
  EXPECT_EQ(error_of<ShapeError>([&] { s.run(); }),
            "[recurrent] the lengths must add up to the rows of x; got 6 steps in all and 5 rows. Pass the lengths of "
            "this data.");
  EXPECT_EQ(error_of<ShapeError>([] {
              Packing::make(std::vector<int64_t>{2, 0});
            }),
            "[packing] every sequence needs at least one step; got length 0 for sequence 1. Drop empty sequences.");
}

}  // namespace recurrent_test
}  // namespace carousel::nn
