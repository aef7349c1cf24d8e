// The loss of connectionist temporal classification against the enumeration of all alignments.
#include "carousel/autograd/ops/ctc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace ctc_test {

constexpr int32_t kBlank = 0;

Var logits_of(int64_t rows, int64_t width, uint64_t seed, bool learnt = false) {
  Rng rng(seed, 0);
  Tensor values = Tensor::empty({rows, width}, DType::f64);
  for (int64_t i = 0; i < values.numel(); ++i) values.data<double>()[i] = 1.5 * static_cast<double>(rng.normal());
  return Var(values, learnt);
}

std::vector<int32_t> collapsed(const std::vector<int32_t>& path) {
  std::vector<int32_t> out;
  for (size_t t = 0; t < path.size(); ++t)
    if (path[t] != kBlank && (t == 0 || path[t] != path[t - 1])) out.push_back(path[t]);
  return out;
}

/// p(target) by adding up every path.
double by_enumeration(const std::vector<std::vector<double>>& p, const std::vector<int32_t>& target) {
  const auto width = static_cast<int64_t>(p.front().size());
  int64_t paths = 1;
  for (size_t t = 0; t < p.size(); ++t) paths *= width;
  double sum = 0;
  for (int64_t number = 0; number < paths; ++number) {
    std::vector<int32_t> path;
    double product = 1;
    int64_t rest = number;
    for (const auto& row : p) {
      path.push_back(static_cast<int32_t>(rest % width));
      product *= row[static_cast<size_t>(rest % width)];
      rest /= width;
    }
    if (collapsed(path) == target) sum += product;
  }
  return sum;
}

std::vector<std::vector<double>> softmax(const Packing& packing, const Var& logits, int64_t j) {
  std::vector<std::vector<double>> rows;
  const int64_t width = logits.value().dim(1);
  for (int64_t t = 0; t < packing.lengths[static_cast<size_t>(j)]; ++t) {
    std::vector<double> row;
    double total = 0;
    for (int64_t k = 0; k < width; ++k)
      total += row.emplace_back(std::exp(logits.value().data<double>()[packing.row(t, j) * width + k]));
    for (double& value : row) value /= total;
    rows.push_back(row);
  }
  return rows;
}

TEST(Ctc, IsTheSumOverAllAlignments) {
  const std::vector<int64_t> lengths = {3, 6, 1, 5};
  const std::vector<std::vector<int32_t>> targets = {{1, 2}, {1, 1, 2}, {}, {2, 2}};
  const Packing packing = Packing::make(lengths);
  const Var logits = logits_of(packing.rows(), 3, 1);
  double wanted = 0;
  for (int64_t j = 0; j < packing.batch_size(); ++j)
    wanted -= std::log(by_enumeration(softmax(packing, logits, j),
                                      targets[static_cast<size_t>(packing.order[static_cast<size_t>(j)])]));
  const ops::CrossEntropy loss = ops::ctc_loss(nullptr, packing, logits, targets, kBlank);
  EXPECT_NEAR(loss.nll_sum, wanted, 1e-10);
  EXPECT_NEAR(loss.loss.value().item(), wanted / 4, 1e-10);
}

