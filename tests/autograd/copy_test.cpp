#include "carousel/autograd/ops/copy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "carousel/autograd/grad_check.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace copy_test {

constexpr int64_t kVocab = 5;

/// Three rows over two sources. Target 0: own and copied twice; 1: only a source has it; 2: only of one's own.
struct Sample {
  explicit Sample(DType dtype = DType::f64) : logits(filled({3, kVocab}, 1, dtype)), gate(filled({3, 1}, 2, dtype)) {
    Tensor values = Tensor::empty({3 + 3 + 2}, dtype);
    const std::vector<double> shares = {0.2, 0.5, 0.3, 0.1, 0.6, 0.3, 0.25, 0.75};
    ops_fill(values, shares);
    weights = Var(values, true);
    rows.symbols = {2, 6, 2, -1, 3};
    rows.first = {0, 0, 3};
    rows.offsets = {0, 3, 6, 8};
  }

  static void ops_fill(Tensor& to, const std::vector<double>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (to.dtype() == DType::f64) {
        to.data<double>()[i] = values[i];
      } else {
        to.data<float>()[i] = static_cast<float>(values[i]);
      }
    }
  }

  static Var filled(Shape shape, uint64_t seed, DType dtype) {
    Tensor x = Tensor::empty(std::move(shape), dtype);
    std::vector<double> values;
    for (int64_t i = 0; i < x.numel(); ++i)
      values.push_back(std::sin(static_cast<double>(i + 1) * 1.7 + static_cast<double>(seed)) * 2);
    ops_fill(x, values);
    return Var(x, true);
  }

  Var logits, gate, weights;
  ops::CopyRows rows;
  std::vector<int32_t> targets = {2, 6, 4};
};

/// The definition: probabilities of all symbols of a row, added up one by one.
std::map<int32_t, double> distribution(const Sample& s, int64_t row) {
  const double* logits = s.logits.value().data<double>() + row * kVocab;
  double sum = 0;
  for (int64_t v = 0; v < kVocab; ++v) sum += std::exp(logits[v]);
  const double gate = 1 / (1 + std::exp(-s.gate.value().data<double>()[row]));
  std::map<int32_t, double> p;
  for (int32_t v = 0; v < kVocab; ++v) p[v] = gate * std::exp(logits[v]) / sum;
  const auto at = static_cast<size_t>(row);
  for (int64_t i = s.rows.offsets[at]; i < s.rows.offsets[at + 1]; ++i) {
    const int32_t symbol = s.rows.symbols[static_cast<size_t>(s.rows.first[at] + i - s.rows.offsets[at])];
    if (symbol >= 0) p[symbol] += (1 - gate) * s.weights.value().data<double>()[i];
  }
  return p;
}

TEST(Copy, LossEqualsTheDefinition) {
  const Sample s;
  double nll = 0, uniform = 0;
  for (int64_t row = 0; row < 3; ++row) {
    nll -= std::log(distribution(s, row).at(s.targets[static_cast<size_t>(row)]));
    const double* logits = s.logits.value().data<double>() + row * kVocab;
    double sum = 0;
    for (int64_t v = 0; v < kVocab; ++v) sum += std::exp(logits[v]);
    for (int64_t v = 0; v < kVocab; ++v) uniform += (std::log(sum) - logits[v]) / kVocab;
  }
  const ops::CrossEntropy plain = ops::copy_cross_entropy(nullptr, s.logits, s.gate, s.weights, s.rows, s.targets, 0);
  EXPECT_NEAR(plain.nll_sum, nll, 1e-12);
  EXPECT_NEAR(plain.loss.value().item(), nll / 3, 1e-12);
  const ops::CrossEntropy smooth =
      ops::copy_cross_entropy(nullptr, s.logits, s.gate, s.weights, s.rows, s.targets, 0.1);
  EXPECT_NEAR(smooth.nll_sum, nll, 1e-12);
  EXPECT_NEAR(smooth.loss.value().item(), (0.9 * nll + 0.1 * uniform) / 3, 1e-12);
}

TEST(Copy, GradientEqualsCentralDifferences) {
  for (const double smoothing : {0.0, 0.1}) {
    const Sample s;
    const GradCheck check = grad_check(
        [&](Tape* tape) {
          return ops::copy_cross_entropy(tape, s.logits, s.gate, s.weights, s.rows, s.targets, smoothing).loss;
        },
        {s.logits, s.gate, s.weights});
    EXPECT_LE(check.worst, 1e-6) << check.where << " smoothing " << smoothing;
  }
}

