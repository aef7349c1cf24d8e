// Products of every kernel set against the double-precision reference.
#include <gtest/gtest.h>
#include <omp.h>

#include <bit>
#include <cmath>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/kernels/reference/rounding.h"
#include "carousel/kernels/simd/rounding.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels {
namespace product_test {

std::vector<float> random_values(int64_t n, uint64_t seed) {
  Rng rng(seed, 0);
  std::vector<float> v(static_cast<size_t>(n));
  for (float& x : v) x = rng.normal();
  return v;
}

struct Case {
  int64_t m, n, k;
};

const std::vector<Case> kCases = {{1, 1, 1},     {1, 17, 5},     {3, 16, 8},     {5, 33, 31},
                                  {12, 32, 64},  {13, 47, 65},   {130, 70, 20},  {300, 24, 257},
                                  {7, 129, 600}, {64, 96, 1040}, {1000, 40, 130}};

double tolerance(int64_t k) {
  return 1e-6 * std::sqrt(static_cast<double>(k)) * 8;
}

class Product : public ::testing::TestWithParam<std::string> {};

TEST_P(Product, EqualsDoubleReferenceForEveryTransposition) {
  const Table<float>& table = table_named(GetParam());
  const int64_t before = gemm_calls(GetParam());
  for (const auto& [m, n, k] : kCases) {
    for (int flags = 0; flags < 8; ++flags) {
      const bool ta = flags & 1, tb = flags & 2, add = flags & 4;
      const auto a = random_values(m * k, 1), b = random_values(k * n, 2);
      auto c = random_values(m * n, 3);
      const auto c0 = c;
      table.gemm({ta, tb, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, add});
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          const auto at = static_cast<size_t>(i * n + j);
          double sum = add ? static_cast<double>(c0[at]) : 0.0;
          for (int64_t l = 0; l < k; ++l)
            sum += static_cast<double>(a[static_cast<size_t>(ta ? l * m + i : i * k + l)]) *
                   static_cast<double>(b[static_cast<size_t>(tb ? j * k + l : l * n + j)]);
          ASSERT_NEAR(c[at], sum, tolerance(k)) << m << "x" << n << "x" << k << " flags " << flags;
        }
    }
  }
  EXPECT_GT(gemm_calls(GetParam()), before) << "another set answered";
}

TEST_P(Product, PackedEqualsPlainInsideAndOutsideAParallelRegion) {
  const Table<float>& table = table_named(GetParam());
  for (const auto& [m, n, k] : kCases) {
    for (const bool transposed : {false, true}) {
      const auto a = random_values(m * k, 4), b = random_values(k * n, 5);
      auto expected = random_values(m * n, 6), outside = expected, inside = expected;
      table_named("reference")
          .gemm({false, transposed, m, n, k, a.data(), k, b.data(), transposed ? k : n, expected.data(), n, true});
      const auto packed = table.pack(transposed, k, n);
      packed->assign(b.data(), transposed ? k : n);
      packed->multiply(m, a.data(), outside.data(), true);
      const int64_t rows = m;  // a structured binding may not be used in a parallel region
#pragma omp parallel num_threads(2)
#pragma omp single
      packed->multiply(rows, a.data(), inside.data(), true);
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(outside[i], expected[i], tolerance(k)) << m << "x" << n << "x" << k;
        ASSERT_NEAR(inside[i], expected[i], tolerance(k)) << m << "x" << n << "x" << k;
      }
    }
  }
}

TEST_P(Product, RowsOfAStridedMatrixAreLeftAlone) {
  const Table<float>& table = table_named(GetParam());
  const auto a = random_values(4 * 10, 1), b = random_values(6 * 9, 2);
  std::vector<float> c(4 * 12, 7.0f);
  table.gemm({false, false, 4, 5, 6, a.data(), 10, b.data(), 9, c.data(), 12, false});
  for (size_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (size_t l = 0; l < 6; ++l) sum += static_cast<double>(a[i * 10 + l]) * static_cast<double>(b[l * 9 + 4]);
    EXPECT_NEAR(c[i * 12 + 4], sum, 1e-4);
    for (size_t j = 5; j < 12; ++j) EXPECT_EQ(c[i * 12 + j], 7.0f);
  }
}

