// Fused gated recurrent units, forward and backward.
#include "carousel/kernels/simd/cells/cells.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/cells/gru.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "carousel/kernels/simd/cells/columns-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// The share of the past and that of the candidate in h, for update gate z.
struct Shares {
  V past, fresh;
};

HWY_INLINE Shares SharesOf(bool keep, V z) {
  const V rest = hn::Sub(hn::Set(D(), 1.0f), z);
  return keep ? Shares{z, rest} : Shares{rest, z};
}

HWY_INLINE V Mixed(bool keep, V z, V past, V candidate) {
  const Shares s = SharesOf(keep, z);
  return hn::MulAdd(s.past, past, hn::Mul(s.fresh, candidate));
}

/// dL/d(pre-activation of z).
HWY_INLINE V UpdateGradient(bool keep, V z, V past, V candidate, V dh) {
  const V difference = keep ? hn::Sub(past, candidate) : hn::Sub(candidate, past);
  return hn::Mul(hn::Mul(dh, difference), hn::Mul(z, hn::Sub(hn::Set(D(), 1.0f), z)));
}

/// dL/d(pre-activation of a tanh candidate) from dL/dcandidate.
HWY_INLINE V TanhGradient(V candidate, V d) {
  return hn::Mul(d, hn::NegMulAdd(candidate, candidate, hn::Set(D(), 1.0f)));
}

void MinGruForward(const CellForward<float>& p) {
  const D d;
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    float* gate = p.gates + r * 2 * n;
    EachColumn<5, 3>(n, {gate, gate + n, p.bias, At(p.bias, n), p.h_prev + r * n}, {gate, gate + n, p.h + r * p.ldh},
                     [&](const auto& in, auto& out) HWY_ATTR {
                       out[0] = Sigmoid(d, hn::Add(in[0], in[2]));
                       out[1] = hn::Add(in[1], in[3]);
                       out[2] = Mixed(p.keep, out[0], in[4], out[1]);
                     });
  }
}

void MinGruBackward(const CellBackward<float>& p) {
  const int64_t n = p.hidden;
  for (int64_t r = 0; r < p.rows; ++r) {
    float *gate = p.gates + r * 2 * n, *dh = p.dh + r * n;
    EachColumn<4, 3>(n, {gate, gate + n, p.h_prev + r * n, dh}, {gate, gate + n, dh},
                     [&](const auto& in, auto& out) HWY_ATTR {
                       const Shares s = SharesOf(p.keep, in[0]);
                       out[0] = UpdateGradient(p.keep, in[0], in[2], in[1], in[3]);
                       out[1] = hn::Mul(in[3], s.fresh);
                       out[2] = hn::Mul(in[3], s.past);
                     });
  }
}

void GruAfterForward(const CellForward<float>& p) {
  const D d;
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    float *gate = p.gates + row * 3 * n, *u = p.recurrent + row * 3 * n;
    EachColumn<13, 5>(n,
                      {gate, gate + n, gate + 2 * n, p.bias, At(p.bias, n), At(p.bias, 2 * n), u, u + n, u + 2 * n,
                       p.recurrent_bias, At(p.recurrent_bias, n), At(p.recurrent_bias, 2 * n), p.h_prev + row * n},
                      {gate, gate + n, gate + 2 * n, u + 2 * n, p.h + row * p.ldh},
                      [&](const auto& in, auto& out) HWY_ATTR {
                        const auto r = Sigmoid(d, hn::Add(hn::Add(in[0], in[3]), hn::Add(in[6], in[9])));
                        const auto z = Sigmoid(d, hn::Add(hn::Add(in[1], in[4]), hn::Add(in[7], in[10])));
                        const auto ug = hn::Add(in[8], in[11]);
                        const auto g = Tanh(d, hn::MulAdd(r, ug, hn::Add(in[2], in[5])));
                        out[0] = r;
                        out[1] = z;
                        out[2] = g;
                        out[3] = ug;
                        out[4] = Mixed(p.keep, z, in[12], g);
                      });
  }
}

