// Elementwise kernels and row reductions. Specification: kernels/reference/reference.cpp.
#include "carousel/kernels/simd/pointwise.h"

#include <algorithm>
#include <cmath>

#include "carousel/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "carousel/kernels/simd/pointwise.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "carousel/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace carousel::kernels::simd::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr size_t kMaxLanes = hn::MaxLanes(D());

/// y[i] = f(x[i]); the tail goes through a padded buffer.
template <class F>
HWY_INLINE void Map(int64_t n, const float* x, float* y, F f) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN float buffer[kMaxLanes] = {};
  std::copy(x + i, x + n, buffer);
  hn::Store(f(hn::Load(d, buffer)), d, buffer);
  std::copy_n(buffer, n - i, y + i);
}

void SigmoidAll(int64_t n, const float* x, float* y) {
  Map(n, x, y, [](V v) HWY_ATTR { return Sigmoid(D(), v); });
}

void TanhAll(int64_t n, const float* x, float* y) {
  Map(n, x, y, [](V v) HWY_ATTR { return Tanh(D(), v); });
}

HWY_INLINE float MaxOf(int64_t n, const float* x) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  float top = x[0];
  if (n >= lanes) {
    V best = hn::LoadU(d, x);
    for (i = lanes; i + lanes <= n; i += lanes) best = hn::Max(best, hn::LoadU(d, x + i));
    top = hn::GetLane(hn::MaxOfLanes(d, best));
  }
  for (; i < n; ++i) top = std::max(top, x[i]);
  return top;
}

void SoftmaxAll(int64_t n, float* x) {
  if (n == 0) return;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const V top = hn::Set(d, MaxOf(n, x));
  Map(n, x, x, [top](V v) HWY_ATTR { return Exp(D(), hn::Sub(v, top)); });
  V sums = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) sums = hn::Add(sums, hn::LoadU(d, x + i));
  float total = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < n; ++i) total += x[i];
  const V inverse = hn::Set(d, 1.0f / total);
  Map(n, x, x, [inverse](V v) HWY_ATTR { return hn::Mul(v, inverse); });
}

double LogSoftmaxAll(int64_t n, const float* x, float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float top = MaxOf(n, x);
  const V vtop = hn::Set(d, top);
  V sums = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) sums = hn::Add(sums, Exp(d, hn::Sub(hn::LoadU(d, x + i), vtop)));
  double total = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  for (; i < n; ++i) total += static_cast<double>(std::exp(x[i] - top));
  const double log_total = static_cast<double>(top) + std::log(total);
  const V shift = hn::Set(d, static_cast<float>(log_total));
  Map(n, x, y, [shift](V v) HWY_ATTR { return hn::Sub(v, shift); });
  return log_total;
}

RowLoss CrossEntropyAll(const CrossEntropyRow<float>& p) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  V sums = hn::Zero(d);
  for (; i + lanes <= p.n; i += lanes) {
    V x = hn::LoadU(d, p.x + i);
    if (p.bias) hn::StoreU(x = hn::Add(x, hn::LoadU(d, p.bias + i)), d, p.x + i);
    sums = hn::Add(sums, x);
  }
  auto sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  for (; i < p.n; ++i) {
    if (p.bias) p.x[i] += p.bias[i];
    sum += static_cast<double>(p.x[i]);
  }
  const float top = MaxOf(p.n, p.x);
  const V vtop = hn::Set(d, top);
  const float target = p.x[p.target];
  sums = hn::Zero(d);
  for (i = 0; i + lanes <= p.n; i += lanes) {
    const V e = Exp(d, hn::Sub(hn::LoadU(d, p.x + i), vtop));
    if (p.gradient) hn::StoreU(e, d, p.x + i);
    sums = hn::Add(sums, e);
  }
  auto total = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  for (; i < p.n; ++i) {
    const float e = std::exp(p.x[i] - top);
    if (p.gradient) p.x[i] = e;
    total += static_cast<double>(e);
  }
  const double log_total = static_cast<double>(top) + std::log(total);
  const RowLoss loss{log_total - static_cast<double>(target), log_total - sum / static_cast<double>(p.n)};
  if (!p.gradient) return loss;
  const auto scale = static_cast<double>(p.scale);
  const V factor = hn::Set(d, static_cast<float>(scale / total));
  const V uniform = hn::Set(d, static_cast<float>(scale * p.smoothing / static_cast<double>(p.n)));
  Map(p.n, p.x, p.x, [factor, uniform](V v) HWY_ATTR { return hn::MulSub(v, factor, uniform); });
  p.x[p.target] -= static_cast<float>(scale * (1 - p.smoothing));
  return loss;
}

