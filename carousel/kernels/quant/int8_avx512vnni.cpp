// Products of int8 by vpdpbusd: in each 32-bit lane four products of a rounded value of x, 0 to 255, with a code, added
// up without saturation. Up to eight rows of x share what is read of W. Their 16 sums lie in registers; of 24, for
// which there is room, GCC 12 keeps most in memory.
#include "carousel/kernels/quant/int8_x86.h"

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)  // false alarms on what these headers leave undefined, GCC bug 105593
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "carousel/kernels/quant/int8_layout.h"

#define CAROUSEL_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

namespace carousel::kernels::quant {

namespace {

/// Rows of x, rounded, and where their products go.
struct Block {
  Int8Packed w;
  int64_t n = 0, groups = 0;
  const uint8_t* q = nullptr;  // [rows, groups * kGroup]
  const float* scales = nullptr;
  float* y = nullptr;  // [rows, n]
  bool accumulate = false;

  Block from_row(int64_t row) const {
    Block rest = *this;
    rest.q += row * groups * kGroup;
    rest.scales += row;
    rest.y += row * n;
    return rest;
  }
};

/// As round_vector(); k is rounded up by writing whole vectors: q has room for a multiple of 16.
CAROUSEL_VNNI float round_fast(int64_t k, const float* x, uint8_t* q) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  __m512i largest = _mm512_setzero_si512();
  for (int64_t l = 0; l < k; l += 16) {
    const auto mask = static_cast<__mmask16>(k - l < 16 ? (1u << (k - l)) - 1 : 0xFFFFu);
    const __m512i bits = _mm512_castps_si512(_mm512_maskz_loadu_ps(mask, x + l));
    largest = _mm512_max_epu32(largest, _mm512_and_si512(bits, magnitude));
  }
  const VectorScale s(_mm512_reduce_max_epu32(largest));
  const __m512 inverse = _mm512_set1_ps(s.inverse);
  const __m512i shift = _mm512_set1_epi32(kShift);
  // Without an inverse nothing of x may be read as a number: what is not finite times 0 is not 0.
  const bool any = s.inverse > 0;
  for (int64_t l = 0; l < k; l += 16) {
    const auto mask = static_cast<__mmask16>(!any ? 0u : k - l < 16 ? (1u << (k - l)) - 1 : 0xFFFFu);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + l), inverse);
    const __m512i code = _mm512_add_epi32(_mm512_cvtps_epi32(scaled), shift);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + l), _mm512_cvtepi32_epi8(code));
  }
  return s.scale;
}

/// sum += four products a lane.
CAROUSEL_VNNI inline void add_products(__m512i& sum, __m512i x, __m512i w) {
#if defined(__clang__)
  sum = _mm512_dpbusd_epi32(sum, x, w);
#else
  // GCC 12 takes a register other than sum's for the result and copies both ways: with the copies a core of Intel's can
  // begin no more than two thirds of the products it could do.
  asm("vpdpbusd\t%2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
#endif
}

/// Products of kRows rows with kVectors vectors of outputs, the first of them output j. `codes`: of the panel, from
/// those outputs on; `step`: from one group to the next.
template <int kRows, int kVectors>
CAROUSEL_VNNI void tile(const Block& b, const int8_t* codes, int64_t step, int64_t j) {
  __m512i sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_si512();
  const int64_t width = b.groups * kGroup;
  for (int64_t g = 0; g < b.groups; ++g, codes += step) {
    __m512i x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      int32_t four = 0;
      std::memcpy(&four, b.q + r * width + g * kGroup, sizeof four);
      x[r] = _mm512_set1_epi32(four);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const __m512i w = _mm512_loadu_si512(codes + v * kVector * kGroup);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) add_products(sum[r][v], x[r], w);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const int64_t at = j + v * kVector, left = b.n - at;
    const auto mask = static_cast<__mmask16>(left < kVector ? (1u << left) - 1 : 0xFFFFu);
    const __m512i correction = _mm512_loadu_si512(b.w.corrections + at);
    const __m512 scale = _mm512_loadu_ps(b.w.scales + at);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum[r][v], correction));
      __m512 product = _mm512_mul_ps(exact, _mm512_mul_ps(_mm512_set1_ps(b.scales[r]), scale));
      float* y = b.y + r * b.n + at;
      if (b.accumulate) product = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, y), product);
      _mm512_mask_storeu_ps(y, mask, product);
    }
  }
}

/// The vectors of a panel from number `from` on, kVectors at a time and then fewer: few sizes, each a piece of code.
template <int kRows, int kVectors>
void tiles(const Block& b, const int8_t* panel, int64_t width, int64_t j, int64_t from) {
  int64_t v = from;
  for (; (v + kVectors) * kVector <= width; v += kVectors)
    tile<kRows, kVectors>(b, panel + v * kVector * kGroup, width * kGroup, j + v * kVector);
  if constexpr (kVectors > 1) tiles<kRows, kVectors == 8 ? 4 : 1>(b, panel, width, j, v);
}

/// The products of all rows with a panel. Of many rows eight at a time meet two vectors of outputs, whose codes stay in
/// the nearest cache while all rows pass; of what is left over four at a time, then fewer, meet the whole panel.
void rows(const Block& b, int64_t count, const int8_t* panel, int64_t width, int64_t j) {
  const int64_t eights = count / 8 * 8;
  for (int64_t v = 0; v < width && eights > 0; v += 2 * kVector) {
    const int8_t* codes = panel + v * kGroup;
    for (int64_t r = 0; r < eights; r += 8) {
      if (v + kVector < width) {
        tile<8, 2>(b.from_row(r), codes, width * kGroup, j + v);
      } else {
        tile<8, 1>(b.from_row(r), codes, width * kGroup, j + v);
      }
    }
  }
  for (int64_t r = eights, taken = 0; r < count; r += taken) {
    const int64_t left = count - r;
    taken = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    const Block some = b.from_row(r);
    if (taken == 4) {
      tiles<4, 4>(some, panel, width, j, 0);
    } else if (taken == 2) {
      tiles<2, 8>(some, panel, width, j, 0);
    } else {
      tiles<1, 8>(some, panel, width, j, 0);
    }
  }
}

}  // namespace

void int8_multiply_avx512vnni(const Product& p) {
  constexpr int64_t kRoom = 6 * kInt8Columns, kMostRows = 96;
  alignas(64) uint8_t q[kRoom + kVector];
  float scales[kMostRows];
  const int64_t groups = round_up(p.k, kGroup) / kGroup;
  const int64_t most = std::min(kMostRows, kRoom / std::max<int64_t>(groups * kGroup, 1));
  for (int64_t r = 0; r < p.m; r += most) {
    const int64_t count = std::min(most, p.m - r);
    // In order: the end of a row is written beyond by the vectors of its own, and then by the next row.
    for (int64_t i = 0; i < count; ++i) scales[i] = round_fast(p.k, p.x + (r + i) * p.k, q + i * groups * kGroup);
    const Block block{Int8Packed(p.packed, p.n), p.n, groups, q, scales, p.y + r * p.n, p.accumulate};
    const int8_t* panel = block.w.codes;
    each_panel(p.n, [&](int64_t j, int64_t width) {
      rows(block, count, panel, width, j);
      panel += width * groups * kGroup;
    });
  }
}

}  // namespace carousel::kernels::quant

#endif
