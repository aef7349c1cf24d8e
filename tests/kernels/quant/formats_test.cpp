// Number formats: what rounding costs, and products that give the same bits on every processor.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/kernels/quant/bf16.h"
#include "carousel/kernels/quant/bf16_layout.h"
#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/quant/int8.h"
#include "carousel/kernels/table.h"
#include "tests/support/temp_dir.h"

namespace carousel::kernels::quant {
namespace formats_test {

using Floats = std::vector<float>;

/// Values of very different sizes, with zeros among them.
Floats random_values(int64_t n, uint64_t seed) {
  Rng rng(seed, 0);
  Floats v(static_cast<size_t>(n));
  for (float& x : v) x = rng.below(9) == 0 ? 0 : rng.normal() * std::exp2(static_cast<float>(rng.below(12)) - 6);
  return v;
}

/// A matrix in a format.
struct Coded {
  const Format* format;
  int64_t n, k;
  std::vector<std::byte> codes;
  Floats scales, decoded;

  Coded(const Format& f, int64_t rows, int64_t columns, const Floats& w)
      : format(&f),
        n(rows),
        k(columns),
        codes(static_cast<size_t>(rows * columns * f.code_bytes)),
        scales(static_cast<size_t>(rows), -1.0f),
        decoded(static_cast<size_t>(rows * columns)) {
    f.encode(n, k, w.data(), codes.data(), scales.data());
    f.decode(n, k, codes.data(), scales.data(), decoded.data());
  }

  /// Packed columns [begin, end).
  std::vector<std::byte> packed(int64_t begin, int64_t end) const {
    std::vector<std::byte> to(static_cast<size_t>(format->packed_bytes(n, end - begin)));
    format->pack({n, end - begin, k, codes.data() + begin * format->code_bytes, scales.data()}, to.data());
    return to;
  }
  std::vector<std::byte> packed() const { return packed(0, k); }
};

Floats product(Multiply multiply, const std::vector<std::byte>& packed, int64_t m, int64_t n, int64_t k,
               const Floats& x, Floats y, bool accumulate) {
  multiply({m, n, k, packed.data(), x.data(), y.data(), accumulate});
  return y;
}

/// Bits, so that NaN equals itself and -0 differs from 0.
std::vector<uint32_t> bits(const Floats& values) {
  std::vector<uint32_t> list(values.size());
  std::memcpy(list.data(), values.data(), values.size() * sizeof(float));
  return list;
}

class FormatOf : public ::testing::TestWithParam<std::string> {
 protected:
  const Format& format() const { return format_named(GetParam()); }
};

TEST_P(FormatOf, RoundsByLessThanItsStep) {
  constexpr int64_t kRows = 40, kColumns = 37;
  const Floats w = random_values(kRows * kColumns, 1);
  const Coded coded(format(), kRows, kColumns, w);
  for (int64_t i = 0; i < kRows; ++i) {
    float largest = 0;
    for (int64_t l = 0; l < kColumns; ++l)
      largest = std::max(largest, std::abs(w[static_cast<size_t>(i * kColumns + l)]));
    for (int64_t l = 0; l < kColumns; ++l) {
      const auto at = static_cast<size_t>(i * kColumns + l);
      // Half a step: of int8 a 127th of the row's largest value, of bf16 eight significant bits of the value's own.
      const double bound = format().scaled ? 0.50001 / 127 * static_cast<double>(largest)
                                           : std::ldexp(static_cast<double>(std::abs(w[at])), -8);
      ASSERT_LE(std::abs(static_cast<double>(coded.decoded[at]) - static_cast<double>(w[at])), bound) << i << ", " << l;
    }
  }
  EXPECT_NE(coded.decoded, w);
}

TEST_P(FormatOf, EncodingWhatWasDecodedGivesTheSameCodes) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Coded once(format(), 8, 50, random_values(8 * 50, seed)), twice(format(), 8, 50, once.decoded);
    ASSERT_EQ(once.codes, twice.codes) << seed;
    ASSERT_EQ(bits(once.scales), bits(twice.scales)) << seed;
    ASSERT_EQ(bits(once.decoded), bits(twice.decoded)) << seed;
    ASSERT_TRUE(format().sound(8, 50, once.codes.data(), once.scales.data()));
  }
}

TEST_P(FormatOf, FastProductsHaveTheBitsOfThePlainOnes) {
  const int64_t rows[] = {1, 3, 15, 16, 17, 33, 64, 127, 128, 129, 143, 200, 257};
  const int64_t columns[] = {0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 64, 101};
  for (const int64_t n : rows)
    for (const int64_t k : columns) {
      const Coded w(format(), n, k, random_values(n * k, 3));
      const std::vector<std::byte> packed = w.packed();
      for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 13})
        for (const bool accumulate : {false, true}) {
          if (m > 2 && (n > 200 || k > 64)) continue;
          const Floats x = random_values(m * k, 4), before = random_values(m * n + 1, 5);
          const Floats plain = product(format().multiply_plainly, packed, m, n, k, x, before, accumulate);
          EXPECT_EQ(plain.back(), before.back()) << "written past the end";
          ASSERT_EQ(bits(product(format().multiply_fast, packed, m, n, k, x, before, accumulate)), bits(plain))
              << format().target() << ": [" << m << ", " << k << "] x [" << k << ", " << n << "]";
        }
    }
}

