// The matrix lies in panels of eight vectors of outputs, the last one narrower: a product reads it once, from its
// beginning to its end, and keeps eight sums under way, which hides the latency of the multiply-add.
// The hardware sees the order coming: prefetches of our own made no difference beyond noise.
#include "carousel/kernels/simd/gemv.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/gemv.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int kVectors = 8;
constexpr int64_t kPanel = kVectors * kLanes;

/// Columns of the panel that begins at output j: a multiple of the lanes.
int64_t WidthAt(int64_t n, int64_t j) {
  return std::min(kPanel, (n - j + kLanes - 1) / kLanes * kLanes);
}

int64_t GemvSize(int64_t n, int64_t k) {
  return (n + kLanes - 1) / kLanes * kLanes * k;
}

void GemvPack(int64_t n, int64_t k, const float* w, int64_t ldw, float* packed) {
  for (int64_t j = 0; j < n; j += kPanel) {
    const int64_t width = WidthAt(n, j);
    for (int64_t l = 0; l < k; ++l)
      for (int64_t i = 0; i < width; ++i) *packed++ = j + i < n ? w[(j + i) * ldw + l] : 0.0f;
  }
}

template <int kCount>
HWY_INLINE void Panel(const Gemv<float>& p, const float* panel, int64_t j) {
  const D d;
  V sum[kCount];
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) sum[v] = hn::Zero(d);
  for (int64_t l = 0; l < p.k; ++l) {
    const V x = hn::Set(d, p.x[l]);
    const float* row = panel + l * kCount * kLanes;
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) sum[v] = hn::MulAdd(x, hn::LoadU(d, row + v * kLanes), sum[v]);
  }
  float* y = p.y + j;
  if (j + kCount * kLanes <= p.n) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v)
      hn::StoreU(p.accumulate ? hn::Add(hn::LoadU(d, y + v * kLanes), sum[v]) : sum[v], d, y + v * kLanes);
    return;
  }
  HWY_ALIGN float edge[kCount * kLanes];
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) hn::Store(sum[v], d, edge + v * kLanes);
  for (int64_t i = 0; i < p.n - j; ++i) y[i] = p.accumulate ? y[i] + edge[i] : edge[i];
}

void GemvAll(const Gemv<float>& p) {
  const float* panel = p.packed;
  for (int64_t j = 0; j < p.n; j += kPanel) {
    const int64_t width = WidthAt(p.n, j);
    switch (width / kLanes) {
      case 1:
        Panel<1>(p, panel, j);
        break;
      case 2:
        Panel<2>(p, panel, j);
        break;
      case 3:
        Panel<3>(p, panel, j);
        break;
      case 4:
        Panel<4>(p, panel, j);
        break;
      case 5:
        Panel<5>(p, panel, j);
        break;
      case 6:
        Panel<6>(p, panel, j);
        break;
      case 7:
        Panel<7>(p, panel, j);
        break;
      default:
        Panel<8>(p, panel, j);
        break;
    }
    panel += width * p.k;
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(GemvSize);
HWY_EXPORT(GemvPack);
HWY_EXPORT(GemvAll);

int64_t gemv_size(int64_t n, int64_t k) {
  return HWY_DYNAMIC_DISPATCH(GemvSize)(n, k);
}
void gemv_pack(int64_t n, int64_t k, const float* w, int64_t ldw, float* packed) {
  HWY_DYNAMIC_DISPATCH(GemvPack)(n, k, w, ldw, packed);
}
void gemv(const Gemv<float>& p) {
  HWY_DYNAMIC_DISPATCH(GemvAll)(p);
}

}  // namespace carousel::kernels::simd
#endif
