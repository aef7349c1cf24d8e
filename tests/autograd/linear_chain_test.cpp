// Sums and best paths of a chain of labels against the enumeration of all paths.
#include "carousel/autograd/linear_chain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/ops/crf.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace linear_chain_test {

std::vector<double> random(int64_t count, uint64_t seed, double scale = 1.5) {
  Rng rng(seed, 0);
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(scale * static_cast<double>(rng.normal()));
  return values;
}

/// Every path of some steps through some labels.
std::vector<std::vector<int32_t>> all_paths(int64_t steps, int64_t labels) {
  std::vector<std::vector<int32_t>> paths = {{}};
  for (int64_t t = 0; t < steps; ++t) {
    std::vector<std::vector<int32_t>> longer;
    for (const auto& path : paths)
      for (int32_t k = 0; k < labels; ++k) {
        longer.push_back(path);
        longer.back().push_back(k);
      }
    paths = std::move(longer);
  }
  return paths;
}

struct Case {
  int64_t steps, labels;
};

class Chains : public ::testing::TestWithParam<Case> {};

TEST_P(Chains, AgreeWithTheEnumerationOfAllPaths) {
  const auto [steps, labels] = GetParam();
  const LinearChain chain(random(labels * labels, 1), random(labels, 2), random(labels, 3));
  const std::vector<double> emissions = random(steps * labels, 4);
  const auto paths = all_paths(steps, labels);
  double sum = 0, best = -1e300;
  std::vector<int32_t> best_path;
  std::vector<double> marginals(emissions.size()), pairs(static_cast<size_t>(labels * labels));
  for (const auto& path : paths) {
    const double score = chain.score(steps, emissions.data(), path.data());
    sum += std::exp(score);
    if (score > best) best_path = path;
    best = std::max(best, score);
    for (int64_t t = 0; t < steps; ++t) {
      const auto at = static_cast<size_t>(t);
      marginals[at * static_cast<size_t>(labels) + static_cast<size_t>(path[at])] += std::exp(score);
      if (t > 0) pairs[static_cast<size_t>(path[at - 1] * labels + path[at])] += std::exp(score);
    }
  }
  std::vector<double> p(marginals.size()), q(pairs.size(), 1.0);
  EXPECT_NEAR(chain.log_partition(steps, emissions.data()), std::log(sum), 1e-10);
  EXPECT_NEAR(chain.log_partition(steps, emissions.data(), p.data(), q.data()), std::log(sum), 1e-10);
  for (size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(p[i], marginals[i] / sum, 1e-10);
  for (size_t i = 0; i < q.size(); ++i) EXPECT_NEAR(q[i], 1 + pairs[i] / sum, 1e-10) << "added to what was there";
  EXPECT_EQ(chain.best_path(steps, emissions.data()), best_path);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Chains,
                         ::testing::Values(Case{1, 1}, Case{1, 4}, Case{2, 3}, Case{5, 3}, Case{4, 5}, Case{7, 2}),
                         [](const auto& row) {
                           return "steps" + std::to_string(row.param.steps) + "labels" +
                                  std::to_string(row.param.labels);
                         });

/// The score of a path by the definition.
TEST(LinearChain, ScoresAPathAsDefined) {
  const LinearChain chain({1, 2, 4, 8}, {16, 32}, {64, 128});
  const std::vector<double> emissions = {256, 512, 1024, 2048, 4096, 8192};
  const std::vector<int32_t> path = {0, 1, 1};
  EXPECT_EQ(chain.score(3, emissions.data(), path.data()), 16 + 256 + 2 + 2048 + 8 + 8192 + 128);
}

TEST(LinearChain, TakesNoForbiddenStepHoweverMuchItIsWorth) {
  constexpr double kNo = LinearChain::kForbidden;
  // 1 follows only itself and 0, and no path begins with it.
  const LinearChain chain({0, 0, 0, 0, 0, 0, 0, kNo, 0}, {0, kNo, 0}, {0, 0, 0});
  const std::vector<double> emissions = {0, 50, 40, 0, 50, 0};
  EXPECT_EQ(chain.best_path(2, emissions.data()), (std::vector<int32_t>{0, 1}));
  std::vector<double> p(6);
  EXPECT_TRUE(std::isfinite(chain.log_partition(2, emissions.data(), p.data())));
  EXPECT_EQ(p[1], 0);
  EXPECT_NEAR(p[0], 1, 1e-4);
}

TEST(LinearChain, LongSequencesAndLargeScoresStayFinite) {
  const LinearChain chain(random(9, 1, 10), random(3, 2, 10), random(3, 3, 10));
  const std::vector<double> emissions = random(3 * 5000, 4, 30);
  std::vector<double> p(emissions.size());
  EXPECT_TRUE(std::isfinite(chain.log_partition(5000, emissions.data(), p.data())));
  for (size_t i = 0; i < p.size(); i += 3) EXPECT_NEAR(p[i] + p[i + 1] + p[i + 2], 1, 1e-9);
}

TEST(Crf, RefusesWhatDoesNotFit) {
  const Packing packing = Packing::make(std::vector<int64_t>{2, 1});
  const auto zeros = [](Shape shape) { return Var(Tensor::zeros(std::move(shape))); };
  const ops::CrfWeights weights{zeros({3, 3}), zeros({3}), zeros({3})};
  const std::vector<int32_t> targets = {0, 1, 2}, stranger = {0, 3, 1};
  EXPECT_EQ(testing::error_of<ShapeError>([&] {
              ops::crf_loss(nullptr, packing, zeros({4, 3}), weights, targets);
            }),
            "[crf_loss] the rows of emissions must be 3; got 4. Check the sizes of the layers.");
  EXPECT_EQ(testing::error_of<ShapeError>([&] {
              ops::crf_loss(nullptr, packing, zeros({3, 3}), {zeros({2, 2}), zeros({3}), zeros({3})}, targets);
            }),
            "[crf_loss] the size of transitions must be 9; got 4. Check the sizes of the layers.");
  EXPECT_EQ(testing::error_of<ShapeError>([&] {
              ops::crf_loss(nullptr, packing, zeros({3, 3}), weights, stranger);
            }),
            "[crf_loss] targets must lie in [0, 3); got 3. Check the vocabulary.");
  // Without scores all of 3 * 3 + 3 paths are equal.
  const ops::CrossEntropy loss = ops::crf_loss(nullptr, packing, zeros({3, 3}), weights, targets);
  EXPECT_NEAR(loss.nll_sum, 3 * std::log(3), 1e-6);
  EXPECT_NEAR(loss.loss.value().item(), std::log(3), 1e-6) << "for each row";
}

}  // namespace linear_chain_test
}  // namespace carousel
