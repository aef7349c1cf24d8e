// The roofs over products: that they are no lower than what is under them, and count what they do.
#include "carousel/kernels/roof.h"

#include <gtest/gtest.h>

namespace carousel::kernels {
namespace roof_test {

TEST(Roof, EveryProcessorMultipliesF32AndNoneWhatHasNoName) {
  ASSERT_NE(roof_loop("f32"), nullptr);
  EXPECT_EQ(roof_loop("f16"), nullptr);
  EXPECT_GT(roof_loop("f32")->operations, 1e6);
}

TEST(Roof, TheRateIsThatOfTheFastestRun) {
  static int runs = 0;
  const RoofLoop counting{"none", 1000, [] { ++runs; }};
  EXPECT_GT(roof_rate(counting, 7), 0);
  EXPECT_EQ(runs, 7);
}

TEST(Roof, EveryLoopRuns) {
  for (const char* numbers : {"f32", "bf16", "int8"}) {
    const RoofLoop* loop = roof_loop(numbers);
    if (!loop) continue;
    EXPECT_GT(roof_rate(*loop, 1), 0) << loop->instruction;
  }
}

}  // namespace roof_test
}  // namespace carousel::kernels
