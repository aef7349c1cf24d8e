#include "carousel/base/threads.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "carousel/base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace carousel {

namespace {

constexpr int64_t kMostThreads = 1024;

/// Cores that the CPU quota of a version 2 control group amounts to, or 0 when there is none.
int quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  try {
    return static_cast<int>(std::ceil(std::clamp(std::stod(quota) / period, 1.0, double{kMostThreads})));
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

int available_cores() {
  const int cores = std::clamp(omp_get_num_procs(), 1, static_cast<int>(kMostThreads));
  const int quota = quota_cores();
  return quota > 0 ? std::min(cores, quota) : cores;
}

void set_threads(int64_t count) {
  if (count < 0 || count > kMostThreads) {
    throw ConfigError(fmt::format("[threads] the number of threads is 1 to {}, or 0 for all cores; got {}. Use 0.",
                                  kMostThreads, count));
  }
  omp_set_num_threads(count == 0 ? available_cores() : static_cast<int>(count));
}

int num_threads() {
  return omp_get_max_threads();
}

#if defined(__x86_64__)

FlushDenormals::FlushDenormals() : saved_(_mm_getcsr()) {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  _mm_setcsr(static_cast<unsigned>(saved_) | kFlushToZero | kDenormalsAreZero);
}

FlushDenormals::~FlushDenormals() {
  _mm_setcsr(static_cast<unsigned>(saved_));
}

#elif defined(__aarch64__)

FlushDenormals::FlushDenormals() {
  constexpr uint64_t kFlushToZero = uint64_t{1} << 24;
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" : : "r"(saved_ | kFlushToZero));
}

FlushDenormals::~FlushDenormals() {
  asm volatile("msr fpcr, %0" : : "r"(saved_));
}

#else

FlushDenormals::FlushDenormals() = default;
FlushDenormals::~FlushDenormals() = default;

#endif

}  // namespace carousel
