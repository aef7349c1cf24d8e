// Fused Elman cell, forward and backward.
#include "carousel/kernels/simd/cells/cells.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/cells/rnn.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "carousel/kernels/simd/cells/columns-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

void RnnForward(const CellForward<float>& p) {
  const hn::ScalableTag<float> d;
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    float* gate = p.gates + r * n;
    EachColumn<2, 2>(n, {gate, p.bias}, {gate, p.h + r * p.ldh}, [&](const auto& in, auto& out) HWY_ATTR {
      const auto x = hn::Add(in[0], in[1]), zero = hn::Zero(d);
      // Not Max, which may lose a NaN.
      out[0] = out[1] = p.relu ? hn::IfThenElse(hn::Lt(x, zero), zero, x) : Tanh(d, x);
    });
  }
}

void RnnBackward(const CellBackward<float>& p) {
  const hn::ScalableTag<float> d;
  const auto one = hn::Set(d, 1.0f);
  EachColumn<2, 1>(p.rows * p.hidden, {p.gates, p.dh}, {p.gates}, [&](const auto& in, auto& out) HWY_ATTR {
    out[0] = p.relu ? hn::IfThenElse(hn::Gt(in[0], hn::Zero(d)), in[1], hn::Zero(d))
                    : hn::Mul(in[1], hn::NegMulAdd(in[0], in[0], one));
  });
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(RnnForward);
HWY_EXPORT(RnnBackward);

void rnn_forward(const CellForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(RnnForward)(p);
}
void rnn_backward(const CellBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(RnnBackward)(p);
}

}  // namespace carousel::kernels::simd
#endif
