// Pooled, 64-byte aligned memory for tensors and packed weights: freed blocks are kept by size class and handed out
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace carousel {

/// A block of at least `bytes` bytes, contents undefined. All but small blocks lie in huge pages where the system gives
/// them. Throws ResourceError when the machine has no more memory.
/// The plan called for a bump arena reset at each step; a pool gives the same absence of malloc once shapes repeat, and
/// a tensor that outlives its step stays valid.
std::shared_ptr<std::byte> allocate_block(int64_t bytes);

/// Bytes that tensors and packed weights hold now, and the most they ever held (what blocks have beyond their size
/// class is included in neither, nor what is free).
struct MemoryUse {
  int64_t current = 0;
  int64_t peak = 0;
};
MemoryUse tensor_memory();
/// Forgets the most that was held before: peak = current. For measuring one piece of work; no other may run meanwhile.
void reset_tensor_peak();

}  // namespace carousel
