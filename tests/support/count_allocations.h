// Counts what operator new hands out. To be included by one file of a test program.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAROUSEL_OPERATORS_ARE_TAKEN  // by the runtime of the sanitizer, which cannot be linked beside others
#endif
#endif

namespace carousel::testing {

#ifdef CAROUSEL_OPERATORS_ARE_TAKEN
constexpr bool kCountsAllocations = false;
#else
constexpr bool kCountsAllocations = true;
#endif

inline std::atomic<int64_t> allocation_count{0};

/// Calls of operator new so far, by all threads.
inline int64_t allocations() {
  return allocation_count.load();
}

}  // namespace carousel::testing

#ifndef CAROUSEL_OPERATORS_ARE_TAKEN
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
#endif
