// Additive attention scores, forward and backward. Specification: kernels/reference/cells.h.
#include "carousel/kernels/simd/additive.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/additive.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "carousel/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

void AdditiveForwardAll(const AdditiveForward<float>& p) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t s = 0; s < p.len; ++s) {
    const float* key = p.keys + s * p.dim;
    V sum = hn::Zero(d);
    int64_t a = 0;
    for (; a + lanes <= p.dim; a += lanes) {
      const V y = Tanh(d, hn::Add(hn::LoadU(d, key + a), hn::LoadU(d, p.query + a)));
      sum = hn::MulAdd(hn::LoadU(d, p.v + a), y, sum);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; a < p.dim; ++a) total += p.v[a] * std::tanh(key[a] + p.query[a]);
    p.scores[s] = total;
  }
}

void AdditiveBackwardAll(const AdditiveBackward<float>& p) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const V one = hn::Set(d, 1.0f);
  // Columns outside, so that the sums over source positions stay in registers.
  int64_t a = 0;
  for (; a + lanes <= p.dim; a += lanes) {
    const V q = hn::LoadU(d, p.query + a), v = hn::LoadU(d, p.v + a);
    V dq = hn::Zero(d), dv = hn::LoadU(d, p.dv + a);
    for (int64_t s = 0; s < p.len; ++s) {
      const V de = hn::Set(d, p.dscores[s]);
      const V y = Tanh(d, hn::Add(hn::LoadU(d, p.keys + s * p.dim + a), q));
      const V dx = hn::Mul(hn::Mul(de, v), hn::NegMulAdd(y, y, one));
      dv = hn::MulAdd(de, y, dv);
      dq = hn::Add(dq, dx);
      float* dkey = p.dkeys + s * p.dim + a;
      hn::StoreU(hn::Add(hn::LoadU(d, dkey), dx), d, dkey);
    }
    hn::StoreU(dq, d, p.dquery + a);
    hn::StoreU(dv, d, p.dv + a);
  }
  for (; a < p.dim; ++a) {
    p.dquery[a] = 0;
    for (int64_t s = 0; s < p.len; ++s) {
      const float y = std::tanh(p.keys[s * p.dim + a] + p.query[a]);
      const float dx = p.dscores[s] * p.v[a] * (1.0f - y * y);
      p.dv[a] += p.dscores[s] * y;
      p.dkeys[s * p.dim + a] += dx;
      p.dquery[a] += dx;
    }
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(AdditiveForwardAll);
HWY_EXPORT(AdditiveBackwardAll);

void additive_forward(const AdditiveForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(AdditiveForwardAll)(p);
}
void additive_backward(const AdditiveBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(AdditiveBackwardAll)(p);
}

}  // namespace carousel::kernels::simd
#endif
