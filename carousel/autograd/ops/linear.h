// Affine maps.
#pragma once

#include "carousel/autograd/tape.h"

namespace carousel::ops {

/// y = x W^T + b. x [N, I], w [O, I], b [O] or undefined; y [N, O]. Throws ShapeError.
Var linear(Tape* tape, const Var& x, const Var& w, const Var& b);

/// dW (+)= dy^T x for dy [N, O], x [N, I]; for layers that keep their own backward.
void accumulate_weight_gradient(Var w, const Tensor& dy, const Tensor& x);
/// db (+)= column sums of dy.
void accumulate_bias_gradient(Var b, const Tensor& dy);

}  // namespace carousel::ops
