// f32 to bf16. Specification: kernels/reference/rounding.h.
#include "carousel/kernels/simd/rounding.h"

#include "carousel/kernels/reference/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/rounding.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<D>;

/// Bits of the values rounded, the lower half still there: what is to be cut off.
HWY_INLINE hn::Vec<DU> Rounded(hn::Vec<D> x) {
  const DU du;
  const auto bits = hn::BitCast(du, x);
  const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(bits, hn::Add(even, hn::Set(du, reference::kHalfBelow)));
  // Adding would carry a NaN's bits into its sign.
  const auto quiet = hn::Or(bits, hn::Set(du, reference::kQuiet));
  return hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(x)), quiet, rounded);
}

void ToBf16(int64_t n, const float* x, uint16_t* y) {
  const D d;
  const hn::Rebind<uint16_t, D> half;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::TruncateTo(half, hn::ShiftRight<16>(Rounded(hn::LoadU(d, x + i)))), half, y + i);
  for (; i < n; ++i) y[i] = reference::bf16_of(x[i]);
}

void RoundToBf16(int64_t n, const float* x, float* y) {
  const D d;
  const DU du;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::BitCast(d, hn::And(Rounded(hn::LoadU(d, x + i)), hn::Set(du, 0xFFFF0000u))), d, y + i);
  for (; i < n; ++i) y[i] = reference::f32_of(reference::bf16_of(x[i]));
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(ToBf16);
HWY_EXPORT(RoundToBf16);

void to_bf16(int64_t n, const float* x, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ToBf16)(n, x, y);
}
void round_to_bf16(int64_t n, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(RoundToBf16)(n, x, y);
}

}  // namespace carousel::kernels::simd
#endif
