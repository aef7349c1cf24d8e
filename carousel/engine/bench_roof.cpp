#include <omp.h>

#include <algorithm>
#include <chrono>

#include "carousel/base/threads.h"
#include "carousel/engine/bench.h"
#include "carousel/kernels/roof.h"
#include "carousel/tensor/tensor.h"

namespace carousel::engine {

namespace {

// Resolving clones before main() crashes under the thread sanitizer, which is not ready then.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAROUSEL_ONE_CLONE 1
#endif
#endif
#if defined(__x86_64__) && !defined(CAROUSEL_ONE_CLONE)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
uint32_t
sum_of(const uint32_t* values, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

thread_local volatile uint32_t kept_value = 0;

}  // namespace

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double arithmetic_roof(const std::string& numbers) {
  const kernels::RoofLoop* loop = kernels::roof_loop(numbers);
  if (!loop) return 0;
  double slowest = 1e300;
#pragma omp parallel num_threads(num_threads()) reduction(min : slowest)
  {
    const FlushDenormals flush;
    kernels::roof_rate(*loop, 3);
#pragma omp barrier
    slowest = kernels::roof_rate(*loop, 30);
  }
  return 1e-9 * slowest * num_threads();
}

double product_rate() {
  constexpr int64_t kN = 512;
  constexpr int kRepeat = 20;
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    double slowest = 0;
#pragma omp parallel num_threads(num_threads()) reduction(max : slowest)
    {
      const std::vector<float> a(kN * kN, 0.5f), b(kN * kN, 0.25f);
      std::vector<float> c(kN * kN);
      const auto packed = kernels::table<float>().pack(false, kN, kN);
      packed->assign(b.data(), kN);
      packed->multiply(kN, a.data(), c.data(), false);
#pragma omp barrier
      const double start = now_seconds();
      for (int i = 0; i < kRepeat; ++i) packed->multiply(kN, a.data(), c.data(), false);
      slowest = now_seconds() - start;
    }
    best = std::max(best, 2e-9 * kN * kN * kN * kRepeat * num_threads() / slowest);
  }
  return best;
}

struct ReadBlock::Values {
  Tensor tensor;
};

ReadBlock::ReadBlock(int64_t bytes) : values_(new Values{Tensor::full({bytes / 4}, 1, DType::i32)}) {}
ReadBlock::~ReadBlock() = default;

void ReadBlock::read() const {
  kept_value = kept_value + sum_of(static_cast<const uint32_t*>(values_->tensor.raw()),
                                   static_cast<size_t>(values_->tensor.numel()));
}

double read_roof_seconds(int64_t bytes, int threads) {
  const int loops = static_cast<int>((int64_t{256} << 20) / bytes) + 1;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    double slowest = 0;
#pragma omp parallel num_threads(threads) reduction(max : slowest)
    {
      const ReadBlock block(bytes / threads);
      block.read();
#pragma omp barrier
      const double start = now_seconds();
      for (int i = 0; i < loops; ++i) block.read();
      slowest = (now_seconds() - start) / loops;
    }
    best = std::min(best, slowest);
  }
  return best;
}

}  // namespace carousel::engine
