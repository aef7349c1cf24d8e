// Tensor: a dense row-major array with shared storage; views share it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carousel/base/memory.h"
#include "carousel/tensor/shape.h"

namespace carousel {

/// bf16 and i8 hold weights in number formats (kernels/quant): they are stored and decoded, not reckoned with.
enum class DType { f32, f64, i32, bf16, i8 };

/// Bytes of one element.
int64_t size_of(DType dtype);
/// "f32", "f64", "i32", "bf16", "i8".
const char* name_of(DType dtype);

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}

/// A dense row-major array. Copying a Tensor copies the handle, not the elements; `clone` copies elements.
/// Storage is 64-byte aligned and comes from a caching pool, so a training step that repeats its shapes does not
/// call malloc.
class Tensor {
 public:
  Tensor() = default;

  /// Elements are undefined.
  static Tensor empty(Shape shape, DType dtype = DType::f32);
  static Tensor zeros(Shape shape, DType dtype = DType::f32);
  static Tensor full(Shape shape, double value, DType dtype = DType::f32);
  /// Copies `values`; their number must equal shape.numel() (ShapeError).
  template <class T>
  static Tensor from(const Shape& shape, std::span<const T> values);
  template <class T>
  static Tensor from(const Shape& shape, const std::vector<T>& values) {
    return from<T>(shape, std::span<const T>(values));
  }

  bool defined() const { return storage_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return shape_.rank(); }
  int64_t dim(int64_t axis) const { return shape_[axis]; }
  int64_t numel() const { return shape_.numel(); }
  int64_t nbytes() const { return numel() * size_of(dtype_); }

  /// First element. Throws ShapeError when T is not the dtype.
  template <class T>
  T* data();
  template <class T>
  const T* data() const;
  void* raw() { return bytes(); }
  const void* raw() const { return bytes(); }
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<size_t>(numel())};
  }

  /// Same elements under another shape of equal numel; shares storage.
  Tensor reshape(Shape shape) const;
  /// Rows [begin, end) of the outermost axis; shares storage.
  Tensor rows(int64_t begin, int64_t end) const;
  Tensor clone() const;
  /// Elements converted to another dtype (f32 <-> f64, bf16 -> f32).
  Tensor to(DType dtype) const;
  void fill(double value);
  /// The only element of a one-element tensor.
  double item() const;
  /// True when both handles see the same first byte.
  bool shares(const Tensor& other) const { return defined() && bytes() == other.bytes(); }

 private:
  std::byte* bytes() const;
  void require(DType dtype) const;

  std::shared_ptr<std::byte> storage_;
  int64_t offset_ = 0;  // bytes
  Shape shape_;
  DType dtype_ = DType::f32;
};

}  // namespace carousel