TEST_P(Product, NothingToSumGivesZero) {
  std::vector<float> a(1), b(1), c(6, 3.0f);
  table_named(GetParam()).gemm({false, false, 2, 3, 0, a.data(), 1, b.data(), 3, c.data(), 3, false});
  for (const float x : c) EXPECT_EQ(x, 0.0f);
}

INSTANTIATE_TEST_SUITE_P(AllSets, Product, ::testing::ValuesIn(available()),
                         [](const auto& param_info) { return param_info.param; });

/// Nearest bf16 by comparing the two neighbours: an oracle that shares no bit trick with the kernels.
float nearest_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const float below = std::bit_cast<float>(bits & 0xFFFF0000u);
  const float above = std::bit_cast<float>((bits & 0xFFFF0000u) + 0x10000u);
  const double low = std::abs(static_cast<double>(x) - static_cast<double>(below));
  const double high = std::abs(static_cast<double>(above) - static_cast<double>(x));
  if (low != high) return low < high ? below : above;
  return (bits >> 16) % 2 == 0 ? below : above;
}

std::vector<float> rounded(std::vector<float> values) {
  for (float& x : values) x = nearest_bf16(x);
  return values;
}

TEST_P(Product, InBf16EqualsTheDoubleProductOfRoundedOperands) {
  const Table<float>& table = table_named(GetParam());
  for (const auto& [m, n, k] : kCases) {
    for (int flags = 0; flags < 8; ++flags) {
      const bool ta = flags & 1, tb = flags & 2, add = flags & 4;
      const auto a = random_values(m * k, 1), b = random_values(k * n, 2);
      const auto left = rounded(a), right = rounded(b);
      auto c = random_values(m * n, 3), packed_c = c;
      const auto c0 = c;
      table.gemm_bf16({ta, tb, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, add});
      if (!ta) {
        const auto packed = table.pack_bf16(tb, k, n);
        packed->assign(b.data(), tb ? k : n);
        packed->multiply(m, a.data(), packed_c.data(), add);
      }
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          const auto at = static_cast<size_t>(i * n + j);
          double sum = add ? static_cast<double>(c0[at]) : 0.0;
          for (int64_t l = 0; l < k; ++l)
            sum += static_cast<double>(left[static_cast<size_t>(ta ? l * m + i : i * k + l)]) *
                   static_cast<double>(right[static_cast<size_t>(tb ? j * k + l : l * n + j)]);
          ASSERT_NEAR(c[at], sum, tolerance(k)) << m << "x" << n << "x" << k << " flags " << flags;
          if (!ta) {
            ASSERT_NEAR(packed_c[at], sum, tolerance(k)) << m << "x" << n << "x" << k << " flags " << flags;
          }
        }
    }
  }
}

TEST_P(Product, InBf16LeavesWhatLiesBetweenRowsAlone) {
  const auto a = random_values(4 * 10, 1), b = random_values(6 * 9, 2);
  const auto left = rounded(a), right = rounded(b);
  std::vector<float> c(4 * 12, 7.0f);
  table_named(GetParam()).gemm_bf16({false, false, 4, 5, 6, a.data(), 10, b.data(), 9, c.data(), 12, false});
  for (size_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (size_t l = 0; l < 6; ++l) sum += static_cast<double>(left[i * 10 + l]) * static_cast<double>(right[l * 9 + 4]);
    EXPECT_NEAR(c[i * 12 + 4], sum, 1e-4);
    for (size_t j = 5; j < 12; ++j) EXPECT_EQ(c[i * 12 + j], 7.0f);
  }
}

TEST_P(Product, ANotANumberStaysOneInBf16) {
  // Its lowest bits alone say that it is none: cutting them off would leave infinity, adding to them a number.
  for (const uint32_t bits : {0x7F800001u, 0x7FFFFFFFu, 0xFFFFFFFFu, 0xFF800001u}) {
    const std::vector<float> a(40, std::bit_cast<float>(bits)), b(40, 1.0f);
    std::vector<float> c(1);
    table_named(GetParam()).gemm_bf16({false, false, 1, 1, 40, a.data(), 40, b.data(), 1, c.data(), 1, false});
    EXPECT_TRUE(std::isnan(c[0])) << bits;
  }
}

