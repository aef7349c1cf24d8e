// How long answers take: percentiles in constant memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace carousel::cli {

/// Counts durations in classes whose limits grow by a fiftieth, from 100 ns on.
class Latency {
 public:
  void start() { begin_ = std::chrono::steady_clock::now(); }
  void stop() { add(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count()); }
  void add(double seconds);
  /// The duration that a share of all does not exceed, rounded up to the limit of its class; 0 for none.
  double percentile(double share) const;
  /// "4032 rows; 5.2 us a row in the middle (p50), 9.8 us at p99".
  std::string text() const;

 private:
  std::array<int64_t, 1024> counts_{};
  int64_t all_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace carousel::cli
