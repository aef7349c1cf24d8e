// Elementwise ops. Shapes of two operands must be equal (ShapeError); nothing broadcasts.
#pragma once

#include "carousel/autograd/tape.h"

namespace carousel::ops {

Var add(Tape* tape, const Var& a, const Var& b);
Var mul(Tape* tape, const Var& a, const Var& b);
Var scale(Tape* tape, const Var& a, double factor);
Var sigmoid(Tape* tape, const Var& x);
Var tanh(Tape* tape, const Var& x);

/// Zeroes each element with probability `drop` and scales the rest by 1 / (1 - drop) (Srivastava et al. 2014). The mask
/// is a pure function of (key, stream, element index). drop in [0, 1); 0 returns x itself.
Var dropout(Tape* tape, const Var& x, double drop, uint64_t key, uint64_t stream);

/// Sum of all elements, one element.
Var sum(Tape* tape, const Var& x);

}  // namespace carousel::ops
