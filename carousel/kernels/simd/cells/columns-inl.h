// A loop over the columns of some rows side by side, a vector at a time. Re-included once per target, hence the guard
// that toggles.
#if defined(CAROUSEL_SIMD_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAROUSEL_SIMD_COLUMNS_INL_H_
#undef CAROUSEL_SIMD_COLUMNS_INL_H_
#else
#define CAROUSEL_SIMD_COLUMNS_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstddef>

#include "carousel/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

/// body(in, out) on vectors of `n` columns: in[k] of row in_rows[k] (zero where it is null), out[k] to row out_rows[k].
/// A row may be both. The rest that fills no vector goes through buffers, so nothing beyond n is touched.
template <size_t kIn, size_t kOut, class Body>
HWY_INLINE void EachColumn(int64_t n, const std::array<const float*, kIn>& in_rows,
                           const std::array<float*, kOut>& out_rows, const Body& body) {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V in[kIn], out[kOut];
  int64_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    for (size_t k = 0; k < kIn; ++k) in[k] = in_rows[k] ? hn::LoadU(d, in_rows[k] + j) : hn::Zero(d);
    body(in, out);
    for (size_t k = 0; k < kOut; ++k) hn::StoreU(out[k], d, out_rows[k] + j);
  }
  if (j == n) return;
  HWY_ALIGN float buffer[hn::MaxLanes(D())] = {};
  const auto rest = static_cast<size_t>(n - j);
  for (size_t k = 0; k < kIn; ++k) {
    if (in_rows[k]) std::copy_n(in_rows[k] + j, rest, buffer);
    in[k] = in_rows[k] ? hn::Load(d, buffer) : hn::Zero(d);
  }
  body(in, out);
  for (size_t k = 0; k < kOut; ++k) {
    hn::Store(out[k], d, buffer);
    std::copy_n(buffer, rest, out_rows[k] + j);
  }
}

/// p + offset, or null when p is.
inline const float* At(const float* p, int64_t offset) {
  return p ? p + offset : nullptr;
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