TEST(Rounding, EqualsTheNearestBf16ForEveryUpperHalf) {
  // Every sign, exponent and significant bit, with lower halves around the middle and at the ends.
  constexpr uint32_t kLower[] = {0u, 1u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu};
  std::vector<float> x;
  for (uint32_t upper = 0; upper < 0x10000u; ++upper)
    for (const uint32_t lower : kLower) x.push_back(std::bit_cast<float>(upper << 16 | lower));
  std::vector<float> in_f32(x.size());
  std::vector<uint16_t> codes(x.size());
  const auto n = static_cast<int64_t>(x.size());
  simd::round_to_bf16(n, x.data(), in_f32.data());
  simd::to_bf16(n, x.data(), codes.data());
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(in_f32[i]), static_cast<uint32_t>(codes[i]) << 16) << x[i];
    ASSERT_EQ(codes[i], reference::bf16_of(x[i])) << x[i];
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(in_f32[i])) << std::bit_cast<uint32_t>(x[i]);
    } else if (std::isinf(x[i])) {
      ASSERT_EQ(in_f32[i], x[i]);
    } else if (std::abs(x[i]) < 3.3e38f) {  // the oracle's upper neighbour is a number
      ASSERT_EQ(in_f32[i], nearest_bf16(x[i])) << x[i];
    }
  }
}

TEST(Precision, AScopeChangesTheProductsOfTheActiveSetAndEndsIt) {
  const Table<float>& plain = table<float>();
  const std::string name = plain.name;
  ASSERT_EQ(precision(), Precision::f32);
  // 1 + 2^-10 is no bf16: rounded it is 1.
  const float a = 1.0009765625f, b = 1;
  float c = 0;
  const auto multiply = [&] {
    table<float>().gemm({false, false, 1, 1, 1, &a, 1, &b, 1, &c, 1, false});
    return c;
  };
  EXPECT_EQ(multiply(), a);
  {
    const PrecisionScope rounding(Precision::bf16);
    EXPECT_EQ(precision(), Precision::bf16);
    EXPECT_EQ(multiply(), 1.0f);
    EXPECT_NE(&table<float>(), &plain) << "packed weights of one precision must not serve the other";
    EXPECT_EQ(table<float>().name, name);
    use_profiled();
    EXPECT_EQ(multiply(), 1.0f);
    use(name);
    {
      const PrecisionScope back(Precision::f32);
      EXPECT_EQ(multiply(), a);
    }
    EXPECT_EQ(multiply(), 1.0f);
  }
  EXPECT_EQ(precision(), Precision::f32);
  EXPECT_EQ(&table<float>(), &plain);
}

#ifdef CAROUSEL_HAVE_ONEDNN
TEST(Product, WhatOnednnRefusesIsAnErrorOfOurs) {
  try {
    table_named("onednn").pack(false, -1, 4);
    FAIL();
  } catch (const ResourceError& e) {
    const std::string text = e.what();
    EXPECT_EQ(text.rfind("[onednn] the packing of a matrix [-1, 4] failed; got ", 0), 0u) << text;
    EXPECT_TRUE(text.ends_with(". Free memory, or set CAROUSEL_KERNELS=simd to do without oneDNN.")) << text;
  }
}
#endif

#ifdef CAROUSEL_HAVE_ONEDNN
/// Without AVX-512 its sums depend on the number of rows, and our own products are faster.
TEST(Dispatch, OnednnIsTakenWithAvx512) {
#if defined(__x86_64__)
  EXPECT_EQ(available().front(), __builtin_cpu_supports("avx512bw") ? "onednn" : "simd");
#else
  EXPECT_EQ(available().front(), "simd");
#endif
  EXPECT_EQ(available().size(), 3u);
}
#endif

TEST(Dispatch, UnknownSetNamesTheKnownOnes) {
  try {
    table_named("cuda");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find(
                  "[kernels] CAROUSEL_KERNELS names a kernel set of this build; got 'cuda'. Use one of: "),
              std::string::npos)
        << e.what();
  }
}

TEST(Dispatch, ForcedSetIsTheOneThatRuns) {
  const char* forced = std::getenv("CAROUSEL_KERNELS");
  const std::string expected = forced && *forced ? forced : available().front();
  EXPECT_EQ(table<float>().name, expected);
  const int64_t before = gemm_calls(expected);
  float a = 2, b = 3, c = 0;
  table<float>().gemm({false, false, 1, 1, 1, &a, 1, &b, 1, &c, 1, false});
  EXPECT_EQ(c, 6.0f);
  EXPECT_EQ(gemm_calls(expected), before + 1);
}

}  // namespace product_test
}  // namespace carousel::kernels