TEST(Ctc, ProbabilitiesOfAllTargetsSumToOne) {
  const Packing packing = Packing::make(std::vector<int64_t>{3});
  const Var logits = logits_of(3, 3, 2);
  double sum = 0;
  for (int32_t a = 0; a <= 2; ++a)
    for (int32_t b = 0; b <= 2; ++b)
      for (int32_t c = 0; c <= 2; ++c) {
        std::vector<int32_t> target;
        for (const int32_t k : {a, b, c})
          if (k != 0) target.push_back(k);
        const bool first = (a != 0 || b + c == 0) && (b != 0 || c == 0);  // each target once
        if (first && ops::ctc_least_steps(target) <= 3)
          sum += std::exp(-ops::ctc_loss(nullptr, packing, logits, {target}, kBlank).nll_sum);
      }
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(Ctc, GradientIsThatOfDifferences) {
  const std::vector<int64_t> lengths = {4, 7, 2};
  const std::vector<std::vector<int32_t>> targets = {{3, 1}, {1, 1, 2, 3}, {}};
  const Packing packing = Packing::make(lengths);
  const Var logits = logits_of(packing.rows(), 4, 3, true);
  const GradCheck check =
      grad_check([&](Tape* tape) { return ops::ctc_loss(tape, packing, logits, targets, kBlank).loss; }, {logits});
  EXPECT_LT(check.worst, 1e-6) << check.where;
}

TEST(Ctc, StaysFiniteWhereProbabilitiesVanish) {
  const Packing packing = Packing::make(std::vector<int64_t>{400});
  Tensor values = Tensor::zeros({400, 3});
  for (int64_t t = 0; t < 400; ++t) values.data<float>()[t * 3] = 90;  // the blank, nearly for certain
  const Var logits(values, true);
  Tape tape;
  const ops::CrossEntropy loss = ops::ctc_loss(&tape, packing, logits, {std::vector<int32_t>(150, 1)}, kBlank);
  EXPECT_TRUE(std::isfinite(loss.nll_sum));
  EXPECT_GT(loss.nll_sum, 1000);
  tape.backward(loss.loss);
  for (const float g : logits.grad().span<float>()) ASSERT_TRUE(std::isfinite(g));
}

TEST(Ctc, RefusesWhatDoesNotFit) {
  const Packing packing = Packing::make(std::vector<int64_t>{2});
  const auto error = [&](const std::vector<std::vector<int32_t>>& targets, int64_t rows = 2) {
    return testing::error_of<ShapeError>(
        [&] { ops::ctc_loss(nullptr, packing, logits_of(rows, 3, 1), targets, kBlank); });
  };
  EXPECT_EQ(error({{1, 1}}),
            "[ctc_loss] a target must fit into its steps; got one that needs 3 for 2. Put fewer frames together, or "
            "leave the example out.");
  EXPECT_EQ(error({{0}}), "[ctc_loss] targets must lie in [0, 3) and not be the blank 0; got 0. Check the vocabulary.");
  EXPECT_EQ(error({{1}, {1}}), "[ctc_loss] the number of targets must be 1; got 2. Check the sizes of the layers.");
  EXPECT_EQ(error({{1}}, 3), "[ctc_loss] the rows of logits must be 2; got 3. Check the sizes of the layers.");
}

TEST(CtcAlignment, IsTheShareOfThePathsThatAreEachSymbolAtEachStep) {
  const std::vector<std::vector<int32_t>> targets = {{1, 2}, {1, 1}, {2}, {}};
  const std::vector<int64_t> five = {5};
  const Packing packing = Packing::make(five);
  const Var logits = logits_of(5, 3, 4);
  const auto p = softmax(packing, logits, 0);
  std::vector<float> log_probs;
  for (const auto& row : p)
    for (const double value : row) log_probs.push_back(static_cast<float>(std::log(value)));
  for (const auto& target : targets) {
    const ops::CtcAlignment found = ops::ctc_align(log_probs, 3, target, kBlank);
    std::vector<double> wanted((target.size() + 1) * 5);
    double total = 0;
    for (int64_t number = 0; number < 243; ++number) {
      std::vector<int32_t> path;
      double product = 1;
      int64_t rest = number;
      for (const auto& row : p) {
        path.push_back(static_cast<int32_t>(rest % 3));
        product *= row[static_cast<size_t>(rest % 3)];
        rest /= 3;
      }
      if (collapsed(path) != target) continue;
      total += product;
      size_t begun = 0;
      for (size_t t = 0; t < 5; ++t) {
        begun += path[t] != kBlank && (t == 0 || path[t] != path[t - 1]);
        wanted[(path[t] == kBlank ? target.size() : begun - 1) * 5 + t] += product;
      }
    }
    EXPECT_NEAR(found.log_prob, std::log(total), 1e-6);
    ASSERT_EQ(found.occupied.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found.occupied[i], wanted[i] / total, 1e-6) << i;
  }
  EXPECT_THROW(ops::ctc_align(log_probs, 3, {1, 1, 1, 1}, kBlank), ShapeError) << "needs seven steps";
  EXPECT_THROW(ops::ctc_align(log_probs, 3, {3}, kBlank), ShapeError);
}

}  // namespace ctc_test
}  // namespace carousel
