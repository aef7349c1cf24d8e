// Rounding f32 to bf16, the upper half of an f32: eight bits of exponent, eight significant bits.
#pragma once

#include <cstdint>

namespace carousel::kernels::simd {

/// y = the bf16 nearest to x, ties to even. Infinities and NaN stay what they are.
void to_bf16(int64_t n, const float* x, uint16_t* y);

/// The same values as to_bf16(), in f32.
void round_to_bf16(int64_t n, const float* x, float* y);

}  // namespace carousel::kernels::simd
