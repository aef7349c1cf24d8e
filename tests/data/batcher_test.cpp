#include "carousel/data/batcher.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace batcher_test {

using testing::error_of;

using Lengths = std::vector<int64_t>;

std::vector<Lengths> epoch_of(Batcher& batcher, int64_t epoch) {
  std::vector<Lengths> batches;
  for (int64_t i = 0; i < batcher.num_batches(epoch); ++i) {
    const auto batch = batcher.batch(epoch, i);
    batches.emplace_back(batch.begin(), batch.end());
  }
  return batches;
}

TEST(Batcher, GivesEveryExampleOnceAnEpochWithinBothBounds) {
  const bool holds = rc::check([] {
    const auto count = static_cast<size_t>(*rc::gen::inRange(1, 300));
    const auto source = *rc::gen::container<Lengths>(count, rc::gen::inRange<int64_t>(1, 40));
    const auto target = *rc::gen::container<Lengths>(count, rc::gen::inRange<int64_t>(1, 40));
    BatcherConfig config;
    config.batch_size = *rc::gen::inRange(1, 40);
    config.max_batch_tokens = *rc::gen::element(0, 1, 50, 300);
    config.batches_per_chunk = *rc::gen::element(0, 1, 3);
    Batcher batcher(source, target, config, 7);
    std::multiset<int64_t> seen;
    for (const Lengths& batch : epoch_of(batcher, 2)) {
      RC_ASSERT(!batch.empty());
      RC_ASSERT(static_cast<int64_t>(batch.size()) <= config.batch_size);
      int64_t tokens = 0;
      for (const int64_t example : batch) {
        tokens += source[static_cast<size_t>(example)] + target[static_cast<size_t>(example)];
        seen.insert(example);
      }
      RC_ASSERT(config.max_batch_tokens == 0 || tokens <= config.max_batch_tokens || batch.size() == 1);
    }
    RC_ASSERT(seen.size() == count);
    RC_ASSERT(std::set<int64_t>(seen.begin(), seen.end()).size() == count);
  });
  EXPECT_TRUE(holds);
}

TEST(Batcher, IsAPureFunctionOfSeedAndEpoch) {
  Lengths lengths(200);
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<int64_t>(i % 17) + 1;
  BatcherConfig config;
  config.batch_size = 8;
  Batcher first(lengths, lengths, config, 1), second(lengths, lengths, config, 1), other(lengths, lengths, config, 2);
  const auto zero = epoch_of(first, 0), one = epoch_of(first, 1);
  EXPECT_NE(zero, one);
  EXPECT_EQ(epoch_of(second, 1), one);  // whatever was asked for before
  EXPECT_EQ(epoch_of(second, 0), zero);
  EXPECT_NE(epoch_of(other, 0), zero);
}

TEST(Batcher, PutsSimilarLengthsTogether) {
  Lengths lengths(640);
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<int64_t>((i * 37) % 64) + 1;
  BatcherConfig config;
  config.batch_size = 10;
  config.batches_per_chunk = 0;
  Batcher batcher(lengths, lengths, config, 1);
  for (const Lengths& batch : epoch_of(batcher, 0)) {
    for (const int64_t example : batch) {
      EXPECT_EQ(lengths[static_cast<size_t>(example)], lengths[static_cast<size_t>(batch[0])]);
    }
  }
}

TEST(Batcher, RefusesWhatItCannotBatch) {
  EXPECT_EQ(error_of<ShapeError>([] {
              Batcher({1}, {1, 2}, {}, 1);
            }),
            "[batcher] there must be one source and target length per example, and examples; got 1 and 2. Pass one of "
            "each per example.");
  EXPECT_THROW(Batcher({}, {}, {}, 1), ShapeError);
  BatcherConfig config;
  config.batch_size = 0;
  EXPECT_EQ(error_of<ConfigError>([&] { Batcher({1}, {1}, config, 1); }),
            "[batcher] batch_size must be at least 1; got 0. Choose a larger one.");
  Batcher batcher({1}, {1}, {}, 1);
  EXPECT_EQ(error_of<ShapeError>([&] { batcher.batch(0, 1); }),
            "[batcher] a batch index must be below 1; got 1. Ask num_batches of this epoch.");
}

}  // namespace batcher_test
}  // namespace carousel::data
