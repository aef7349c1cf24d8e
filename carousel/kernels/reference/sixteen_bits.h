// Numbers in sixteen bits in their plain form, one at a time. What they mean: kernels/sixteen_bits.h.
#pragma once

#include <cstdint>

#include "carousel/kernels/reference/rounding.h"
#include "carousel/kernels/sixteen_bits.h"

namespace carousel::kernels::reference {

constexpr float kUnitSteps = 65535, kSymmetricSteps = 32767;

/// The code nearest to x.
inline uint16_t to_16_bits(Range16 range, float x) {
  if (range == Range16::unbounded) return bf16_of(x);
  // Comparisons that NaN fails: it must not be turned into an integer. Half a step more: truncation then rounds.
  if (range == Range16::unit) {
    const float inside = x > 0 ? (x < 1 ? x : 1.0f) : 0.0f;
    const float raised = inside * kUnitSteps + 0.5f;
    return static_cast<uint16_t>(static_cast<int32_t>(raised));
  }
  const float inside = x > -1 ? (x < 1 ? x : 1.0f) : -1.0f;
  const float raised = (inside + 1) * kSymmetricSteps + 0.5f;
  return static_cast<uint16_t>(static_cast<int32_t>(raised));
}

/// The number of a code.
inline float from_16_bits(Range16 range, uint16_t code) {
  if (range == Range16::unbounded) return f32_of(code);
  if (range == Range16::unit) return static_cast<float>(code) * (1 / kUnitSteps);
  return (static_cast<float>(code) - kSymmetricSteps) / kSymmetricSteps;
}

}  // namespace carousel::kernels::reference
