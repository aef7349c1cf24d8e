// Products of bf16 with one vector at a time: a 32-bit lane holds two codes of one output, each the upper half of an
// f32, so that a shift and a mask widen them.
#include <algorithm>

#include "carousel/kernels/quant/bf16_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/quant/bf16_simd.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::quant::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_NATIVE_FMA

using D = hn::CappedTag<float, kVector>;
using V = hn::Vec<D>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));

/// Products of one row of x with kVectors vectors of outputs. `codes`: of the panel, from those outputs on; `step`:
/// codes from one pair to the next; `left`: outputs that there are.
template <int kVectors>
HWY_INLINE void Tile(const Product& p, const float* x, const uint16_t* codes, int64_t step, float* y, int64_t left) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const auto upper = hn::Set(du, 0xFFFF0000u);
  V sum[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
  int64_t l = 0;
  for (; l + kPair <= p.k; l += kPair, codes += step) {
    const V first = hn::Set(d, x[l]), second = hn::Set(d, x[l + 1]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const auto pair = hn::LoadU(du, reinterpret_cast<const uint32_t*>(codes) + v * kLanes);
      sum[v] = hn::MulAdd(first, hn::BitCast(d, hn::ShiftLeft<16>(pair)), sum[v]);
      sum[v] = hn::MulAdd(second, hn::BitCast(d, hn::And(pair, upper)), sum[v]);
    }
  }
  if (l < p.k) {
    const V last = hn::Set(d, x[l]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const auto pair = hn::LoadU(du, reinterpret_cast<const uint32_t*>(codes) + v * kLanes);
      sum[v] = hn::MulAdd(last, hn::BitCast(d, hn::ShiftLeft<16>(pair)), sum[v]);
    }
  }
  HWY_ALIGN float edge[kVectors * kLanes];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) hn::Store(sum[v], d, edge + v * kLanes);
  const int64_t count = std::min(left, kVectors * kLanes);
  for (int64_t i = 0; i < count; ++i) y[i] = p.accumulate ? y[i] + edge[i] : edge[i];
}

template <int kVectors>
HWY_INLINE void Tiles(const Product& p, const float* x, const uint16_t* panel, int64_t width, float* y, int64_t left,
                      int64_t from) {
  int64_t i = from;
  for (; i + kVectors * kLanes <= width; i += kVectors * kLanes)
    Tile<kVectors>(p, x, panel + i * kPair, width * kPair, y + i, left - i);
  if constexpr (kVectors > 1) Tiles<kVectors / 2>(p, x, panel, width, y, left, i);
}

void MultiplyBf16(const Product& p) {
  for (int64_t r = 0; r < p.m; ++r) {
    const auto* panel = reinterpret_cast<const uint16_t*>(p.packed);
    for (int64_t j = 0; j < p.n; j += kPanel) {
      const int64_t width = panel_width(p.n, j);
      Tiles<8>(p, p.x + r * p.k, panel, width, p.y + r * p.n + j, p.n - j, 0);
      panel += width * round_up(p.k, kPair);
    }
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
