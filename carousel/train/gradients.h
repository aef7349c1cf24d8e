// What is asked of all gradients at once: their norm, and which one went bad.
#pragma once

#include <string>
#include <vector>

#include "carousel/nn/module.h"

namespace carousel::train {

/// Euclidean norm over all gradients (absent ones count as zero), summed in double over fixed pieces in a fixed order:
/// the same bits for any number of threads. Not finite when any gradient is not.
double grad_norm(const std::vector<nn::NamedParameter>& parameters);

/// True when every element is finite. Others than f32 and f64 always are.
bool all_finite(const Tensor& tensor);

/// Name of the first parameter whose gradient has a value that is not finite, or "".
std::string first_bad_gradient(const std::vector<nn::NamedParameter>& parameters);
/// Name of the first parameter that itself has such a value, or "".
std::string first_bad_parameter(const std::vector<nn::NamedParameter>& parameters);
/// Where values go bad when all parameters are sound: the first op on a tape that keeps its inputs whose output has a
/// value that is not finite, called by its first parameter ("the output of output.weight") or by the last one before it
/// ("a step after output.weight"); "" when there is none.
std::string first_bad_output(const Tape& tape, const std::vector<nn::NamedParameter>& parameters);

}  // namespace carousel::train
