// Fused LSTM cell with peepholes, forward and backward.
#include "carousel/kernels/simd/cells/cells.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/cells/peephole_lstm.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "carousel/kernels/simd/cells/columns-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

void PeepholeForward(const CellForward<float>& p) {
  const hn::ScalableTag<float> d;
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    float* gate = p.gates + r * 4 * n;
    const auto bias = [&](int64_t k) { return At(p.bias, k * n); };
    EachColumn<12, 6>(n,
                      {gate, gate + n, gate + 2 * n, gate + 3 * n, bias(0), bias(1), bias(2), bias(3), p.c_prev + r * n,
                       p.peephole, p.peephole + n, p.peephole + 2 * n},
                      {gate, gate + n, gate + 2 * n, gate + 3 * n, p.c + r * n, p.h + r * p.ldh},
                      [&](const auto& in, auto& out) HWY_ATTR {
                        const auto before = in[8];
                        const auto i = Sigmoid(d, hn::MulAdd(in[9], before, hn::Add(in[0], in[4])));
                        const auto f = Sigmoid(d, hn::MulAdd(in[10], before, hn::Add(in[1], in[5])));
                        const auto g = Tanh(d, hn::Add(in[2], in[6]));
                        const auto c = hn::MulAdd(f, before, hn::Mul(i, g));
                        const auto o = Sigmoid(d, hn::MulAdd(in[11], c, hn::Add(in[3], in[7])));
                        out[0] = i;
                        out[1] = f;
                        out[2] = g;
                        out[3] = o;
                        out[4] = c;
                        out[5] = hn::Mul(o, Tanh(d, c));
                      });
  }
}

void PeepholeBackward(const CellBackward<float>& p) {
  const hn::ScalableTag<float> d;
  const auto one = hn::Set(d, 1.0f);
  const int64_t n = p.hidden;
  float* dp = p.d_peephole;
  for (int64_t r = 0; r < p.rows; ++r) {
    float *gate = p.gates + r * 4 * n, *dc_row = p.dc + r * n;
    EachColumn<14, 8>(n,
                      {gate, gate + n, gate + 2 * n, gate + 3 * n, p.c + r * n, p.c_prev + r * n, p.dh + r * n, dc_row,
                       p.peephole, p.peephole + n, p.peephole + 2 * n, dp, dp + n, dp + 2 * n},
                      {gate, gate + n, gate + 2 * n, gate + 3 * n, dc_row, dp, dp + n, dp + 2 * n},
                      [&](const auto& in, auto& out) HWY_ATTR {
                        const auto i = in[0], f = in[1], g = in[2], o = in[3], c = in[4], before = in[5], dh = in[6];
                        const auto tc = Tanh(d, c);
                        const auto d_o = hn::Mul(hn::Mul(dh, tc), hn::Mul(o, hn::Sub(one, o)));
                        const auto direct = hn::MulAdd(hn::Mul(dh, o), hn::NegMulAdd(tc, tc, one), in[7]);
                        const auto dc = hn::MulAdd(d_o, in[10], direct);
                        const auto d_i = hn::Mul(hn::Mul(dc, g), hn::Mul(i, hn::Sub(one, i)));
                        const auto d_f = hn::Mul(hn::Mul(dc, before), hn::Mul(f, hn::Sub(one, f)));
                        out[0] = d_i;
                        out[1] = d_f;
                        out[2] = hn::Mul(hn::Mul(dc, i), hn::NegMulAdd(g, g, one));
                        out[3] = d_o;
                        out[4] = hn::MulAdd(dc, f, hn::MulAdd(d_i, in[8], hn::Mul(d_f, in[9])));
                        out[5] = hn::MulAdd(d_i, before, in[11]);
                        out[6] = hn::MulAdd(d_f, before, in[12]);
                        out[7] = hn::MulAdd(d_o, c, in[13]);
                      });
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(PeepholeForward);
HWY_EXPORT(PeepholeBackward);

void peephole_lstm_forward(const CellForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(PeepholeForward)(p);
}
void peephole_lstm_backward(const CellBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(PeepholeBackward)(p);
}

}  // namespace carousel::kernels::simd
#endif