TEST_P(FormatOf, ProductsAreThoseOfTheDecodedWeights) {
  constexpr int64_t kRows = 70, kColumns = 90, kBatch = 3;
  const Coded w(format(), kRows, kColumns, random_values(kRows * kColumns, 6));
  const Floats x = random_values(kBatch * kColumns, 7);
  const Floats y =
      product(format().multiply_fast, w.packed(), kBatch, kRows, kColumns, x, Floats(kBatch * kRows), false);
  for (int64_t r = 0; r < kBatch; ++r) {
    double largest = 0;
    for (int64_t l = 0; l < kColumns; ++l)
      largest = std::max(largest, static_cast<double>(std::abs(x[static_cast<size_t>(r * kColumns + l)])));
    for (int64_t i = 0; i < kRows; ++i) {
      double sum = 0, weights = 0;
      for (int64_t l = 0; l < kColumns; ++l) {
        const auto code = static_cast<double>(w.decoded[static_cast<size_t>(i * kColumns + l)]);
        sum += code * static_cast<double>(x[static_cast<size_t>(r * kColumns + l)]);
        weights += std::abs(code);
      }
      // int8 rounds x too, by half a step; bf16 only adds up in f32.
      const double bound = format().scaled ? weights * largest * 0.5001 / 127 : weights * largest * 1e-5;
      ASSERT_NEAR(y[static_cast<size_t>(r * kRows + i)], sum, bound) << r << ", " << i;
    }
  }
}

TEST_P(FormatOf, AnOutputDoesNotDependOnItsNeighbours) {
  constexpr int64_t kRows = 150, kColumns = 33;
  const Floats values = random_values(kRows * kColumns, 8), x = random_values(kColumns, 9);
  const Coded all(format(), kRows, kColumns, values);
  const Floats y = product(format().multiply_fast, all.packed(), 1, kRows, kColumns, x, Floats(kRows), false);
  for (const int64_t first : {1, 17, 128, 149}) {
    const Coded rest(format(), kRows - first, kColumns, Floats(values.begin() + first * kColumns, values.end()));
    EXPECT_EQ(bits(product(format().multiply_fast, rest.packed(), 1, kRows - first, kColumns, x,
                           Floats(static_cast<size_t>(kRows - first)), false)),
              bits(Floats(y.begin() + first, y.end())));
  }
}

TEST_P(FormatOf, SomeColumnsKeepTheScalesOfTheirRows) {
  const Coded w(format(), 20, 30, random_values(20 * 30, 10));
  const Floats x = random_values(11, 11);
  Floats padded(30);
  std::copy(x.begin(), x.end(), padded.begin() + 7);
  EXPECT_EQ(bits(product(format().multiply_fast, w.packed(7, 18), 1, 20, 11, x, Floats(20), false)),
            bits(product(format().multiply_fast, w.packed(), 1, 20, 30, padded, Floats(20), false)));
}

TEST_P(FormatOf, WhatIsNotFiniteStaysInItsRow) {
  const Coded w(format(), 20, 9, Floats(20 * 9, 0.5f));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (const Multiply multiply : {format().multiply_plainly, format().multiply_fast}) {
      Floats x = random_values(3 * 9, 12);
      x[9 + 4] = bad;
      const Floats y = product(multiply, w.packed(), 3, 20, 9, x, Floats(60), false);
      for (size_t i = 0; i < 60; ++i) EXPECT_EQ(std::isfinite(y[i]), i < 20 || i >= 40) << i;
    }
}

TEST_P(FormatOf, ZerosGiveZeros) {
  const Coded w(format(), 5, 6, Floats(30));
  EXPECT_EQ(w.decoded, Floats(30));
  EXPECT_EQ(product(format().multiply_fast, w.packed(), 1, 5, 6, Floats(6, 1.0f), Floats(5), false), Floats(5));
  const Coded ones(format(), 5, 6, Floats(30, 1.0f));
  EXPECT_EQ(product(format().multiply_fast, ones.packed(), 1, 5, 6, Floats(6), Floats(5), false), Floats(5));
}

INSTANTIATE_TEST_SUITE_P(All, FormatOf, ::testing::Values("int8", "bf16"),
                         [](const auto& param_info) { return param_info.param; });

TEST(Formats, AllAreTested) {
  EXPECT_EQ(formats().size(), 2u) << "add the new one to the values above";
}

TEST(Formats, AnUnknownNameIsRefused) {
  EXPECT_EQ(carousel::testing::error_of<ConfigError>([] { format_named("int7"); }),
            "[quantize] the number format must be one of int8, bf16; got 'int7'. Choose one of them.");
}

