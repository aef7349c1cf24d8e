// Looking at the gradients of intermediate values.
#pragma once

#include <functional>
#include <vector>

#include "carousel/autograd/tape.h"

namespace carousel {

/// Tells `listener` the whole gradient of x, the output of a recorded op, when the next backward() on this thread
/// reaches that op; copy it to keep it. What was not reached by the end of that backward() is forgotten.
void watch_gradient(const Var& x, std::function<void(const Tensor&)> listener);

/// For the tape: an op with these outputs is about to run backwards.
void tell_watchers(const std::vector<Var>& outputs);
/// For the tape: it has come to its end.
void forget_watchers();

}  // namespace carousel