float DotAll(int64_t n, const float* x, const float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, x + i + lanes), hn::LoadU(d, y + i + lanes), sum1);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
  for (; i < n; ++i) total += x[i] * y[i];
  return total;
}

void AxpyAll(int64_t n, float a, const float* x, float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const V va = hn::Set(d, a);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::MulAdd(va, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  for (; i < n; ++i) y[i] += a * x[i];
}

void AddBiasAll(int64_t m, int64_t n, const float* bias, float* y) {
  for (int64_t i = 0; i < m; ++i) AxpyAll(n, 1.0f, bias, y + i * n);
}

void ColumnSumsAll(int64_t m, int64_t n, const float* x, int64_t ldx, float* sums, bool accumulate) {
  if (!accumulate) std::fill_n(sums, n, 0.0f);
  for (int64_t i = 0; i < m; ++i) AxpyAll(n, 1.0f, x + i * ldx, sums);
}

/// 32 x 32 -> high and low halves of the 64-bit products, lane by lane.
template <class DU, class VU = hn::Vec<DU>>
HWY_INLINE void MulWide(DU du, VU a, VU b, VU& high, VU& low) {
#if HWY_TARGET == HWY_SCALAR
  const uint64_t product = uint64_t{hn::GetLane(a)} * hn::GetLane(b);
  high = hn::Set(du, static_cast<uint32_t>(product >> 32));
  low = hn::Set(du, static_cast<uint32_t>(product));
#else
  const hn::Repartition<uint64_t, DU> dw;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(du, hn::ShiftRight<32>(hn::BitCast(dw, a))),
                               hn::BitCast(du, hn::ShiftRight<32>(hn::BitCast(dw, b))));
  high = hn::OddEven(hn::BitCast(du, odd), hn::BitCast(du, hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(du, hn::ShiftLeft<32>(odd)), hn::BitCast(du, even));
#endif
}

/// Each lane runs one Philox4x32-10 counter; a block of 128 elements takes 16 lanes.
void DropoutAll(const Noise& noise, int64_t begin, int64_t end, const float* x, float* y) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  using VU = hn::Vec<decltype(du)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // Signed: 16 bits fit, and signed comparison exists on every target. Kept are bits > threshold - 1.
  const hn::RebindToSigned<decltype(d)> di;
  const auto last_dropped = hn::Set(di, static_cast<int32_t>(std::lround(noise.drop * 65536.0)) - 1);
  const VU low_half = hn::Set(du, 0xFFFFu);
  const auto scale = hn::Set(d, static_cast<float>(1.0 / (1.0 - noise.drop)));
  HWY_ALIGN float buffer[Noise::kBlock];
  for (int64_t first = begin; first < end; first += Noise::kBlock) {
    const bool whole = first + Noise::kBlock <= end;
    const float* from = x + first - begin;
    if (!whole) {
      std::copy(from, x + end - begin, buffer);
      from = buffer;
    }
    float* to = whole ? y + first - begin : buffer;
    for (int64_t lane = 0; lane < 16; lane += lanes) {
      const int64_t counter = first / Noise::kBlock * 16 + lane;
      // The 16 counters of a block share their high word: a block begins at a multiple of 16.
      VU c0 = hn::Iota(du, static_cast<uint32_t>(counter)), c1 = hn::Set(du, static_cast<uint32_t>(counter >> 32));
      VU c2 = hn::Set(du, static_cast<uint32_t>(noise.stream)),
         c3 = hn::Set(du, static_cast<uint32_t>(noise.stream >> 32));
      auto k0 = static_cast<uint32_t>(noise.key), k1 = static_cast<uint32_t>(noise.key >> 32);
      for (int round = 0; round < 10; ++round) {
        VU high0, low0, high1, low1;
        MulWide(du, hn::Set(du, 0xD2511F53u), c0, high0, low0);
        MulWide(du, hn::Set(du, 0xCD9E8D57u), c2, high1, low1);
        c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(du, k0));
        c1 = low1;
        c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(du, k1));
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
      }
      const auto apply = [&](VU bits, int64_t at) HWY_ATTR {
        const auto keep = hn::RebindMask(d, hn::Gt(hn::BitCast(di, bits), last_dropped));
        hn::StoreU(hn::IfThenElseZero(keep, hn::Mul(hn::LoadU(d, from + at), scale)), d, to + at);
      };
      const auto both = [&](VU word, int64_t at) HWY_ATTR {
        apply(hn::And(word, low_half), at);
        apply(hn::ShiftRight<16>(word), at + 16);
      };
      both(c0, lane);
      both(c1, lane + 32);
      both(c2, lane + 64);
      both(c3, lane + 96);
    }
    if (!whole) std::copy_n(buffer, end - first, y + first - begin);
  }
}

