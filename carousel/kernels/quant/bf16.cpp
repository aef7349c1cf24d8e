#include "carousel/kernels/quant/bf16.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "carousel/kernels/quant/bf16_layout.h"

namespace carousel::kernels::quant {

namespace {

constexpr uint32_t kExponent = 0x7F80u;

uint16_t code_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  // Beyond the largest number there is infinity, which no weight may be.
  return static_cast<uint16_t>((rounded & kExponent) == kExponent ? rounded - 1 : rounded);
}

void encode(int64_t n, int64_t k, const float* w, void* codes, float*) {
  std::transform(w, w + n * k, static_cast<uint16_t*>(codes), code_of);
}

void decode(int64_t n, int64_t k, const void* codes, const float*, float* w) {
  const auto* from = static_cast<const uint16_t*>(codes);
  std::transform(from, from + n * k, w, float_of);
}

bool sound(int64_t n, int64_t k, const void* codes, const float*) {
  const auto* from = static_cast<const uint16_t*>(codes);
  return std::all_of(from, from + n * k, [](uint16_t code) { return (code & kExponent) != kExponent; });
}

int64_t packed_bytes(int64_t n, int64_t k) {
  return round_up(n, kVector) * round_up(k, kPair) * int64_t{sizeof(uint16_t)};
}

void pack(const Codes& w, std::byte* packed) {
  pack_panels(w.n, w.k, static_cast<const uint16_t*>(w.codes), w.ld, kPair, reinterpret_cast<uint16_t*>(packed));
}

}  // namespace

void bf16_multiply_plainly(const Product& p) {
  for (int64_t r = 0; r < p.m; ++r) {
    const float* x = p.x + r * p.k;
    const auto* panel = reinterpret_cast<const uint16_t*>(p.packed);
    each_panel(p.n, [&](int64_t j, int64_t width) {
      for (int64_t i = j; i < std::min(j + width, p.n); ++i) {
        float sum = 0;
        for (int64_t l = 0; l < p.k; ++l)
          sum = std::fma(x[l], float_of(panel[(l / kPair * width + i - j) * kPair + l % kPair]), sum);
        float& y = p.y[r * p.n + i];
        y = p.accumulate ? y + sum : sum;
      }
      panel += width * round_up(p.k, kPair);
    });
  }
}

const Format& bf16() {
  static const Format format = {"bf16",
                                "f32 cut to 16 bits; half of f32, and f32 arithmetic",
                                2,
                                false,
                                false,
                                std::numeric_limits<int32_t>::max(),
                                encode,
                                decode,
                                sound,
                                packed_bytes,
                                pack,
                                bf16_multiply_plainly,
                                bf16_multiply_simd,
                                bf16_target};
  return format;
}

}  // namespace carousel::kernels::quant
