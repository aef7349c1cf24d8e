// Eight-bit integers with a scale for each row, and products in integer arithmetic.
//
// Weights: w = code * scale, code in [-127, 127], scale the row's largest absolute value over 127 rounded up to 17
// significant bits: then code * scale is exact in f32, and encoding decoded values gives back codes and scales.
//
// A product rounds its vector x to eight bits too, with the scale sx = max|x| / 127:
//     q = nearest(x * (127 / max|x|));   y = f32(sum_k q code) * (sx * scale)
// The sum is one of integers, hence exact, in whatever order. A vector without a value of 1e-30 or more counts as
// zeros; one that holds an infinity or NaN gives NaN. That h of a gated cell lies in [-1, 1] could spare the search for
// its maximum, at the price of a coarser step; the search takes less than a hundredth of a step's time.
#pragma once

#include "carousel/kernels/quant/format.h"

namespace carousel::kernels::quant {

const Format& int8();

/// Products by the instructions of one family, by name; null where this processor or build lacks them. For tests.
Multiply int8_multiply_named(const char* target);

}  // namespace carousel::kernels::quant
