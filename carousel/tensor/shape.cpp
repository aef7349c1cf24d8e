#include "carousel/tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "carousel/base/error.h"

namespace carousel {

int64_t Shape::operator[](int64_t axis) const {
  const int64_t index = axis < 0 ? axis + rank() : axis;
  if (index < 0 || index >= rank())
    throw ShapeError(fmt::format("[shape] axis {} does not exist; got shape {}. Check the rank.", axis, str()));
  return dims_[static_cast<size_t>(index)];
}

int64_t Shape::numel() const {
  int64_t n = 1;
  for (const int64_t d : dims_) n *= d;
  return n;
}

std::string Shape::str() const {
  return fmt::format("[{}]", fmt::join(dims_, ", "));
}

}  // namespace carousel
