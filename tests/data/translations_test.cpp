// Which symbols bring forth which, and where in a pair.
#include "carousel/data/translations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::data {
namespace translations_test {

using Sequences = std::vector<std::vector<int32_t>>;

/// Targets are their sources backwards, each symbol 100 more.
std::pair<Sequences, Sequences> backwards(int64_t pairs) {
  Rng rng(3, 0);
  Sequences sources, targets;
  for (int64_t i = 0; i < pairs; ++i) {
    std::vector<int32_t> source;
    for (uint64_t k = 2 + rng.below(5); k > 0; --k) source.push_back(static_cast<int32_t>(rng.below(12)));
    std::vector<int32_t> target(source.rbegin(), source.rend());
    for (int32_t& symbol : target) symbol += 100;
    sources.push_back(source);
    targets.push_back(target);
  }
  return {sources, targets};
}

TEST(Translations, FindsWhatASymbolBringsForthAndWhere) {
  const auto [sources, targets] = backwards(400);
  const Translations t = Translations::learn(sources, targets);
  for (int32_t s = 0; s < 12; ++s) EXPECT_GT(t.probability(s, 100 + s), 0.8);
  EXPECT_EQ(t.probability(50, 100), 0);
  const std::vector<float> rows = t.align(std::vector<int32_t>{1, 2, 3}, std::vector<int32_t>{103, 102, 101});
  ASSERT_EQ(rows.size(), 9u);
  for (size_t step = 0; step < 3; ++step) {
    EXPECT_NEAR(rows[3 * step] + rows[3 * step + 1] + rows[3 * step + 2], 1, 1e-5);
    EXPECT_GT(rows[3 * step + (2 - step)], 0.9);
  }
}

/// One iteration by hand: with uniform probabilities each target symbol is shared out by nearness alone.
TEST(Translations, TensionSharesOutByDistance) {
  TranslationsConfig config;
  config.iterations = 1;
  config.tension = 2;
  const Translations t = Translations::learn(Sequences{{1, 2}}, Sequences{{7, 8}}, config);
  const double near = 1, far = std::exp(-2 * 0.5);
  const double one_seven = near / (near + far), one_eight = far / (near + far);
  EXPECT_NEAR(t.probability(1, 7), one_seven / (one_seven + one_eight), 1e-12);
  EXPECT_NEAR(t.probability(1, 8), one_eight / (one_seven + one_eight), 1e-12);
  // Symbols that never met: by the tension alone.
  const std::vector<float> strange = t.align(std::vector<int32_t>{5, 6}, std::vector<int32_t>{9});
  EXPECT_NEAR(strange[0], near / (near + far), 1e-6);
}

TEST(Translations, ManyPairsAreSampledEvenly) {
  const auto [sources, targets] = backwards(400);
  Sequences first = sources, second = targets;
  for (auto& source : first)
    for (int32_t& symbol : source) symbol += 20;  // other symbols, all of them at the end
  for (auto& target : second)
    for (int32_t& symbol : target) symbol += 20;
  Sequences all = sources, all_targets = targets;
  all.insert(all.end(), first.begin(), first.end());
  all_targets.insert(all_targets.end(), second.begin(), second.end());
  TranslationsConfig config;
  config.max_cells = 4000;
  const Translations t = Translations::learn(all, all_targets, config);
  EXPECT_GT(t.probability(3, 103), 0.5);
  EXPECT_GT(t.probability(23, 123), 0.5);
}

TEST(Translations, WithoutTensionAStrangerLooksEverywhereAlike) {
  const Translations t = Translations::learn(Sequences{{1, 2}}, Sequences{{7, 8}});
  EXPECT_EQ(t.align(std::vector<int32_t>{5, 6}, std::vector<int32_t>{9}), (std::vector<float>{0.5F, 0.5F}));
  EXPECT_TRUE(t.align({}, {}).empty());
}

}  // namespace translations_test
}  // namespace carousel::data
