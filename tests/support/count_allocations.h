// Counts what operator new hands out. To be included by one file of a test program.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace carousel::testing {

inline std::atomic<int64_t> allocation_count{0};

/// Calls of operator new so far, by all threads.
inline int64_t allocations() {
  return allocation_count.load();
}

}  // namespace carousel::testing

__attribute__((noinline)) void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++carousel::testing::allocation_count;
  return std::malloc(bytes > 0 ? bytes : 1);
}
__attribute__((noinline)) void* operator new(std::size_t bytes) {
  if (void* block = operator new(bytes, std::nothrow)) return block;
  throw std::bad_alloc();
}
// Where one of a pair is inlined and the other is not, GCC takes them for a mismatch.
__attribute__((noinline)) void operator delete(void* block) noexcept {
  std::free(block);
}
__attribute__((noinline)) void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
__attribute__((noinline)) void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
