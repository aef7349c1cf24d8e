// From a tensor's dtype to a template argument.
#pragma once

#include <fmt/format.h>

#include "carousel/base/error.h"
#include "carousel/tensor/tensor.h"

namespace carousel::ops {

/// Calls body.template operator()<float>() or <double>().
template <class Body>
auto with_scalar(DType dtype, Body body) {
  switch (dtype) {
    case DType::f32:
      return body.template operator()<float>();
    case DType::f64:
      return body.template operator()<double>();
    default:
      throw ShapeError(
          fmt::format("[ops] arithmetic needs f32 or f64; got {}. Use embedding() for ids.", name_of(dtype)));
  }
}

/// Throws ShapeError unless x has `rank` axes.
inline void require_rank(const char* op, const char* name, const Tensor& x, int64_t rank) {
  if (!x.defined() || x.rank() != rank)
    throw ShapeError(fmt::format("[{}] {} must have {} axes; got shape {}. Reshape it.", op, name, rank,
                                 x.defined() ? x.shape().str() : "none"));
}

/// Throws ShapeError unless the two sizes agree.
inline void require_equal(const char* op, const char* what, int64_t got, int64_t want) {
  if (got != want)
    throw ShapeError(fmt::format("[{}] {} must be {}; got {}. Check the sizes of the layers.", op, what, want, got));
}

}  // namespace carousel::ops
