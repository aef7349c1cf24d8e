// First values of weights that are about to be replaced.
#include "carousel/nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace init_test {

using carousel::testing::error_of;

bool all_zero(const Tensor& t) {
  const auto values = t.span<float>();
  return std::all_of(values.begin(), values.end(), [](float v) { return v == 0; });
}

TEST(BlankInit, GivesZerosWhileItLives) {
  {
    const BlankInit blank(int64_t{1} << 20);
    EXPECT_TRUE(all_zero(normal_init({3, 4}, 1.0, Rng(1, 1))));
    EXPECT_TRUE(all_zero(glorot_init(3, 4, Rng(1, 1))));
    EXPECT_TRUE(all_zero(gate_init(2, 3, 4, Rng(1, 1))));
    const Tensor square = orthogonal_init(2, 3, Rng(1, 1));
    EXPECT_TRUE(all_zero(square));
    EXPECT_EQ(square.shape(), (Shape{6, 3}));
  }
  EXPECT_FALSE(all_zero(normal_init({3, 4}, 1.0, Rng(1, 1))));
  EXPECT_FALSE(all_zero(orthogonal_init(2, 3, Rng(1, 1))));
}

TEST(BlankInit, RefusesMoreThanItMayTakeBeforeAllocating) {
  const BlankInit blank(100);
  glorot_init(4, 4, Rng(1, 1));
  EXPECT_EQ(error_of<ConfigError>([] { orthogonal_init(4, 65536, Rng(1, 1)); }),
            "[model] the configuration must fit the weights in the file; got one that asks for 68719476736 more bytes "
            "where 36 are left. Fetch the file again, or train anew.");
}

}  // namespace init_test
}  // namespace carousel::nn