void AdamAll(const AdamUpdate<float>& p) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto set = [&](double v) HWY_ATTR { return hn::Set(d, static_cast<float>(v)); };
  const V scale = set(p.grad_scale), b1 = set(p.beta1), b2 = set(p.beta2), c1 = hn::Sub(set(1), b1),
          c2 = hn::Sub(set(1), b2);
  const V step = set(p.step_size), vs = set(p.v_scale), eps = set(p.epsilon), keep = set(1.0 - p.decay), l2 = set(p.l2);
  const auto update = [&](float* w, float* m, float* v, const float* g) HWY_ATTR {
    const V wv = hn::LoadU(d, w), gv = hn::MulAdd(l2, wv, g ? hn::Mul(hn::LoadU(d, g), scale) : hn::Zero(d));
    const V mv = hn::MulAdd(b1, hn::LoadU(d, m), hn::Mul(c1, gv));
    const V vv = hn::MulAdd(b2, hn::LoadU(d, v), hn::Mul(c2, hn::Mul(gv, gv)));
    hn::StoreU(mv, d, m);
    hn::StoreU(vv, d, v);
    const V change = hn::Div(hn::Mul(step, mv), hn::Add(hn::Sqrt(hn::Mul(vv, vs)), eps));
    hn::StoreU(hn::Sub(hn::Mul(keep, wv), change), d, w);
  };
  int64_t i = 0;
  for (; i + lanes <= p.n; i += lanes) update(p.w + i, p.m + i, p.v + i, p.g ? p.g + i : nullptr);
  if (i == p.n) return;
  HWY_ALIGN float buffer[4][kMaxLanes] = {};
  const int64_t rest = p.n - i;
  std::copy_n(p.w + i, rest, buffer[0]);
  std::copy_n(p.m + i, rest, buffer[1]);
  std::copy_n(p.v + i, rest, buffer[2]);
  if (p.g) std::copy_n(p.g + i, rest, buffer[3]);
  update(buffer[0], buffer[1], buffer[2], buffer[3]);
  std::copy_n(buffer[0], rest, p.w + i);
  std::copy_n(buffer[1], rest, p.m + i);
  std::copy_n(buffer[2], rest, p.v + i);
}

}  // namespace carousel::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carousel::kernels::simd {

HWY_EXPORT(SigmoidAll);
HWY_EXPORT(TanhAll);
HWY_EXPORT(SoftmaxAll);
HWY_EXPORT(LogSoftmaxAll);
HWY_EXPORT(CrossEntropyAll);
HWY_EXPORT(DotAll);
HWY_EXPORT(AxpyAll);
HWY_EXPORT(AddBiasAll);
HWY_EXPORT(ColumnSumsAll);
HWY_EXPORT(DropoutAll);
HWY_EXPORT(AdamAll);

void sigmoid(int64_t n, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(SigmoidAll)(n, x, y);
}
void tanh(int64_t n, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(TanhAll)(n, x, y);
}
void softmax(int64_t n, float* x) {
  HWY_DYNAMIC_DISPATCH(SoftmaxAll)(n, x);
}
double log_softmax(int64_t n, const float* x, float* y) {
  return HWY_DYNAMIC_DISPATCH(LogSoftmaxAll)(n, x, y);
}
RowLoss cross_entropy(const CrossEntropyRow<float>& p) {
  return HWY_DYNAMIC_DISPATCH(CrossEntropyAll)(p);
}
float dot(int64_t n, const float* x, const float* y) {
  return HWY_DYNAMIC_DISPATCH(DotAll)(n, x, y);
}
void axpy(int64_t n, float a, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(AxpyAll)(n, a, x, y);
}
void add_bias(int64_t m, int64_t n, const float* bias, float* y) {
  HWY_DYNAMIC_DISPATCH(AddBiasAll)(m, n, bias, y);
}
void column_sums(int64_t m, int64_t n, const float* x, int64_t ldx, float* sums, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(ColumnSumsAll)(m, n, x, ldx, sums, accumulate);
}
void dropout(const Noise& noise, int64_t begin, int64_t end, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(DropoutAll)(noise, begin, end, x, y);
}
void adam(const AdamUpdate<float>& p) {
  HWY_DYNAMIC_DISPATCH(AdamAll)(p);
}

std::string target_name() {
  return hwy::TargetName(static_cast<int64_t>(hwy::SupportedTargets() & -hwy::SupportedTargets()));
}

}  // namespace carousel::kernels::simd
#endif
