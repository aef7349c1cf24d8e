// The sizes of a tensor's axes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace carousel {

/// Sizes of the axes, outermost first. A scalar has rank 0 and one element.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}

  int64_t rank() const { return static_cast<int64_t>(dims_.size()); }
  /// Size of an axis; negative counts from the end. Throws ShapeError when there is no such axis.
  int64_t operator[](int64_t axis) const;
  /// Product of all sizes.
  int64_t numel() const;
  const std::vector<int64_t>& dims() const { return dims_; }
  /// "[2, 3]".
  std::string str() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<int64_t> dims_;
};

}  // namespace carousel
