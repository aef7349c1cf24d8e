#include "carousel/base/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "carousel/base/error.h"

namespace carousel {

namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kCarvedFrom = int64_t{8} << 10;  ///< smaller blocks are left to malloc
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CAROUSEL_WATCHED_BLOCKS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(CAROUSEL_WATCHED_BLOCKS)
constexpr bool kWatched = true;  // each block by itself and none larger than it was, so that its ends are seen
#else
constexpr bool kWatched = false;
#endif

/// Four classes per power of two: few enough that blocks are found again.
int64_t size_class(int64_t bytes) {
  if (bytes <= 256) return 256;
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes - 1)));
  const int64_t quarter = power / 4;
  return power + (bytes - power + quarter - 1) / quarter * quarter;
}

class Pool {
 public:
  struct Block {
    std::byte* at;
    int64_t size;
  };

  /// Of this size class, or, where all of them are in use, a free one of up to twice its size: batches of packed
  /// sequences are all of other sizes, and blocks of each of them would stay.
  Block take(int64_t size) {
    {
      const std::lock_guard lock(mutex_);
      use_.current += size;
      use_.peak = std::max(use_.peak, use_.current);
      const int64_t largest = kWatched ? size : 2 * size;
      for (auto found = free_.lower_bound(size); found != free_.end() && found->first <= largest; ++found) {
        auto& [found_size, list] = *found;
        if (list.empty()) continue;
        std::byte* block = list.back();
        list.pop_back();
        return {block, found_size};
      }
    }
    std::byte* block = !kWatched && size >= kCarvedFrom && size < kHugePage ? carve(size) : from_system(size);
    if (block) return {block, size};
    forget(size);
    throw ResourceError(fmt::format(
        "[memory] no memory for a block of {} bytes; tensors hold {} bytes. Use a smaller batch_size or hidden_size.",
        size, use().current));
  }

  /// A block that was asked for as `size`.
  void give(Block block, int64_t size) {
    const std::lock_guard lock(mutex_);
    use_.current -= size;
    free_[block.size].push_back(block.at);
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.current;
  }

 private:
  /// Null when there is none.
  static std::byte* from_system(int64_t size) {
    const int64_t alignment = size >= kHugePage ? kHugePage : kAlignment;
    const int64_t rounded = (size + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(rounded));
    if (block && size >= kHugePage) madvise(block, static_cast<size_t>(rounded), MADV_HUGEPAGE);
    return static_cast<std::byte*>(block);
  }

  /// The next piece of a huge page; what is left of the one before is lost.
  std::byte* carve(int64_t size) {
    const std::lock_guard lock(mutex_);
    if (size > chunk_left_) {
      std::byte* chunk = from_system(kHugePage);
      if (!chunk) return nullptr;
      chunk_ = chunk;
      chunk_left_ = kHugePage;
    }
    std::byte* block = chunk_;
    chunk_ += size;
    chunk_left_ -= size;
    return block;
  }

  void forget(int64_t size) {
    const std::lock_guard lock(mutex_);
    use_.current -= size;
  }

  std::mutex mutex_;
  std::map<int64_t, std::vector<std::byte*>> free_;
  std::byte* chunk_ = nullptr;
  int64_t chunk_left_ = 0;
  MemoryUse use_;
};

/// Never destroyed: tensors with static storage duration may still give blocks back at exit.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

}  // namespace

std::shared_ptr<std::byte> allocate_block(int64_t bytes) {
  const int64_t size = size_class(bytes);
  const Pool::Block block = pool().take(size);
  return {block.at, [block, size](std::byte*) { pool().give(block, size); }};
}

MemoryUse tensor_memory() {
  return pool().use();
}

void reset_tensor_peak() {
  pool().reset_peak();
}

}  // namespace carousel
