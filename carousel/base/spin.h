// Waiting for another thread that is expected within microseconds.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace carousel {

/// Tells the processor that this thread spins.
inline void spin_pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until `done` holds or `latest` is past; returns what holds then. The clock is looked at now and then.
template <class Done>
bool spin_until(std::chrono::steady_clock::time_point latest, Done done) {
  while (true) {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      spin_pause();
    }
    if (std::chrono::steady_clock::now() >= latest) return done();
  }
}

/// How long a waiting thread spins before it sleeps.
constexpr auto kSpinTime = std::chrono::microseconds(50);

/// A place where threads wait for each other, again and again: spinning at first, then asleep, so that one
/// whose core was taken away does not cost the others theirs.
class SpinBarrier {
 public:
  SpinBarrier() = default;
  SpinBarrier(const SpinBarrier&) = delete;
  SpinBarrier& operator=(const SpinBarrier&) = delete;

  /// Returns when `threads` threads are here, the same number for all. What one wrote before, all see after.
  void wait(int threads) {
    const uint32_t phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.fetch_add(1, std::memory_order_release);
      phase_.notify_all();  // a look at a counter unless one sleeps
      return;
    }
    const auto passed = [&] { return phase_.load(std::memory_order_acquire) != phase; };
    if (!spin_until(std::chrono::steady_clock::now() + kSpinTime, passed))
      phase_.wait(phase, std::memory_order_acquire);
  }

 private:
  // On cache lines of their own, in pairs as processors fetch them.
  alignas(128) std::atomic<int> arrived_{0};
  alignas(128) std::atomic<uint32_t> phase_{0};
};

}  // namespace carousel
