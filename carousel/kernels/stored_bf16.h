// Numbers that rest in bf16 between two uses and are reckoned with in f32.
#pragma once

#include <cstdint>

namespace carousel::kernels {

/// y[n] = the bf16 nearest to x[n], ties to even; infinities and NaN stay what they are. The same in all sets.
void to_bf16(int64_t n, const float* x, uint16_t* y);
/// The same numbers in f32.
void from_bf16(int64_t n, const uint16_t* x, float* y);

}  // namespace carousel::kernels
