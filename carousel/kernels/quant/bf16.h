// The upper half of an f32: eight bits of exponent, eight significant bits.
//
// Weights are rounded to the nearest code, ties to even. Products keep x in f32 and take the weights' exact values:
//     y = sum_k x w, by fused multiply-adds in the order of k
// so only the weights are rounded. What is gained is bandwidth: a product with one vector reads half the bytes. Whole
// batches, which are bound by arithmetic, are multiplied by the decoded values.
#pragma once

#include "carousel/kernels/quant/format.h"

namespace carousel::kernels::quant {

const Format& bf16();

}  // namespace carousel::kernels::quant
