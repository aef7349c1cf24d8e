// The recurrent layer for answers alone: the numbers of the specification for every fused cell, by sequences and by
// units.
#include "carousel/nn/recurrent_inference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "carousel/base/threads.h"
#include "carousel/kernels/quant/format.h"
#include "tests/nn/cell_samples.h"

namespace carousel::nn {
namespace recurrent_inference_test {

using testing::everything;
using testing::make_sample;
using testing::Sample;
using testing::values_of;

struct Threads {
  explicit Threads(int count) { set_threads(count); }
  ~Threads() { set_threads(0); }
};

std::vector<double> inferred(const Sample& s) {
  return values_of(everything(nullptr, recurrent_inference(*s.cell, s.packing, s.x, s.directions)).value());
}

bool shared(const Sample& s) {
  return shares_units(*s.cell, s.packing, s.directions);
}

/// Units from which on they are shared, and some more.
int64_t wide(const CellOptions& options) {
  const auto weights = static_cast<double>(make_cell(options)->num_gates()) * sizeof(float);
  return static_cast<int64_t>(std::sqrt(256 * 1024 / weights)) + 3;
}

/// Long sequences of unbounded cells carry each rounding on.
void expect_near(const std::vector<double>& got, const std::vector<double>& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], 1e-4 * std::max(1.0, std::abs(want[i]))) << what << ", number " << i;
}

class EveryFusedCell : public ::testing::TestWithParam<CellOptions> {};

TEST_P(EveryFusedCell, GivesTheNumbersOfTheSpecification) {
  // Lengths that need several chunks of rows and end apart; 130 steps of one sequence are three chunks.
  const std::vector<std::vector<int64_t>> batches = {{7, 1, 4}, {130}, {90, 100, 3, 100, 55}};
  for (const int threads : {1, 2})
    for (const bool both : {false, true})
      for (const auto& lengths : batches) {
        const Threads use(threads);
        const Sample s = make_sample(GetParam(), {lengths, 5, 35, both, threads == 1, DType::f32});
        const std::vector<double> got = inferred(s);
        expect_near(got, values_of(everything(nullptr, s.run_by_steps()).value()),
                    std::to_string(threads) + " threads, " + std::to_string(lengths.size()) + " sequences");
        EXPECT_EQ(got, inferred(s));
      }
}

TEST_P(EveryFusedCell, SharedUnitsGiveTheNumbersOfTheSpecification) {
  for (const int threads : {2, 3})
    for (const bool reverse : {false, true}) {
      const Threads use(threads);
      // Of one sequence two chunks of rows.
      const int64_t length = threads == 2 ? 140 : 9;
      Sample s = make_sample(GetParam(), {{length}, 24, wide(GetParam()), false, reverse, DType::f32});
      s.directions[0].reverse = reverse;
      if (!s.cell->has_recurrent_weight()) continue;
      ASSERT_TRUE(shared(s));
      const std::vector<double> got = inferred(s);
      set_threads(1);
      expect_near(got, inferred(s), std::to_string(threads) + " threads");
      set_threads(threads);
      EXPECT_EQ(got, inferred(s));
    }
}

TEST_P(EveryFusedCell, SharedUnitsOfSeveralSequences) {
  const Threads use(5);
  for (const bool reverse : {false, true}) {
    Sample s = make_sample(GetParam(), {{7, 1, 4}, 24, wide(GetParam()), false, true, DType::f32});
    s.directions[0].reverse = reverse;
    if (!s.cell->has_recurrent_weight()) continue;
    ASSERT_TRUE(shared(s));
    expect_near(inferred(s), values_of(everything(nullptr, s.run_by_steps()).value()), reverse ? "reverse" : "forward");
  }
}

std::vector<CellOptions> fused_conventions() {
  std::vector<CellOptions> fused;
  for (const CellOptions& options : testing::all_conventions()) {
    const FusedCell<float> cell = make_cell(options)->fused<float>();
    if (cell) fused.push_back(options);
  }
  return fused;
}

INSTANTIATE_TEST_SUITE_P(All, EveryFusedCell, ::testing::ValuesIn(fused_conventions()),
                         [](const auto& tested) { return testing::name_of(tested.param); });

TEST(RecurrentInference, UnitsAreSharedByFewSequencesOfWideLayersInOneDirection) {
  CellOptions lstm;
  const auto sample = [&](std::vector<int64_t> lengths, int64_t hidden, bool both = false) {
    return make_sample(lstm, {std::move(lengths), 4, hidden, both, false, DType::f32});
  };
  const Threads two(2);
  EXPECT_TRUE(shared(sample({9}, 128)));
  EXPECT_FALSE(shared(sample({9, 9}, 128))) << "a sequence for each thread";
  EXPECT_FALSE(shared(sample({9}, 96))) << "read within two microseconds";
  EXPECT_FALSE(shared(sample({9}, 128, true))) << "a direction for each thread";
}

TEST(RecurrentInference, IsTheWayOfTheLayerUnlessItRecordsOrKeeps) {
  const Threads two(2);
  const Sample s = make_sample({}, {{30}, 40, 160, false, true, DType::f32});
  ASSERT_TRUE(has_inference(*s.cell, s.x));
  EXPECT_EQ(values_of(everything(nullptr, s.run()).value()), inferred(s));
  Tape tape;
  const std::vector<double> taped = values_of(everything(&tape, s.run(&tape)).value());
  const RecurrentOutput kept = s.run(nullptr, {.keep = true});
  EXPECT_EQ(values_of(everything(nullptr, kept).value()), taped);
  EXPECT_FALSE(kept.gates.empty());
  EXPECT_FALSE(has_inference(*make_cell("layer_norm_lstm"), s.x)) << "no fused cell";
  EXPECT_FALSE(has_inference(*s.cell, Var(s.x.value().to(DType::f64))));
}

TEST(RecurrentInference, ThereMayBeMoreThreadsThanSharesOfUnits) {
  const Threads use(12);
  const Sample s = make_sample({}, {{20}, 600, 130, false, true, DType::f32});
  ASSERT_TRUE(shared(s));
  expect_near(inferred(s), values_of(everything(nullptr, s.run_by_steps()).value()), "130 units");
}

TEST(RecurrentInference, WeightsThatChangedAreSeen) {
  const Threads two(2);
  const Sample s = make_sample({}, {{6}, 8, 160, false, false, DType::f32});
  ASSERT_TRUE(shared(s));
  const std::vector<double> before = inferred(s);
  s.directions[0].weights.w_hh.mutable_value().data<float>()[3] += 1;
  const std::vector<double> after = inferred(s);
  EXPECT_NE(before, after);
  expect_near(after, values_of(everything(nullptr, s.run_by_steps()).value()), "changed");
}

TEST(RecurrentInference, WeightsInInt8GiveTheSameBitsForAnyThreads) {
  // Integer sums are exact, and each output has its own scale: who computes it does not matter.
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{12}, {9, 9, 5, 9, 9, 9, 9, 9, 9, 9, 9}}) {
    const Sample s = make_sample({}, {lengths, 24, 270, false, true, DType::f32});
    for (const Var& w : {s.directions[0].weights.w_ih, s.directions[0].weights.w_hh})
      w.set_format(&kernels::quant::format_named("int8"));
    const Threads use(1);
    const std::vector<double> one = inferred(s);
    set_threads(2);
    EXPECT_EQ(shared(s), lengths.size() == 1);
    EXPECT_EQ(inferred(s), one);
    Tape tape;
    EXPECT_EQ(values_of(everything(&tape, s.run(&tape)).value()), one);
  }
}

}  // namespace recurrent_inference_test
}  // namespace carousel::nn
