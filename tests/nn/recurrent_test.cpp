// The sequence driver: fused = specification, numerical gradients, packing and directions.
#include "carousel/nn/recurrent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/base/threads.h"

namespace carousel::nn {
namespace {

Var random_var(Shape shape, uint64_t seed, DType dtype = DType::f64, double scale = 0.5) {
  Rng rng(seed, 0);
  Tensor t = Tensor::empty(std::move(shape), DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = scale * static_cast<double>(rng.normal());
  return Var(t.to(dtype), true);
}

struct Sample {
  Packing packing;
  Var x;
  std::vector<Direction> directions;
  std::vector<Var> inputs() const {
    std::vector<Var> all{x};
    for (const Direction& d : directions)
      for (const Var& v : {d.w_ih, d.w_hh, d.bias, d.h0, d.c0})
        if (v.defined()) all.push_back(v);
    return all;
  }
};

Sample make_sample(const Cell& cell, std::vector<int64_t> lengths, int64_t input, int64_t hidden, bool both,
                   bool with_state, DType dtype = DType::f64) {
  Sample s;
  s.packing = Packing::make(lengths);
  s.x = random_var({s.packing.rows(), input}, 1, dtype);
  const int64_t gates = cell.num_gates() * hidden, batch = s.packing.batch_size();
  for (int d = 0; d < (both ? 2 : 1); ++d) {
    const auto seed = static_cast<uint64_t>(10 * d);
    Direction direction{random_var({gates, input}, seed + 2, dtype),
                        random_var({gates, hidden}, seed + 3, dtype),
                        random_var({gates}, seed + 4, dtype),
                        d == 1,
                        {},
                        {}};
    if (with_state) {
      direction.h0 = random_var({batch, hidden}, seed + 5, dtype);
      direction.c0 = random_var({batch, hidden}, seed + 6, dtype);
    }
    s.directions.push_back(direction);
  }
  return s;
}

/// Everything the layer gives back, in one matrix, so that all of it is differentiated.
Var everything(Tape* tape, const RecurrentOutput& out) {
  std::vector<Var> parts;
  for (size_t d = 0; d < out.h_n.size(); ++d) parts.push_back(ops::concat_columns(tape, {out.h_n[d], out.c_n[d]}));
  Var states = ops::concat_rows(tape, parts);
  // y has D*H columns, the states 2H: fold y into rows of 2H by halves when there is one direction.
  if (out.h_n.size() == 1) return ops::concat_rows(tape, {ops::concat_columns(tape, {out.y, out.y}), states});
  return ops::concat_rows(tape, {out.y, states});
}

class EveryCell : public testing::TestWithParam<std::string> {
 protected:
  const Cell& cell_ = find_cell(GetParam());
};

TEST_P(EveryCell, GradientEqualsCentralDifferences) {
  for (const bool both : {false, true})
    for (const bool state : {false, true}) {
      const Sample s = make_sample(cell_, {3, 1, 4, 4, 2}, 3, 2, both, state);
      const GradCheck check = grad_check(
          [&](Tape* t) { return everything(t, recurrent(t, cell_, s.packing, s.x, s.directions)); }, s.inputs());
      EXPECT_LE(check.worst, 1e-6) << check.where << " both " << both << " state " << state;
    }
}

TEST_P(EveryCell, FusedEqualsSpecificationForwardAndBackward) {
  for (const bool both : {false, true}) {
    const Sample s = make_sample(cell_, {5, 2, 7, 1}, 4, 6, both, true);
    std::vector<std::vector<double>> grads[2];
    std::vector<double> values[2];
    for (const int way : {0, 1}) {
      for (const Var& v : s.inputs()) v.clear_grad();
      Tape tape;
      const auto out = way == 0 ? recurrent(&tape, cell_, s.packing, s.x, s.directions)
                                : recurrent_by_steps(&tape, cell_, s.packing, s.x, s.directions);
      const Var all = everything(&tape, out);
      values[way].assign(all.value().span<double>().begin(), all.value().span<double>().end());
      tape.backward(all, Tensor::full(all.value().shape(), 0.7, DType::f64));
      for (const Var& v : s.inputs())
        grads[way].emplace_back(v.grad().span<double>().begin(), v.grad().span<double>().end());
    }
    for (size_t i = 0; i < values[0].size(); ++i) ASSERT_NEAR(values[0][i], values[1][i], 1e-12);
    for (size_t k = 0; k < grads[0].size(); ++k)
      for (size_t i = 0; i < grads[0][k].size(); ++i) ASSERT_NEAR(grads[0][k][i], grads[1][k][i], 1e-10) << k;
  }
}

TEST_P(EveryCell, FloatEqualsDoubleForOneAndTwoThreads) {
  for (const int threads : {1, 2}) {
    set_threads(threads);
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < 37; ++i) lengths.push_back(1 + (i * 7) % 19);
    const Sample exact = make_sample(cell_, lengths, 21, 35, true, true);
    const Sample fast = make_sample(cell_, lengths, 21, 35, true, true, DType::f32);
    std::vector<double> want;
    std::vector<float> got;
    Tape tape;
    Var all = everything(&tape, recurrent(&tape, cell_, exact.packing, exact.x, exact.directions));
    want.assign(all.value().span<double>().begin(), all.value().span<double>().end());
    tape.backward(all, Tensor::full(all.value().shape(), 0.1, DType::f64));
    all = everything(&tape, recurrent(&tape, cell_, fast.packing, fast.x, fast.directions));
    got.assign(all.value().span<float>().begin(), all.value().span<float>().end());
    tape.backward(all, Tensor::full(all.value().shape(), 0.1));
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-5);
    for (size_t k = 0; k < exact.inputs().size(); ++k) {
      const auto a = exact.inputs()[k].grad().span<double>();
      const auto b = fast.inputs()[k].grad().span<float>();
      double largest = 0;
      for (const double v : a) largest = std::max(largest, std::abs(v));
      for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(b[i], a[i], 1e-4 * largest) << "input " << k;
    }
  }
  set_threads(0);
}

TEST_P(EveryCell, SequencesDoNotTouchEachOther) {
  const Sample whole = make_sample(cell_, {4, 6, 2}, 3, 5, true, false);
  const Var y = recurrent(nullptr, cell_, whole.packing, whole.x, whole.directions).y;
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t j = whole.packing.position[static_cast<size_t>(b)],
                  length = whole.packing.lengths[static_cast<size_t>(j)];
    std::vector<int64_t> rows;
    for (int64_t t = 0; t < length; ++t) rows.push_back(whole.packing.row(t, j));
    const Var alone = recurrent(nullptr, cell_, Packing::make(std::vector<int64_t>{length}),
                                ops::gather_rows(nullptr, whole.x, rows), whole.directions)
                          .y;
    for (int64_t t = 0; t < length; ++t)
      for (int64_t i = 0; i < 10; ++i)
        EXPECT_NEAR(alone.value().data<double>()[t * 10 + i],
                    y.value().data<double>()[rows[static_cast<size_t>(t)] * 10 + i], 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryCell, testing::ValuesIn(cell_names()),
                         [](const auto& param_info) { return param_info.param; });

TEST(Recurrent, ErrorsNameWhatDisagrees) {
  const Cell& cell = find_cell("lstm");
  Sample s = make_sample(cell, {2, 3}, 3, 2, false, false);
  s.directions[0].w_ih = random_var({8, 4}, 1);
  try {
    recurrent(nullptr, cell, s.packing, s.x, s.directions);
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_STREQ(e.what(),
                 "[recurrent] the columns of w_ih (input_size) must be 3; got 4. Check the sizes of the layers.");
  }
  try {
    find_cell("lstn");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "[cell] there is no cell 'lstn'; got known cells lstm. Did you mean 'lstm'?");
  }
  try {
    Packing::make(std::vector<int64_t>{2, 0});
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_STREQ(
        e.what(),
        "[packing] every sequence needs at least one step; got length 0 for sequence 1. Drop empty sequences.");
  }
}

}  // namespace
}  // namespace carousel::nn
