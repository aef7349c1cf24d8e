// Losses of numbers: each the mean over all elements, one element.
#pragma once

#include "carousel/autograd/tape.h"

namespace carousel::ops {

/// |prediction - target|. Both of one shape (ShapeError); the gradient where they are equal is 0.
Var absolute_error(Tape* tape, const Var& prediction, const Tensor& target);
/// (prediction - target)^2.
Var squared_error(Tape* tape, const Var& prediction, const Tensor& target);
/// The pinball loss (Koenker & Bassett 1978), least when `prediction` is the quantile `level` in (0, 1) of the targets:
/// max(level (target - prediction), (level - 1) (target - prediction)).
Var pinball(Tape* tape, const Var& prediction, const Tensor& target, double level);
/// -log N(target; mean, exp(log_deviation)^2), without its constant. All of one shape (ShapeError).
Var gaussian_nll(Tape* tape, const Var& mean, const Var& log_deviation, const Tensor& target);

}  // namespace carousel::ops