TEST(Formats, TheKernelSetChoosesTheProduct) {
  const std::string before = table<float>().name;
  for (const Format* format : formats()) {
    use("reference");
    EXPECT_EQ(multiply_of(*format), format->multiply_plainly);
    use("simd");
    EXPECT_EQ(multiply_of(*format), format->multiply_fast);
  }
  use(before);
}

TEST(Int8, EveryInstructionSetGivesTheSameBits) {
  for (const char* target : {"avx512vnni", "avx2"}) {
    const Multiply multiply = int8_multiply_named(target);
    if (!multiply) continue;
    for (const int64_t n : {1, 16, 31, 128, 150})
      for (const int64_t k : {1, 4, 7, 16, 33, 96})
        for (const int64_t m : {1, 4, 9}) {
          const Coded w(int8(), n, k, random_values(n * k, 13));
          const Floats x = random_values(m * k, 14), before = random_values(m * n, 15);
          ASSERT_EQ(bits(product(multiply, w.packed(), m, n, k, x, before, true)),
                    bits(product(int8().multiply_plainly, w.packed(), m, n, k, x, before, true)))
              << target << ": " << m << ", " << n << ", " << k;
        }
  }
  EXPECT_EQ(int8_multiply_named("plain"), int8().multiply_plainly);
  EXPECT_EQ(int8_multiply_named("mmx"), nullptr);
}

TEST(Int8, TheLargestSumsAreExact) {
  // The widest matrix and the largest codes, of either sign: nothing saturates or wraps around.
  const int64_t k = int8().max_columns;
  for (const float sign : {1.0f, -1.0f}) {
    const Coded w(int8(), 3, k, Floats(static_cast<size_t>(3 * k), sign));
    for (const char* target : {"avx512vnni", "avx2", "plain"})
      if (const Multiply multiply = int8_multiply_named(target)) {
        const Floats y = product(multiply, w.packed(), 1, 3, k, Floats(static_cast<size_t>(k), 2.0f), Floats(3), false);
        EXPECT_NEAR(y[2], sign * 2 * static_cast<float>(k), 0.5f) << target;
      }
  }
}

TEST(Int8, ACodeTimesItsScaleIsExact) {
  const Coded w(int8(), 60, 30, random_values(60 * 30, 16));
  for (size_t i = 0; i < w.decoded.size(); ++i) {
    const double code = static_cast<int8_t>(w.codes[i]);
    ASSERT_EQ(static_cast<double>(w.decoded[i]), code * static_cast<double>(w.scales[i / 30])) << i;
  }
}

TEST(Int8, AVectorOfNextToNothingCountsAsZeros) {
  const Coded w(int8(), 2, 4, Floats(8, 1.0f)), tiny(int8(), 2, 4, Floats(8, 1e-31f));
  for (const Multiply multiply : {int8().multiply_plainly, int8().multiply_fast})
    EXPECT_EQ(product(multiply, w.packed(), 1, 2, 4, Floats(4, 1e-31f), Floats(2), false), Floats(2));
  EXPECT_EQ(tiny.decoded, Floats(8));
}

TEST(Int8, OnlySoundCodesPass) {
  int8_t codes[] = {127, -127, 0, 1};
  float scales[] = {0.5f, 0.0f};
  EXPECT_TRUE(int8().sound(2, 2, codes, scales));
  codes[3] = -128;
  EXPECT_FALSE(int8().sound(2, 2, codes, scales));
  codes[3] = 1;
  for (const float bad :
       {-0.5f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 2e30f}) {
    scales[1] = bad;
    EXPECT_FALSE(int8().sound(2, 2, codes, scales)) << bad;
  }
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  const auto rounded = [](float value) { return Coded(bf16(), 1, 1, {value}).decoded[0]; };
  EXPECT_EQ(rounded(1.0f), 1.0f);
  EXPECT_EQ(rounded(1.0f + 0x1p-8f), 1.0f);                // a tie, down to even
  EXPECT_EQ(rounded(1.0f + 3 * 0x1p-8f), 1.0f + 0x1p-6f);  // a tie, up to even
  EXPECT_EQ(rounded(-1.0f - 0x1.02p-8f), -1.0f - 0x1p-7f);
  EXPECT_EQ(rounded(std::numeric_limits<float>::max()), 0x1.FEp127f);  // the largest there is, not infinity
}

TEST(Bf16, OnlySoundCodesPass) {
  uint16_t codes[] = {0x3F80, 0xFF7F};
  EXPECT_TRUE(bf16().sound(1, 2, codes, nullptr));
  for (const uint16_t bad : std::initializer_list<uint16_t>{0x7F80, 0xFF80, 0x7FC0}) {
    codes[0] = bad;
    EXPECT_FALSE(bf16().sound(1, 2, codes, nullptr));
  }
}

}  // namespace formats_test
}  // namespace carousel::kernels::quant
