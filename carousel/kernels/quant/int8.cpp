#include "carousel/kernels/quant/int8.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

#include "carousel/kernels/quant/int8_layout.h"
#include "carousel/kernels/quant/int8_x86.h"

namespace carousel::kernels::quant {

namespace {

/// The row's scale: absmax / 127, rounded up to 17 significant bits.
float row_scale(int64_t k, const float* w) {
  float largest = 0;
  for (int64_t l = 0; l < k; ++l) largest = std::max(largest, std::abs(w[l]));
  if (largest < kTiny) return 0;
  constexpr uint32_t kDropped = (1u << 7) - 1;
  return std::bit_cast<float>((std::bit_cast<uint32_t>(largest / 127.0f) + kDropped) & ~kDropped);
}

void encode(int64_t n, int64_t k, const float* w, void* codes, float* scales) {
  auto* to = static_cast<int8_t*>(codes);
  for (int64_t i = 0; i < n; ++i, w += k, to += k) {
    scales[i] = row_scale(k, w);
    for (int64_t l = 0; l < k; ++l)
      to[l] = static_cast<int8_t>(scales[i] > 0 ? std::clamp(std::nearbyint(w[l] / scales[i]), -127.0f, 127.0f) : 0.0f);
  }
}

void decode(int64_t n, int64_t k, const void* codes, const float* scales, float* w) {
  const auto* from = static_cast<const int8_t*>(codes);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < k; ++l) *w++ = static_cast<float>(*from++) * scales[i];
}

bool sound(int64_t n, int64_t k, const void* codes, const float* scales) {
  const auto* from = static_cast<const int8_t*>(codes);
  return std::all_of(scales, scales + n, [](float s) { return s >= 0 && s < 1e30f; }) &&
         std::find(from, from + n * k, int8_t{-128}) == from + n * k;
}

int64_t packed_bytes(int64_t n, int64_t k) {
  return round_up(n, kVector) * (8 + round_up(k, kGroup));
}

void pack(const Codes& w, std::byte* packed) {
  const auto* from = static_cast<const int8_t*>(w.codes);
  const Int8Packed to(packed, w.n);
  auto* scales = const_cast<float*>(to.scales);
  auto* corrections = const_cast<int32_t*>(to.corrections);
  for (int64_t i = 0; i < round_up(w.n, kVector); ++i) {
    int32_t sum = 0;
    for (int64_t l = 0; i < w.n && l < w.k; ++l) sum += from[i * w.ld + l];
    scales[i] = i < w.n ? w.scales[i] : 0.0f;
    corrections[i] = kShift * sum;
  }
  pack_panels(w.n, w.k, from, w.ld, kGroup, const_cast<int8_t*>(to.codes));
}

void multiply_plainly(const Product& p) {
  const Int8Packed w(p.packed, p.n);
  const int64_t depth = round_up(p.k, kGroup);
  uint8_t q[kInt8Columns];
  for (int64_t r = 0; r < p.m; ++r) {
    const float scale = round_vector(p.k, p.x + r * p.k, q);
    const int8_t* panel = w.codes;
    each_panel(p.n, [&](int64_t j, int64_t width) {
      for (int64_t i = j; i < std::min(j + width, p.n); ++i) {
        int32_t sum = 0;
        for (int64_t l = 0; l < depth; ++l) sum += q[l] * panel[(l / kGroup * width + i - j) * kGroup + l % kGroup];
        float& y = p.y[r * p.n + i];
        const float product = static_cast<float>(sum - w.corrections[i]) * (scale * w.scales[i]);
        y = p.accumulate ? y + product : product;
      }
      panel += width * depth;
    });
  }
}

struct Target {
  const char* name;
  Multiply multiply;
};

const Target& best() {
  static const Target found = [] {
    for (const char* name : {"avx512vnni", "avx2"})
      if (const Multiply multiply = int8_multiply_named(name)) return Target{name, multiply};
    return Target{"plain", multiply_plainly};
  }();
  return found;
}

void multiply_fast(const Product& p) {
  best().multiply(p);
}

}  // namespace

Multiply int8_multiply_named(const char* target) {
  const std::string_view name = target;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (name == "avx512vnni" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
    return int8_multiply_avx512vnni;
  if (name == "avx2" && __builtin_cpu_supports("avx2")) return int8_multiply_avx2;
#endif
  return name == "plain" ? multiply_plainly : nullptr;
}

const Format& int8() {
  static const Format format = {"int8",
                                "8-bit integers with a scale for each row; a quarter of f32, and integer products",
                                1,
                                true,
                                true,
                                kInt8Columns,
                                encode,
                                decode,
                                sound,
                                packed_bytes,
                                pack,
                                multiply_plainly,
                                multiply_fast,
                                [] { return best().name; }};
  return format;
}

}  // namespace carousel::kernels::quant
