#include "carousel/base/threads.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <limits>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel {
namespace threads_test {

/// Half of the smallest normal number. Volatile, so that it is computed here and neither before nor after.
float half_of_smallest() {
  volatile float number = std::numeric_limits<float>::min();
  number = number * 0.5F;
  return number;
}

TEST(Threads, SetGivesThatManyAndZeroGivesAllCores) {
  const int before = num_threads();
  set_threads(3);
  EXPECT_EQ(num_threads(), 3);
  set_threads(0);
  EXPECT_EQ(num_threads(), available_cores());
  EXPECT_GE(available_cores(), 1);
  set_threads(before);
}

TEST(Threads, ImpossibleNumbersAreRefused) {
  EXPECT_EQ(testing::error_of<ConfigError>([] { set_threads(-1); }),
            "[threads] the number of threads is 1 to 1024, or 0 for all cores; got -1. Use 0.");
  EXPECT_THROW(set_threads(1025), ConfigError);
}

TEST(FlushDenormals, HoldsForItsScopeInEachWorker) {
  EXPECT_GT(half_of_smallest(), 0.0F);
  int flushed = 0, restored = 0;
#pragma omp parallel num_threads(2) reduction(+ : flushed, restored)
  {
    {
      const FlushDenormals guard;
      flushed += half_of_smallest() == 0.0F;
    }
    restored += half_of_smallest() > 0.0F;
  }
  EXPECT_EQ(restored, 2);
#if defined(__x86_64__) || defined(__aarch64__)
  EXPECT_EQ(flushed, 2);
#endif
}

}  // namespace threads_test
}  // namespace carousel
