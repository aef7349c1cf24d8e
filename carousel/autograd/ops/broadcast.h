// A vector against every row of a matrix.
#pragma once

#include "carousel/autograd/tape.h"

namespace carousel::ops {

/// x [N, C] + b [C] on every row. Throws ShapeError.
Var add_row(Tape* tape, const Var& x, const Var& b);
/// x [N, C] * v [C] on every row: a product with a diagonal matrix. Throws ShapeError.
Var mul_row(Tape* tape, const Var& x, const Var& v);

}  // namespace carousel::ops
