// Splits kernel calls over threads. Inside a parallel region everything runs on the calling thread.
#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "carousel/base/threads.h"
#include "carousel/kernels/table.h"

namespace carousel {

/// Part `index` of `parts` of [0, n), boundaries at multiples of `step`: a pure function of its arguments, so results
/// do not depend on which thread runs when.
struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};
inline Range part_of(int64_t n, int64_t index, int64_t parts, int64_t step = 1) {
  const int64_t steps = (n + step - 1) / step;
  return {std::min(n, steps * index / parts * step), std::min(n, steps * (index + 1) / parts * step)};
}

/// Threads worth using for `work` units when a region start costs about `grain` units.
inline int worthwhile_threads(int64_t work, int64_t grain) {
  if (omp_in_parallel()) return 1;
  return static_cast<int>(std::clamp<int64_t>(work / grain, 1, num_threads()));
}

/// Takes exceptions out of parallel regions: one that leaves an OpenMP region ends the whole program. Each thread runs
/// its work through run(), and rethrow() stands behind the region:
///
///     ParallelGuard guard;
///     #pragma omp parallel
///     {
///       guard.run([&] { first_half(); });
///     #pragma omp barrier              // outside of run(): every thread must reach it
///       guard.run([&] { second_half(); });
///     }
///     guard.rethrow();
class ParallelGuard {
 public:
  /// Calls body() unless some thread has failed before. Of several exceptions the first one is kept.
  template <class Body>
  void run(Body&& body) noexcept {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      body();
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }
  /// Throws what was kept, if anything. The end of the region orders it behind all run().
  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

/// body(begin, end) over parts of [0, n). `cost` is the work of one index in elementary operations. What a body throws
/// comes out here, whichever thread it ran on.
template <class Body>
void parallel_for(int64_t n, int64_t cost, Body body, int64_t step = 1) {
  const int threads = worthwhile_threads(n * cost, 1 << 18);
  if (threads == 1) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
  ParallelGuard guard;
#pragma omp parallel num_threads(threads)
  {
    const FlushDenormals flush;
    const Range part = part_of(n, omp_get_thread_num(), omp_get_num_threads(), step);
    if (part.size() > 0) guard.run([&] { body(part.begin, part.end); });
  }
  guard.rethrow();
}

/// A plain product, rows (or, when there are few, columns) of C split over threads.
template <class T>
void product(const kernels::Gemm<T>& p) {
  const bool by_columns = p.m < 2 * 16;
  parallel_for(
      by_columns ? p.n : p.m, (by_columns ? p.m : p.n) * p.k,
      [&](int64_t begin, int64_t end) {
        kernels::Gemm<T> part = p;
        if (by_columns) {
          part.n = end - begin;
          part.b += p.trans_b ? begin * p.ldb : begin;
          part.c += begin;
        } else {
          part.m = end - begin;
          part.a += p.trans_a ? begin : begin * p.lda;
          part.c += begin * p.ldc;
        }
        kernels::table<T>().gemm(part);
      },
      16);
}

/// A product with a packed right-hand matrix [k, n], rows split over threads.
template <class T>
void product(const kernels::Packed<T>& b, int64_t m, int64_t k, int64_t n, const T* a, T* c, bool accumulate) {
  parallel_for(
      m, k * n, [&](int64_t begin, int64_t end) { b.multiply(end - begin, a + begin * k, c + begin * n, accumulate); },
      8);
}

/// sums[n] (+)= sum over the rows of x[rows, n], columns split over threads.
template <class T>
void column_sums(int64_t rows, int64_t n, const T* x, T* sums, bool accumulate) {
  parallel_for(
      n, rows,
      [&](int64_t begin, int64_t end) {
        kernels::table<T>().column_sums(rows, end - begin, x + begin, n, sums + begin, accumulate);
      },
      16);
}

}  // namespace carousel