void GruAfterBackward(const CellBackward<float>& p) {
  const D d;
  const auto one = hn::Set(d, 1.0f);
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    float *gate = p.gates + row * 3 * n, *u = p.recurrent + row * 3 * n, *dh = p.dh + row * n;
    EachColumn<6, 7>(n, {gate, gate + n, gate + 2 * n, u + 2 * n, p.h_prev + row * n, dh},
                     {gate, gate + n, gate + 2 * n, u, u + n, u + 2 * n, dh}, [&](const auto& in, auto& out) HWY_ATTR {
                       const auto r = in[0], z = in[1], g = in[2], ug = in[3];
                       const Shares s = SharesOf(p.keep, z);
                       const auto d_g = TanhGradient(g, hn::Mul(in[5], s.fresh));
                       out[0] = out[3] = hn::Mul(hn::Mul(d_g, ug), hn::Mul(r, hn::Sub(one, r)));
                       out[1] = out[4] = UpdateGradient(p.keep, z, in[4], g, in[5]);
                       out[2] = d_g;
                       out[5] = hn::Mul(d_g, r);
                       out[6] = hn::Mul(in[5], s.past);
                     });
  }
}

void GruBeforeResetForward(const CellForward<float>& p) {
  const D d;
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    float* gate = p.gates + row * 2 * n;
    EachColumn<5, 3>(n, {gate, gate + n, p.bias, At(p.bias, n), p.h_prev + row * n},
                     {gate, gate + n, p.operand + row * n}, [&](const auto& in, auto& out) HWY_ATTR {
                       out[0] = Sigmoid(d, hn::Add(in[0], in[2]));
                       out[1] = Sigmoid(d, hn::Add(in[1], in[3]));
                       out[2] = hn::Mul(out[0], in[4]);
                     });
  }
}

void GruBeforeOutputForward(const CellForward<float>& p) {
  const D d;
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    float* gate = p.gates + row * n;
    EachColumn<4, 2>(n, {gate, p.bias, p.reset_update + row * 2 * n + n, p.h_prev + row * n}, {gate, p.h + row * p.ldh},
                     [&](const auto& in, auto& out) HWY_ATTR {
                       out[0] = Tanh(d, hn::Add(in[0], in[1]));
                       out[1] = Mixed(p.keep, in[2], in[3], out[0]);
                     });
  }
}

void GruBeforeOutputBackward(const CellBackward<float>& p) {
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    float *gate = p.gates + row * n, *z = p.reset_update + row * 2 * n + n, *dh = p.dh + row * n;
    EachColumn<4, 3>(n, {gate, z, p.h_prev + row * n, dh}, {gate, z, dh}, [&](const auto& in, auto& out) HWY_ATTR {
      const Shares s = SharesOf(p.keep, in[1]);
      out[0] = TanhGradient(in[0], hn::Mul(in[3], s.fresh));
      out[1] = UpdateGradient(p.keep, in[1], in[2], in[0], in[3]);
      out[2] = hn::Mul(in[3], s.past);
    });
  }
}

void GruBeforeResetBackward(const CellBackward<float>& p) {
  const D d;
  const auto one = hn::Set(d, 1.0f);
  const int64_t n = p.hidden;
  for (int64_t row = 0; row < p.rows; ++row) {
    float *gate = p.gates + row * 2 * n, *dh = p.dh + row * n;
    EachColumn<4, 2>(n, {gate, p.h_prev + row * n, p.d_operand + row * n, dh}, {gate, dh},
                     [&](const auto& in, auto& out) HWY_ATTR {
                       out[0] = hn::Mul(hn::Mul(in[2], in[1]), hn::Mul(in[0], hn::Sub(one, in[0])));
                       out[1] = hn::MulAdd(in[2], in[0], in[3]);
                     });
  }
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(MinGruForward);
HWY_EXPORT(MinGruBackward);
HWY_EXPORT(GruAfterForward);
HWY_EXPORT(GruAfterBackward);
HWY_EXPORT(GruBeforeResetForward);
HWY_EXPORT(GruBeforeResetBackward);
HWY_EXPORT(GruBeforeOutputForward);
HWY_EXPORT(GruBeforeOutputBackward);

void min_gru_forward(const CellForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(MinGruForward)(p);
}
void min_gru_backward(const CellBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(MinGruBackward)(p);
}
void gru_after_forward(const CellForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(GruAfterForward)(p);
}
void gru_after_backward(const CellBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(GruAfterBackward)(p);
}
void gru_before_reset_forward(const CellForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(GruBeforeResetForward)(p);
}
void gru_before_reset_backward(const CellBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(GruBeforeResetBackward)(p);
}
void gru_before_output_forward(const CellForward<float>& p) {
  HWY_DYNAMIC_DISPATCH(GruBeforeOutputForward)(p);
}
void gru_before_output_backward(const CellBackward<float>& p) {
  HWY_DYNAMIC_DISPATCH(GruBeforeOutputBackward)(p);
}

}  // namespace carousel::kernels::simd
#endif
