// What does one clock of `--profile` cost? The least of many loops over empty
// scopes: noise only adds. `benchmarks/answers` multiplies it by the clocks of a training.
// Usage: bench_clocks
#include <atomic>
#include <chrono>
#include <limits>

#include "benchmarks/measure.h"

using namespace carousel;

namespace {

/// Seconds of one scope.
double seconds_of_a_scope() {
  constexpr int kScopes = 100000, kLoops = 50;
  double least = std::numeric_limits<double>::max();
  for (int loop = 0; loop < kLoops; ++loop) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kScopes; ++i) {
      const profile::Scope scope(profile::Part::cells, 1.0);
      std::atomic_signal_fence(std::memory_order_seq_cst);  // or the loop might be computed in one step
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    least = std::min(least, took.count() / kScopes);
  }
  return least;
}

}  // namespace

int main() {
  profile::start();
  const double seconds = seconds_of_a_scope();
  profile::stop();
  std::printf("{\"program\": \"carousel\", \"workload\": \"clock\", \"seconds\": %.3g}\n", seconds);
}
