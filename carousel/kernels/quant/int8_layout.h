// What the products of int8 share: where things lie, and the rounding of a vector.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/quant/panels.h"

namespace carousel::kernels::quant {

constexpr int64_t kGroup = 4;           ///< codes of one output in a 32-bit lane
constexpr int64_t kInt8Columns = 8192;  ///< most of a matrix: rounded vectors lie on the stack
constexpr int32_t kShift = 128;         ///< rounded values of x are stored as q + 128, as vpdpbusd wants them

/// [n rounded up] scales; as many int32, 128 times the sum of a row's codes; the codes in panels.
struct Int8Packed {
  const float* scales;
  const int32_t* corrections;
  const int8_t* codes;

  Int8Packed(const std::byte* packed, int64_t n)
      : scales(reinterpret_cast<const float*>(packed)),
        corrections(reinterpret_cast<const int32_t*>(scales + round_up(n, kVector))),
        codes(reinterpret_cast<const int8_t*>(corrections + round_up(n, kVector))) {}
};

/// Below this the largest value of a vector or a row counts as zero: its inverse is no number to reckon with.
constexpr float kTiny = 1e-30f;

/// How a vector whose largest absolute value has the bits `largest` is rounded.
struct VectorScale {
  float inverse = 0;  ///< 0: to zeros
  float scale = 0;    ///< NaN for a vector that is not finite

  explicit VectorScale(uint32_t largest) {
    constexpr uint32_t kInfinity = 0x7F800000u;
    const auto value = std::bit_cast<float>(largest);
    if (largest >= kInfinity) {
      scale = std::bit_cast<float>(0x7FC00000u);
    } else if (value >= kTiny) {
      inverse = 127.0f / value;
      scale = value / 127.0f;
    }
  }
};

/// x [k] -> q + 128, up to a multiple of kGroup (the codes there are 0). Returns sx.
inline float round_vector(int64_t k, const float* x, uint8_t* q) {
  uint32_t largest = 0;
  for (int64_t l = 0; l < k; ++l) {
    const uint32_t bits = std::bit_cast<uint32_t>(x[l]) & 0x7FFFFFFFu;
    largest = bits > largest ? bits : largest;
  }
  const VectorScale s(largest);
  for (int64_t l = 0; l < k; ++l)
    q[l] =
        static_cast<uint8_t>(s.inverse > 0 ? static_cast<int32_t>(std::nearbyint(x[l] * s.inverse)) + kShift : kShift);
  for (int64_t l = k; l < round_up(k, kGroup); ++l) q[l] = static_cast<uint8_t>(kShift);
  return s.scale;
}

}  // namespace carousel::kernels::quant
