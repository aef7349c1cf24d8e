// Additive attention scores.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

void additive_forward(const AdditiveForward<float>& p);
void additive_backward(const AdditiveBackward<float>& p);

}  // namespace carousel::kernels::simd
