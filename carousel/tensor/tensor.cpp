#include "carousel/tensor/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "carousel/base/error.h"
#include "carousel/kernels/quant/bf16.h"

namespace carousel {

int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::i8:
      return 1;
  }
  return 0;
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i32:
      return "i32";
    case DType::bf16:
      return "bf16";
    case DType::i8:
      return "i8";
  }
  return "?";
}

Tensor Tensor::empty(Shape shape, DType dtype) {
  int64_t bytes = size_of(dtype);
  for (const int64_t d : shape.dims())
    if (d < 0 || __builtin_mul_overflow(bytes, d, &bytes))
      throw ShapeError(
          fmt::format("[tensor] sizes must be non-negative and fit in memory; got {}. Check the sizes.", shape.str()));
  Tensor t;
  t.storage_ = allocate_block(bytes);
  t.shape_ = std::move(shape);
  t.dtype_ = dtype;
  return t;
}

Tensor Tensor::zeros(Shape shape, DType dtype) {
  Tensor t = empty(std::move(shape), dtype);
  std::memset(t.raw(), 0, static_cast<size_t>(t.nbytes()));
  return t;
}

Tensor Tensor::full(Shape shape, double value, DType dtype) {
  Tensor t = empty(std::move(shape), dtype);
  t.fill(value);
  return t;
}

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  if (shape.numel() != static_cast<int64_t>(values.size()))
    throw ShapeError(fmt::format("[tensor] shape {} holds {} elements; got {} values. Check the shape.", shape.str(),
                                 shape.numel(), values.size()));
  Tensor t = empty(shape, dtype_of<T>());
  if (!values.empty()) std::memcpy(t.raw(), values.data(), values.size_bytes());
  return t;
}
template Tensor Tensor::from<float>(const Shape&, std::span<const float>);
template Tensor Tensor::from<double>(const Shape&, std::span<const double>);
template Tensor Tensor::from<int32_t>(const Shape&, std::span<const int32_t>);

std::byte* Tensor::bytes() const {
  return storage_.get() + offset_;
}

void Tensor::require(DType dtype) const {
  if (!defined()) throw ShapeError("[tensor] an undefined tensor has no elements; got none. Assign one first.");
  if (dtype != dtype_)
    throw ShapeError(fmt::format("[tensor] elements are {}; got a request for {} (shape {}). Convert with to().",
                                 name_of(dtype_), name_of(dtype), shape_.str()));
}

template <class T>
T* Tensor::data() {
  require(dtype_of<T>());
  return reinterpret_cast<T*>(bytes());
}
template <class T>
const T* Tensor::data() const {
  require(dtype_of<T>());
  return reinterpret_cast<const T*>(bytes());
}
template float* Tensor::data<float>();
template double* Tensor::data<double>();
template int32_t* Tensor::data<int32_t>();
template const float* Tensor::data<float>() const;
template const double* Tensor::data<double>() const;
template const int32_t* Tensor::data<int32_t>() const;

Tensor Tensor::reshape(Shape shape) const {
  if (shape.numel() != numel())
    throw ShapeError(fmt::format("[reshape] the number of elements must stay; got {} -> {}. Check the sizes.",
                                 shape_.str(), shape.str()));
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  if (rank() < 1 || begin < 0 || end < begin || end > dim(0))
    throw ShapeError(fmt::format("[rows] rows {}..{} must lie inside axis 0; got shape {}. Check the range.", begin,
                                 end, shape_.str()));
  std::vector<int64_t> dims = shape_.dims();
  const int64_t row = dims[0] == 0 ? 0 : nbytes() / dims[0];
  dims[0] = end - begin;
  Tensor t = *this;
  t.offset_ += begin * row;
  t.shape_ = Shape(std::move(dims));
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = empty(shape_, dtype_);
  std::memcpy(t.raw(), raw(), static_cast<size_t>(nbytes()));
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape_, dtype);
  const auto n = static_cast<size_t>(numel());
  if (dtype_ == DType::f32 && dtype == DType::f64) {
    std::copy_n(data<float>(), n, t.data<double>());
  } else if (dtype_ == DType::f64 && dtype == DType::f32) {
    std::transform(data<double>(), data<double>() + n, t.data<float>(), [](double v) { return static_cast<float>(v); });
  } else if (dtype_ == DType::bf16 && dtype == DType::f32) {
    kernels::quant::bf16().decode(1, numel(), raw(), nullptr, t.data<float>());
  } else {
    throw UnsupportedError(fmt::format(
        "[tensor] only f32 and f64 convert into each other, and bf16 into f32; got {} -> {}. Keep ids as i32.",
        name_of(dtype_), name_of(dtype)));
  }
  return t;
}

namespace {

[[noreturn]] void refuse_codes(DType dtype) {
  throw UnsupportedError(
      fmt::format("[tensor] elements must be f32, f64 or i32 here; got {}. Decode them first.", name_of(dtype)));
}

}  // namespace

void Tensor::fill(double value) {
  const auto n = static_cast<size_t>(numel());
  switch (dtype_) {
    case DType::f32:
      std::fill_n(data<float>(), n, static_cast<float>(value));
      break;
    case DType::f64:
      std::fill_n(data<double>(), n, value);
      break;
    case DType::i32:
      std::fill_n(data<int32_t>(), n, static_cast<int32_t>(value));
      break;
    case DType::bf16:
    case DType::i8:
      refuse_codes(dtype_);
  }
}

double Tensor::item() const {
  if (!defined() || numel() != 1)
    throw ShapeError(fmt::format("[item] exactly one element is needed; got shape {}. Reduce first.", shape_.str()));
  switch (dtype_) {
    case DType::f32:
      return static_cast<double>(*data<float>());
    case DType::f64:
      return *data<double>();
    case DType::i32:
      return *data<int32_t>();
    case DType::bf16:
    case DType::i8:
      refuse_codes(dtype_);
  }
  return 0;
}

}  // namespace carousel
