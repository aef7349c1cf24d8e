// Pooled blocks: what is held, alignment, no two at one place.
#include "carousel/base/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace carousel {
namespace memory_test {

TEST(Memory, PeakIsTheMostSinceItWasReset) {
  const int64_t before = tensor_memory().current;
  { const auto large = allocate_block(4 << 20); }
  EXPECT_EQ(tensor_memory().current, before);
  EXPECT_GE(tensor_memory().peak - before, 4 << 20);
  reset_tensor_peak();
  EXPECT_EQ(tensor_memory().peak, before);
  { const auto small = allocate_block(4 << 10); }
  EXPECT_GE(tensor_memory().peak - before, 4 << 10);
  EXPECT_LT(tensor_memory().peak - before, 4 << 20);
}

TEST(Memory, BlocksAreAlignedAndApart) {
  std::vector<std::pair<std::shared_ptr<std::byte>, int64_t>> blocks;
  for (int64_t round = 0; round < 4; ++round)
    for (const int64_t bytes : {1, 300, 8000, 9000, 70000, 900000, 1100000, 3000000}) {
      blocks.emplace_back(allocate_block(bytes), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back().first.get()) % 64, 0u) << bytes;
      std::memset(blocks.back().first.get(), static_cast<int>(blocks.size()), static_cast<size_t>(bytes));
    }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto& [block, bytes] = blocks[i];
    for (const int64_t at : {int64_t{0}, bytes / 2, bytes - 1})
      EXPECT_EQ(std::to_integer<size_t>(block.get()[at]), i + 1) << bytes;
  }
}

TEST(Memory, AFreedBlockIsHandedOutAgain) {
  for (const int64_t bytes : {500, 100000, 5000000}) {
    auto block = allocate_block(bytes);
    const std::byte* place = block.get();
    block.reset();
    EXPECT_EQ(allocate_block(bytes).get(), place) << bytes;
  }
}

TEST(Memory, AFreedBlockOfUpToTwiceTheSizeIsTaken) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "under the sanitizer a block is as large as it was asked for, so that its ends are seen";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "under the sanitizer a block is as large as it was asked for, so that its ends are seen";
#endif
#endif
  auto block = allocate_block(60000000);
  const std::byte* place = block.get();
  block.reset();
  const int64_t before = tensor_memory().current;
  {
    const auto smaller = allocate_block(33000000);
    EXPECT_EQ(smaller.get(), place);
    EXPECT_LT(tensor_memory().current - before, 60000000) << "counted as what was asked for";
    EXPECT_NE(allocate_block(33000000).get(), place) << "it is in use";
  }
  EXPECT_EQ(tensor_memory().current, before);
  EXPECT_NE(allocate_block(20000000).get(), place) << "less than half of it";
  EXPECT_EQ(allocate_block(60000000).get(), place);
}

}  // namespace memory_test
}  // namespace carousel
