// Numbers that rest in sixteen bits between two uses and are reckoned with in f32. The same in all kernel sets.
#pragma once

#include <cstdint>

namespace carousel::kernels {

/// In what range numbers lie: it decides their codes.
enum class Range16 {
  unit,       ///< [0, 1], in steps of 1/65535: an error of 7.7e-6 at most
  symmetric,  ///< [-1, 1], in steps of 1/32767: 1.6e-5
  unbounded   ///< bf16: a 256th of the number; infinities and NaN stay what they are
};

/// y[n] = the code nearest to x[n]. What lies beyond a bounded range counts as its nearer end, NaN as the lower one.
void to_16_bits(Range16 range, int64_t n, const float* x, uint16_t* y);
/// The numbers of the codes.
void from_16_bits(Range16 range, int64_t n, const uint16_t* x, float* y);

}  // namespace carousel::kernels