TEST(Copy, OfALinearLayerEqualsTheTwoOpsOverManyBlocks) {
  const int64_t count = 300, in = 3, length = 4;
  const auto outputs = [&] {
    return std::vector<Var>{Sample::filled({count, in}, 3, DType::f64), Sample::filled({kVocab, in}, 4, DType::f64),
                            Sample::filled({kVocab}, 5, DType::f64), Sample::filled({count, 1}, 6, DType::f64),
                            Var(Tensor::full({count * length}, 1.0 / length, DType::f64), true)};
  };
  ops::CopyRows rows;
  std::vector<int32_t> targets;
  for (int64_t i = 0; i < count; ++i) {
    rows.first.push_back(i % 3);
    rows.offsets.push_back(i * length);
    targets.push_back(static_cast<int32_t>(i % 8));  // 5, 6 and 7 can be copied at most
  }
  rows.offsets.push_back(count * length);
  rows.symbols = {2, 6, 2, -1, 3, 5};
  for (const double smoothing : {0.0, 0.2}) {
    const std::vector<Var> whole = outputs(), blocks = outputs();
    Tape tape;
    const Var logits = ops::linear(&tape, whole[0], whole[1], whole[2]);
    const auto want = ops::copy_cross_entropy(&tape, logits, whole[3], whole[4], rows, targets, smoothing);
    tape.backward(want.loss);
    const auto got = ops::linear_copy_cross_entropy(&tape, blocks[0], blocks[1], blocks[2], blocks[3], blocks[4], rows,
                                                    targets, smoothing);
    tape.backward(got.loss);
    EXPECT_NEAR(got.loss.value().item(), want.loss.value().item(), 1e-12);
    for (size_t v = 0; v < whole.size(); ++v)
      for (int64_t i = 0; i < whole[v].value().numel(); ++i)
        ASSERT_NEAR(blocks[v].grad().data<double>()[i], whole[v].grad().data<double>()[i], 1e-12) << v << " " << i;
    const auto seen = ops::linear_copy_cross_entropy(nullptr, blocks[0], blocks[1], blocks[2], blocks[3], blocks[4],
                                                     rows, targets, smoothing, true);
    EXPECT_EQ(got.correct, 0) << "not counted";
    EXPECT_EQ(seen.nll_sum, got.nll_sum);
    int64_t correct = 0;
    std::vector<double> log_probs(7);
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      ops::copy_log_probs<double>({logits.value().data<double>() + i * kVocab, kVocab},
                                  whole[3].value().data<double>()[i], {rows.symbols.data() + rows.first[at], length},
                                  whole[4].value().data<double>() + i * length, log_probs);
      correct += std::max_element(log_probs.begin(), log_probs.end()) - log_probs.begin() == targets[at];
    }
    EXPECT_EQ(seen.correct, correct);
    EXPECT_GT(correct, 10);
    EXPECT_LT(correct, 290);
  }
}

TEST(Copy, SinglePrecisionAgreesWithDouble) {
  const Sample exact, single(DType::f32);
  const auto run = [](const Sample& s) {
    Tape tape;
    const ops::CrossEntropy ce = ops::copy_cross_entropy(&tape, s.logits, s.gate, s.weights, s.rows, s.targets, 0.1);
    tape.backward(ce.loss);
    return ce.nll_sum;
  };
  EXPECT_NEAR(run(exact), run(single), 1e-5);
  for (const auto& [a, b] : {std::pair(exact.logits, single.logits), std::pair(exact.gate, single.gate),
                             std::pair(exact.weights, single.weights)})
    for (int64_t i = 0; i < a.value().numel(); ++i)
      EXPECT_NEAR(a.grad().data<double>()[i], static_cast<double>(b.grad().data<float>()[i]), 1e-5);
}

TEST(Copy, LogProbabilitiesAreThoseOfTheDefinitionAndSumToOne) {
  const Sample s;
  for (int64_t row = 0; row < 2; ++row) {  // the last has a position that is never copied
    const auto p = distribution(s, row);
    std::vector<double> log_probs(7);
    ops::copy_log_probs<double>({s.logits.value().data<double>() + row * kVocab, kVocab},
                                s.gate.value().data<double>()[row], {s.rows.symbols.data(), 3},
                                s.weights.value().data<double>() + row * 3, log_probs);
    double sum = 0;
    for (int32_t v = 0; v < 7; ++v) {
      sum += std::exp(log_probs[static_cast<size_t>(v)]);
      if (v == 5) {
        EXPECT_EQ(log_probs[5], -std::numeric_limits<double>::infinity());
      } else {
        EXPECT_NEAR(log_probs[static_cast<size_t>(v)], std::log(p.at(v)), 1e-12);
      }
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(Copy, StaysFiniteWhereAProbabilityIsZero) {
  Sample s;
  s.gate.mutable_value().fill(-200);  // never of one's own
  s.targets = {2, 6, 4};              // and 4 is not in its source
  s.weights.mutable_value().fill(0);  // nor is anything looked at
  Tape tape;
  const ops::CrossEntropy ce = ops::copy_cross_entropy(&tape, s.logits, s.gate, s.weights, s.rows, s.targets, 0.1);
  EXPECT_TRUE(std::isfinite(ce.nll_sum));
  tape.backward(ce.loss);
  for (const Var& v : {s.logits, s.gate, s.weights})
    for (int64_t i = 0; i < v.value().numel(); ++i) EXPECT_TRUE(std::isfinite(v.grad().data<double>()[i]));
}

TEST(Copy, SizesThatDoNotFitAreRefused) {
  const auto error = [](auto change) {
    Sample s;
    change(s);
    return testing::error_of<ShapeError>(
        [&] { ops::copy_cross_entropy(nullptr, s.logits, s.gate, s.weights, s.rows, s.targets, 0); });
  };
  EXPECT_EQ(error([](Sample& s) { s.targets.pop_back(); }),
            "[copy] the number of targets must be 3; got 2. Check the sizes of the layers.");
  EXPECT_EQ(error([](Sample& s) { s.rows.symbols.pop_back(); }),
            "[copy] each row must lie within its source and have a target; got row 2 at [3, 5) of 4 symbols with "
            "target 4. Check the batch.");
  EXPECT_EQ(error([](Sample& s) { s.targets[0] = -1; }),
            "[copy] each row must lie within its source and have a target; got row 0 at [0, 3) of 5 symbols with "
            "target -1. Check the batch.");
  EXPECT_EQ(error([](Sample& s) { s.rows.offsets.back() = 9; }),
            "[copy] the number of weights must be 9; got 8. Check the sizes of the layers.");
}

}  // namespace copy_test
}  // namespace carousel
