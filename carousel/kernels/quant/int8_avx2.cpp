// Products of int8 where there is no vpdpbusd: codes are widened to 16 bits and multiplied and added in pairs, which
// saturates nowhere.
#include "carousel/kernels/quant/int8_x86.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "carousel/kernels/quant/int8_layout.h"

#define CAROUSEL_AVX2 __attribute__((target("avx2")))

namespace carousel::kernels::quant {

namespace {

constexpr int64_t kHalf = kVector / 2;  ///< lanes of a 32-byte vector

/// The sums of kHalves times eight outputs over all groups. `x`: of each group the values 0, 2, 1, 3.
template <int kHalves>
CAROUSEL_AVX2 void tile(const int8_t* codes, int64_t step, int64_t groups, const int16_t* x, int32_t* sums) {
  __m256i sum[kHalves];
#pragma GCC unroll 8
  for (int h = 0; h < kHalves; ++h) sum[h] = _mm256_setzero_si256();
  for (int64_t g = 0; g < groups; ++g, codes += step, x += kGroup) {
    int32_t pair[2];
    std::memcpy(pair, x, sizeof pair);
    const __m256i even = _mm256_set1_epi32(pair[0]), odd = _mm256_set1_epi32(pair[1]);
#pragma GCC unroll 8
    for (int h = 0; h < kHalves; ++h) {
      const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + h * kHalf * kGroup));
      const __m256i codes02 = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), codes13 = _mm256_srai_epi16(w, 8);
      sum[h] =
          _mm256_add_epi32(sum[h], _mm256_add_epi32(_mm256_madd_epi16(codes02, even), _mm256_madd_epi16(codes13, odd)));
    }
  }
#pragma GCC unroll 8
  for (int h = 0; h < kHalves; ++h) _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + h * kHalf), sum[h]);
}

}  // namespace

void int8_multiply_avx2(const Product& p) {
  const Int8Packed w(p.packed, p.n);
  const int64_t groups = round_up(p.k, kGroup) / kGroup;
  uint8_t q[kInt8Columns];
  int16_t x[kInt8Columns];
  int32_t sums[kPanel];
  for (int64_t r = 0; r < p.m; ++r) {
    const float scale = round_vector(p.k, p.x + r * p.k, q);
    for (int64_t l = 0; l < groups * kGroup; l += kGroup)
      for (const auto& [to, from] : {std::pair(0, 0), {1, 2}, {2, 1}, {3, 3}})
        x[l + to] = static_cast<int16_t>(q[l + from] - kShift);
    const int8_t* panel = w.codes;
    each_panel(p.n, [&](int64_t j, int64_t width) {
      int64_t i = 0;
      for (; i + kPanel / 2 <= width; i += kPanel / 2) tile<8>(panel + i * kGroup, width * kGroup, groups, x, sums + i);
      for (; i < width; i += kVector) tile<2>(panel + i * kGroup, width * kGroup, groups, x, sums + i);
      float* y = p.y + r * p.n + j;
      for (i = 0; i < std::min(width, p.n - j); ++i) {
        const float product = static_cast<float>(sums[i]) * (scale * w.scales[j + i]);
        y[i] = p.accumulate ? y[i] + product : product;
      }
      panel += width * groups * kGroup;
    });
  }
}

}  // namespace carousel::kernels::quant

#endif
