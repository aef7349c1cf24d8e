// Compares backward() with central differences in double precision.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "carousel/autograd/tape.h"

namespace carousel {

struct GradCheck {
  double worst = 0;   ///< largest relative error |numeric - analytic| / max(|numeric|, |analytic|, 1e-2 of the largest)
  std::string where;  ///< input and element of the worst
};

/// `f` maps the inputs (all f64) to any output; its elements are weighted by fixed random numbers and summed, so that
/// every output element counts. Checks up to `max_elements` elements of every input that requires a gradient.
GradCheck grad_check(const std::function<Var(Tape*)>& f, const std::vector<Var>& inputs, int64_t max_elements = 200);

}  // namespace carousel
