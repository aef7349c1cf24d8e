// Number of worker threads and the floating-point mode they run in.
#pragma once

#include <cstdint>

namespace carousel {

/// Cores this process may use: its CPU affinity, cut to the CPU quota of its control group (containers). At least 1.
int available_cores();
/// Threads that OpenMP regions use from now on; 0: available_cores(). Throws ConfigError when negative or above 1024.
void set_threads(int64_t count);
int num_threads();

/// While it lives, subnormal results and operands of this thread are zero (FTZ and DAZ; a subnormal costs a hundred
/// times a normal number). The mode belongs to a thread: put one of these at the start of each OpenMP worker's block.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t saved_ = 0;
};

}  // namespace carousel
