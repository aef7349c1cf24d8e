// Fused LSTM cell, forward and backward. Specification: kernels/reference/cells.h.
#include "carousel/kernels/simd/cells/cells.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/cells/lstm.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "carousel/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr size_t kMaxLanes = hn::MaxLanes(D());

/// One vector of units: gate pre-activations in, activations, c and h out.
HWY_INLINE void Forward(const float* const pre[4], const float* const bias[4], const float* c_prev, float* const act[4],
                        float* c, float* h) {
  const D d;
  const auto gate = [&](int k) HWY_ATTR {
    const V x = hn::LoadU(d, pre[k]);
    return bias[k] ? hn::Add(x, hn::LoadU(d, bias[k])) : x;
  };
  const V i = Sigmoid(d, gate(0)), f = Sigmoid(d, gate(1)), g = Tanh(d, gate(2)), o = Sigmoid(d, gate(3));
  const V cell = hn::MulAdd(f, hn::LoadU(d, c_prev), hn::Mul(i, g));
  hn::StoreU(i, d, act[0]);
  hn::StoreU(f, d, act[1]);
  hn::StoreU(g, d, act[2]);
  hn::StoreU(o, d, act[3]);
  hn::StoreU(cell, d, c);
  hn::StoreU(hn::Mul(o, Tanh(d, cell)), d, h);
}

void LstmForwardAll(const CellForward<float>& p) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    float* row = p.gates + r * 4 * n;
    const float* c_prev = p.c_prev + r * n;
    float *c = p.c + r * n, *h = p.h + r * p.ldh;
    int64_t j = 0;
    for (; j + lanes <= n; j += lanes) {
      float* const act[4] = {row + j, row + n + j, row + 2 * n + j, row + 3 * n + j};
      const float* const pre[4] = {act[0], act[1], act[2], act[3]};
      const float* bias[4] = {};
      for (int64_t k = 0; k < 4; ++k) bias[k] = p.bias ? p.bias + k * n + j : nullptr;
      Forward(pre, bias, c_prev + j, act, c + j, h + j);
    }
    if (j == n) continue;
    HWY_ALIGN float buffer[11][kMaxLanes] = {};
    const auto rest = static_cast<size_t>(n - j);
    float* const act[4] = {buffer[0], buffer[1], buffer[2], buffer[3]};
    const float* const pre[4] = {act[0], act[1], act[2], act[3]};
    const float* bias[4] = {};
    for (int64_t k = 0; k < 4; ++k) {
      std::copy_n(row + k * n + j, rest, buffer[k]);
      if (!p.bias) continue;
      std::copy_n(p.bias + k * n + j, rest, buffer[4 + k]);
      bias[k] = buffer[4 + k];
    }
    std::copy_n(c_prev + j, rest, buffer[8]);
    Forward(pre, bias, buffer[8], act, buffer[9], buffer[10]);
    for (int64_t k = 0; k < 4; ++k) std::copy_n(buffer[k], rest, row + k * n + j);
    std::copy_n(buffer[9], rest, c + j);
    std::copy_n(buffer[10], rest, h + j);
  }
}

HWY_INLINE void Backward(float* const gate[4], const float* c, const float* c_prev, const float* dh_in, float* dc_io) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  const V i = hn::LoadU(d, gate[0]), f = hn::LoadU(d, gate[1]), g = hn::LoadU(d, gate[2]), o = hn::LoadU(d, gate[3]);
  const V tc = Tanh(d, hn::LoadU(d, c)), dh = hn::LoadU(d, dh_in);
  const V dc = hn::MulAdd(hn::Mul(dh, o), hn::NegMulAdd(tc, tc, one), hn::LoadU(d, dc_io));
  const V di = hn::Mul(dc, g), df = hn::Mul(dc, hn::LoadU(d, c_prev)), dg = hn::Mul(dc, i), dout = hn::Mul(dh, tc);
  hn::StoreU(hn::Mul(di, hn::Mul(i, hn::Sub(one, i))), d, gate[0]);
  hn::StoreU(hn::Mul(df, hn::Mul(f, hn::Sub(one, f))), d, gate[1]);
  hn::StoreU(hn::Mul(dg, hn::NegMulAdd(g, g, one)), d, gate[2]);
  hn::StoreU(hn::Mul(dout, hn::Mul(o, hn::Sub(one, o))), d, gate[3]);
  hn::StoreU(hn::Mul(dc, f), d, dc_io);
}

void LstmBackwardAll(const CellBackward<float>& p) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    float* row = p.gates + r * 4 * n;
    const float *c = p.c + r * n, *c_prev = p.c_prev + r * n, *dh = p.dh + r * n;
    float* dc = p.dc + r * n;
    int64_t j = 0;
    for (; j + lanes <= n; j += lanes) {
      float* const gate[4] = {row + j, row + n + j, row + 2 * n + j, row + 3 * n + j};
      Backward(gate, c + j, c_prev + j, dh + j, dc + j);
    }
    if (j == n) continue;
    HWY_ALIGN float buffer[8][kMaxLanes] = {};
    const auto rest = static_cast<size_t>(n - j);
    float* const gate[4] = {buffer[0], buffer[1], buffer[2], buffer[3]};
    for (int64_t k = 0; k < 4; ++k) std::copy_n(row + k * n + j, rest, buffer[k]);
    std::copy_n(c + j, rest, buffer[4]);
    std::copy_n(c_prev + j, rest, buffer[5]);
    std::copy_n(dh + j, rest, buffer[6]);
    std::copy_n(dc + j, rest, buffer[7]);
    Backward(gate, buffer[4], buffer[5], buffer[6], buffer[7]);
    for (int64_t k = 0; k < 4; ++k) std::copy_n(buffer[k], rest, row + k * n + j);
    std::copy_n(buffer[7], rest, dc + j);
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(LstmForwardAll);
HWY_EXPORT(LstmBackwardAll);

void lstm_forward(const CellForward<float>& p) {
  if (p.peephole) {
    peephole_lstm_forward(p);
    return;
  }
  HWY_DYNAMIC_DISPATCH(LstmForwardAll)(p);
}
void lstm_backward(const CellBackward<float>& p) {
  if (p.peephole) {
    peephole_lstm_backward(p);
    return;
  }
  HWY_DYNAMIC_DISPATCH(LstmBackwardAll)(p);
}

}  // namespace carousel::kernels::simd
#endif
