// Elementwise addition of gradients.
#pragma once

#include "carousel/tensor/tensor.h"

namespace carousel {

/// sum += delta, elementwise; same shape and dtype (f32 or f64).
void accumulate(Tensor& sum, const Tensor& delta);

}  // namespace carousel
