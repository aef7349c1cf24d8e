// More elementwise functions.
#pragma once

#include "carousel/autograd/tape.h"

namespace carousel::ops {

Var sub(Tape* tape, const Var& a, const Var& b);
/// a / b.
Var div(Tape* tape, const Var& a, const Var& b);
/// The larger of the two; NaN when either is. Where they are equal the gradient goes to a.
Var maximum(Tape* tape, const Var& a, const Var& b);
/// factor * x + shift.
Var affine(Tape* tape, const Var& x, double factor, double shift);
/// max(x, 0); NaN stays NaN. The gradient at 0 is 0.
Var relu(Tape* tape, const Var& x);
Var exp(Tape* tape, const Var& x);
/// log(sigmoid(x)), without overflow.
Var log_sigmoid(Tape* tape, const Var& x);

}  // namespace carousel::ops
