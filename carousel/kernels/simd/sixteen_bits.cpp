// The vectors' own forms of kernels/reference/sixteen_bits.h, with the same bits.
#include "carousel/kernels/sixteen_bits.h"

#include "carousel/kernels/reference/sixteen_bits.h"
#include "carousel/kernels/simd/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/sixteen_bits.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Half = hn::Rebind<uint16_t, D>;

/// What is not above `low`, NaN too, counts as `low`.
HWY_INLINE V Inside(V x, float low) {
  const D d;
  const V one = hn::Set(d, 1), least = hn::Set(d, low);
  return hn::IfThenElse(hn::Gt(x, least), hn::IfThenElse(hn::Lt(x, one), x, one), least);
}

/// The same work for whole vectors and, one at a time, for the rest.
template <class From, class To, class Many, class One>
HWY_INLINE void Each(int64_t n, const From* x, To* y, Many many, One one) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) many(x + i, y + i);
  for (; i < n; ++i) y[i] = one(x[i]);
}

HWY_INLINE void StoreCodes(V steps, uint16_t* y) {
  const D d;
  const auto whole = hn::ConvertTo(hn::RebindToSigned<D>(), hn::Add(steps, hn::Set(d, 0.5f)));
  hn::StoreU(hn::DemoteTo(Half(), whole), Half(), y);
}

void ToCodes(Range16 range, int64_t n, const float* x, uint16_t* y) {
  const D d;
  const auto one = [range](float v) { return reference::to_16_bits(range, v); };
  if (range == Range16::unit) {
    const V steps = hn::Set(d, reference::kUnitSteps);
    Each(
        n, x, y,
        [&](const float* from, uint16_t* to) { StoreCodes(hn::Mul(Inside(hn::LoadU(D(), from), 0), steps), to); }, one);
  } else {
    const V steps = hn::Set(d, reference::kSymmetricSteps);
    Each(
        n, x, y,
        [&](const float* from, uint16_t* to) {
          StoreCodes(hn::Mul(hn::Add(Inside(hn::LoadU(D(), from), -1), hn::Set(D(), 1)), steps), to);
        },
        one);
  }
}

HWY_INLINE V LoadCodes(const uint16_t* x) {
  const hn::RebindToSigned<D> di;
  return hn::ConvertTo(D(), hn::PromoteTo(di, hn::LoadU(Half(), x)));
}

void FromCodes(Range16 range, int64_t n, const uint16_t* x, float* y) {
  const D d;
  const auto one = [range](uint16_t code) { return reference::from_16_bits(range, code); };
  if (range == Range16::unit) {
    const V step = hn::Set(d, 1 / reference::kUnitSteps);
    Each(
        n, x, y, [&](const uint16_t* from, float* to) { hn::StoreU(hn::Mul(LoadCodes(from), step), D(), to); }, one);
  } else if (range == Range16::symmetric) {
    const V steps = hn::Set(d, reference::kSymmetricSteps);
    Each(
        n, x, y,
        [&](const uint16_t* from, float* to) { hn::StoreU(hn::Div(hn::Sub(LoadCodes(from), steps), steps), D(), to); },
        one);
  } else {
    Each(
        n, x, y,
        [&](const uint16_t* from, float* to) {
          const auto bits = hn::PromoteTo(hn::RebindToUnsigned<D>(), hn::LoadU(Half(), from));
          hn::StoreU(hn::BitCast(D(), hn::ShiftLeft<16>(bits)), D(), to);
        },
        one);
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels {
namespace simd {

HWY_EXPORT(ToCodes);
HWY_EXPORT(FromCodes);

void to_codes(Range16 range, int64_t n, const float* x, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ToCodes)(range, n, x, y);
}
void from_codes(Range16 range, int64_t n, const uint16_t* x, float* y) {
  HWY_DYNAMIC_DISPATCH(FromCodes)(range, n, x, y);
}

}  // namespace simd

void to_16_bits(Range16 range, int64_t n, const float* x, uint16_t* y) {
  if (range == Range16::unbounded) {
    simd::to_bf16(n, x, y);
  } else {
    simd::to_codes(range, n, x, y);
  }
}

void from_16_bits(Range16 range, int64_t n, const uint16_t* x, float* y) {
  simd::from_codes(range, n, x, y);
}

}  // namespace carousel::kernels
#endif
