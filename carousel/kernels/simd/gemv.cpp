// The matrix lies in panels of eight vectors of outputs, the last one narrower: a product reads it once, from its
// beginning to its end, and keeps eight sums under way for one vector, 24 for many, which hides the latency of the
// multiply-add.
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

/// Rows of x that are taken at once, and vectors of outputs beside them: 24 sums of 32 registers, or 12 of 16. Many
/// rows and few vectors, because the panel comes from the second-level cache, and so many rows of x from the first
/// while they have no more than some 1,000 columns.
constexpr int kMany = kLanes >= 16 ? 12 : 6;
constexpr int kVectorsOfMany = 2;
/// Of four rows that are left.
constexpr int kVectorsOfFour = kLanes >= 16 ? 4 : 2;

/// kRows rows of x, the first of them number r, with kCount vectors of outputs, the first of them output j. `panel`:
/// from those outputs on; `width`: of the panel.
template <int kRows, int kCount>
HWY_INLINE void Panel(const Gemv<float>& p, int64_t r, const float* panel, int64_t width, int64_t j) {
  const D d;
  const float* x = p.x + r * p.k;
  V sum[kRows][kCount];
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) sum[i][v] = hn::Zero(d);
  for (int64_t l = 0; l < p.k; ++l, panel += width) {
    V w[kCount];
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) w[v] = hn::LoadU(d, panel + v * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      const V value = hn::Set(d, x[i * p.k + l]);
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) sum[i][v] = hn::MulAdd(value, w[v], sum[i][v]);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
    float* y = p.y + (r + i) * p.n + j;
    if (j + kCount * kLanes <= p.n) {
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v)
        hn::StoreU(p.accumulate ? hn::Add(hn::LoadU(d, y + v * kLanes), sum[i][v]) : sum[i][v], d, y + v * kLanes);
      continue;
    }
    HWY_ALIGN float edge[kCount * kLanes];
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) hn::Store(sum[i][v], d, edge + v * kLanes);
    for (int64_t o = 0; o < p.n - j && o < kCount * kLanes; ++o) y[o] = p.accumulate ? y[o] + edge[o] : edge[o];
  }
}

/// All outputs of a panel for kRows rows, kCount vectors at a time and then half as many.
template <int kRows, int kCount>
HWY_INLINE void Pieces(const Gemv<float>& p, int64_t r, const float* panel, int64_t width, int64_t j, int64_t from) {
  int64_t i = from;
  for (; i + kCount * kLanes <= width; i += kCount * kLanes) Panel<kRows, kCount>(p, r, panel + i, width, j + i);
  if constexpr (kCount > 1) Pieces<kRows, kCount / 2>(p, r, panel, width, j, i);
}

void GemvAll(const Gemv<float>& p) {
  for (int64_t j = 0; j < p.n; j += kPanel) {
    const float* panel = p.packed + j * p.k;
    const int64_t width = WidthAt(p.n, j);
    int64_t r = 0;
    for (; r + kMany <= p.m; r += kMany) Pieces<kMany, kVectorsOfMany>(p, r, panel, width, j, 0);
    for (; r + 4 <= p.m; r += 4) Pieces<4, kVectorsOfFour>(p, r, panel, width, j, 0);
    for (; r < p.m; ++r) Pieces<1, kVectors>(p, r, panel, width, j, 0);
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
