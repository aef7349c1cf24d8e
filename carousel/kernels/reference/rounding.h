// The definition of rounding f32 to bf16, the upper half of an f32.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace carousel::kernels::reference {

constexpr uint32_t kHalfBelow = 0x7FFFu;  ///< less than half of what the upper half's last bit weighs
constexpr uint32_t kQuiet = 0x400000u;    ///< the bit of a NaN that survives the cut

/// The nearest bf16, ties to even. Infinities and NaN stay what they are; numbers past the largest become infinite.
inline uint16_t bf16_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = std::isnan(value) ? bits | kQuiet : bits + kHalfBelow + ((bits >> 16) & 1u);
  return static_cast<uint16_t>(rounded >> 16);
}

inline float f32_of(uint16_t code) {
  return std::bit_cast<float>(static_cast<uint32_t>(code) << 16);
}

}  // namespace carousel::kernels::reference
