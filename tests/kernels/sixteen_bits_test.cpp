#include "carousel/kernels/sixteen_bits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "carousel/kernels/reference/sixteen_bits.h"

namespace carousel::kernels {
namespace sixteen_bits_test {

std::vector<float> there_and_back(Range16 range, const std::vector<float>& x) {
  std::vector<uint16_t> codes(x.size());
  std::vector<float> y(x.size(), 7);
  to_16_bits(range, static_cast<int64_t>(x.size()), x.data(), codes.data());
  from_16_bits(range, static_cast<int64_t>(x.size()), codes.data(), y.data());
  return y;
}

TEST(SixteenBits, ErrorsAreHalfAStepAtMost) {
  std::vector<float> x;
  for (int i = 0; i <= 200000; ++i) x.push_back(static_cast<float>(i) / 100000 - 1);
  const std::vector<float> symmetric = there_and_back(Range16::symmetric, x),
                           free = there_and_back(Range16::unbounded, x);
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(symmetric[i], x[i], 1.6e-5) << x[i];
    ASSERT_NEAR(free[i], x[i], std::abs(x[i]) / 256) << x[i];
  }
  for (float& v : x) v = std::abs(v);
  const std::vector<float> unit = there_and_back(Range16::unit, x);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(unit[i], x[i], 7.8e-6) << x[i];
}

TEST(SixteenBits, EndsAndZeroAreExact) {
  EXPECT_EQ(there_and_back(Range16::unit, {0, 1}), (std::vector<float>{0, 1}));
  EXPECT_EQ(there_and_back(Range16::symmetric, {-1, 0, 1}), (std::vector<float>{-1, 0, 1}));
  EXPECT_EQ(there_and_back(Range16::unbounded, {-3, 0, 1024}), (std::vector<float>{-3, 0, 1024}));
}

TEST(SixteenBits, ANearlyOpenGateStaysNearlyOpen) {
  EXPECT_LT(there_and_back(Range16::unit, {0.9999f})[0], 1);
  EXPECT_EQ(there_and_back(Range16::unbounded, {0.9999f})[0], 1) << "why gates have codes of their own";
}

TEST(SixteenBits, WhatIsNoNumberOfTheRangeHasACodeToo) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(there_and_back(Range16::unit, {nan, infinite, -infinite, 2, -2}), (std::vector<float>{0, 1, 0, 1, 0}));
  EXPECT_EQ(there_and_back(Range16::symmetric, {nan, infinite, -infinite, 2, -2}),
            (std::vector<float>{-1, 1, -1, 1, -1}));
  const std::vector<float> free = there_and_back(Range16::unbounded, {infinite, -infinite, nan});
  EXPECT_EQ(free[0], infinite);
  EXPECT_EQ(free[1], -infinite);
  EXPECT_TRUE(std::isnan(free[2]));
}

TEST(SixteenBits, VectorsHaveTheBitsOfThePlainForm) {
  std::vector<float> x = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), -0.0f, 1e-40f};
  for (int i = 0; i < 30000; ++i) x.push_back(static_cast<float>(i) / 14000 - 1.05f);
  std::vector<uint16_t> codes(x.size()), all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> numbers(all.size());
  for (const Range16 range : {Range16::unit, Range16::symmetric, Range16::unbounded}) {
    for (const size_t n : {size_t{3}, size_t{37}, x.size()}) {
      to_16_bits(range, static_cast<int64_t>(n), x.data(), codes.data());
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(codes[i], reference::to_16_bits(range, x[i])) << x[i];
    }
    from_16_bits(range, 65536, all.data(), numbers.data());
    for (size_t i = 0; i < all.size(); ++i) {
      const float plain = reference::from_16_bits(range, all[i]);
      ASSERT_TRUE(numbers[i] == plain || (std::isnan(numbers[i]) && std::isnan(plain))) << i;
    }
  }
}

}  // namespace sixteen_bits_test
}  // namespace carousel::kernels
