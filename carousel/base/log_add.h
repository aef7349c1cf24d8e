// Sums of probabilities that are kept as logarithms.
#pragma once

#include <cmath>
#include <limits>
#include <utility>

namespace carousel {

/// The logarithm of probability 0.
inline constexpr double kNever = -std::numeric_limits<double>::infinity();

/// log(exp(a) + exp(b)).
inline double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

}  // namespace carousel
