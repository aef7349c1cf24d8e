// Products of bf16 with one vector or four at a time: a 32-bit lane holds two codes of one output, each the upper half
// of an f32, so that a shift and a mask widen them.
#include <algorithm>

#include "carousel/kernels/quant/bf16_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/quant/bf16_simd.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::quant::HWY_NAMESPACE {
#if HWY_NATIVE_FMA

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kVector>;
using V = hn::Vec<D>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));

/// Products of kRows rows of x, the first of them x, with kVectors vectors of outputs. `codes`: of the panel, from
/// those outputs on; `step`: codes from one pair to the next; `left`: outputs that there are.
template <int kRows, int kVectors>
HWY_INLINE void Tile(const Product& p, const float* x, const uint16_t* codes, int64_t step, float* y, int64_t left) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const auto upper = hn::Set(du, 0xFFFF0000u);
  V sum[kRows][kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  int64_t l = 0;
  for (; l + 1 < p.k; l += kPair, codes += step) {
    V first[kRows], second[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      first[r] = hn::Set(d, x[r * p.k + l]);
      second[r] = hn::Set(d, x[r * p.k + l + 1]);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const auto pair = hn::LoadU(du, reinterpret_cast<const uint32_t*>(codes) + v * kLanes);
      const V low = hn::BitCast(d, hn::ShiftLeft<16>(pair)), high = hn::BitCast(d, hn::And(pair, upper));
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sum[r][v] = hn::MulAdd(second[r], high, hn::MulAdd(first[r], low, sum[r][v]));
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {  // an odd last column
    if (l == p.k) break;
    const auto pair = hn::LoadU(du, reinterpret_cast<const uint32_t*>(codes) + v * kLanes);
    const V low = hn::BitCast(d, hn::ShiftLeft<16>(pair));
    for (int r = 0; r < kRows; ++r) sum[r][v] = hn::MulAdd(hn::Set(d, x[r * p.k + l]), low, sum[r][v]);
  }
  HWY_ALIGN float edge[kVectors * kLanes];
  const int64_t count = std::min(left, kVectors * kLanes);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) hn::Store(sum[r][v], d, edge + v * kLanes);
    float* to = y + r * p.n;
    for (int64_t i = 0; i < count; ++i) to[i] = p.accumulate ? to[i] + edge[i] : edge[i];
  }
}

/// All outputs of a panel for kRows rows, kVectors vectors at a time and then half as many.
template <int kRows, int kVectors>
HWY_INLINE void Tiles(const Product& p, const float* x, const uint16_t* panel, int64_t width, float* y, int64_t left,
                      int64_t from) {
  int64_t i = from;
  for (; i + kVectors * kLanes <= width; i += kVectors * kLanes)
    Tile<kRows, kVectors>(p, x, panel + i * kPair, width * kPair, y + i, left - i);
  if constexpr (kVectors > 1) Tiles<kRows, kVectors / 2>(p, x, panel, width, y, left, i);
}

void MultiplyBf16(const Product& p) {
  constexpr int kVectorsOfFour = kLanes >= 16 ? 4 : 2;  // their sums shall lie in registers
  const auto* panel = reinterpret_cast<const uint16_t*>(p.packed);
  for (int64_t j = 0; j < p.n; j += kPanel) {
    const int64_t width = panel_width(p.n, j), left = p.n - j;
    int64_t r = 0;
    for (; r + 4 <= p.m; r += 4) Tiles<4, kVectorsOfFour>(p, p.x + r * p.k, panel, width, p.y + r * p.n + j, left, 0);
    for (; r < p.m; ++r) Tiles<1, 8>(p, p.x + r * p.k, panel, width, p.y + r * p.n + j, left, 0);
    panel += width * round_up(p.k, kPair);
  }
}

#else

void MultiplyBf16(const Product& p) {
  bf16_multiply_plainly(p);
}

#endif

const char* Bf16Target() {
  return HWY_NATIVE_FMA ? hwy::TargetName(HWY_TARGET) : "plain";
}

}  // namespace carousel::kernels::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::quant {

HWY_EXPORT(MultiplyBf16);
HWY_EXPORT(Bf16Target);

void bf16_multiply_simd(const Product& p) {
  HWY_DYNAMIC_DISPATCH(MultiplyBf16)(p);
}
const char* bf16_target() {
  return HWY_DYNAMIC_DISPATCH(Bf16Target)();
}

}  // namespace carousel::kernels::quant
#endif
