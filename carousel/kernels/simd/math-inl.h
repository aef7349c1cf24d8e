// Vector exp, sigmoid, tanh. Re-included once per target, hence the guard that toggles.
//
// Error against double over all finite floats, checked by tests/kernels/math_test.cpp: exp relative 3e-7 inside
// [-87.3, 88.3] (clamped outside), sigmoid absolute 2e-7, tanh absolute 2e-7. NaN stays NaN: the clamps are written
// with the constant first because x86 min and max return their second operand when one is NaN.
#if defined(CAROUSEL_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAROUSEL_SIMD_MATH_INL_H_
#undef CAROUSEL_SIMD_MATH_INL_H_
#else
#define CAROUSEL_SIMD_MATH_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// e^x: Cody-Waite reduction and the degree-6 polynomial of Cephes' expf (Moshier 1989).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  x = hn::Max(hn::Set(d, -87.33f), hn::Min(hn::Set(d, 88.37f), x));
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504088896341f)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  V p = hn::Set(d, 1.9875691500e-4f);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::MulAdd(p, hn::Mul(r, r), hn::Add(r, hn::Set(d, 1.0f)));
  const auto power = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::Mul(p, hn::BitCast(d, power));
}

/// 1 / x for x in [1, 2^127]: hardware estimate and Newton steps (two where the estimate has only 12 bits).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Reciprocal(D d, V x) {
  const V two = hn::Set(d, 2.0f);
  V r = hn::ApproximateReciprocal(x);
  r = hn::Mul(r, hn::NegMulAdd(x, r, two));
#if HWY_TARGET != HWY_AVX3 && HWY_TARGET != HWY_AVX3_DL
  r = hn::Mul(r, hn::NegMulAdd(x, r, two));
#endif
  return r;
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  return Reciprocal(d, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(x))));
}

/// Near zero an odd polynomial (Cephes' tanhf), elsewhere 1 - 2 / (e^2|x| + 1) with the sign of x.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V ax = hn::Abs(x), z = hn::Mul(x, x);
  V p = hn::Set(d, -5.70498872745e-3f);
  p = hn::MulAdd(p, z, hn::Set(d, 2.06390887954e-2f));
  p = hn::MulAdd(p, z, hn::Set(d, -5.37397155531e-2f));
  p = hn::MulAdd(p, z, hn::Set(d, 1.33314422036e-1f));
  p = hn::MulAdd(p, z, hn::Set(d, -3.33332819422e-1f));
  const V near_zero = hn::MulAdd(hn::Mul(p, z), x, x);
  const V one = hn::Set(d, 1.0f);
  const V e = hn::Add(Exp(d, hn::Add(ax, ax)), one);
  const V far = hn::CopySign(hn::NegMulAdd(hn::Set(d, 2.0f), Reciprocal(d, e), one), x);
  return hn::IfThenElse(hn::Lt(ax, hn::Set(d, 0.625f)), near_zero, far);
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
