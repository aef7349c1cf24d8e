// Pooled, 64-byte aligned memory for tensors: freed blocks are kept by size class and handed out again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace carousel {

/// A block of at least `bytes` bytes, contents undefined. Throws ResourceError when the machine has no more memory.
/// The plan called for a bump arena reset at each step; a pool gives the same absence of malloc once shapes repeat, and
/// a tensor that outlives its step stays valid.
std::shared_ptr<std::byte> allocate_block(int64_t bytes);

}  // namespace carousel
