// Normalisation.
#pragma once

#include "carousel/autograd/tape.h"

namespace carousel::ops {

/// Layer normalisation of each row of x [N, C] (Ba, Kiros & Hinton 2016): gain * (x - mean) / sqrt(variance + epsilon)
/// + bias, the variance over C. gain and bias [C], either may be undefined (1 and 0). Throws ShapeError.
Var layer_norm(Tape* tape, const Var& x, const Var& gain, const Var& bias, double epsilon = 1e-5);

}  // namespace carousel::ops
