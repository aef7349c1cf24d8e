// A matrix made ready for products with one vector or a few.
#pragma once

#include <cstdint>

#include "carousel/autograd/weights.h"
#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/table.h"

namespace carousel::nn {

/// A matrix laid out for products with one vector, by the kernel set in use when it was made, in f32 or in a number
/// format. A copy, unless borrowed: later changes of the matrix do not reach it.
class PackedRows {
 public:
  PackedRows() = default;
  /// The weight w [N, K], f32, in its own format.
  explicit PackedRows(const Var& w) : PackedRows(w.value(), w.format()) {}
  /// Whole rows of a weight; `format` may be null.
  PackedRows(const Tensor& w, const kernels::quant::Format* format);
  /// Some rows of a weight as packed_weight() keeps them, valid as long as that.
  static PackedRows borrowed(const Var& w, const WeightSlice& slice);

  /// y [rows, N] = x [rows, K] W^T (+ y when accumulate); y is not x. Unless borrowed, a row has the same bits in
  /// whatever company.
  void multiply(const float* x, float* y, bool accumulate, int64_t rows = 1) const {
    if (kept_) {
      kept_->multiply(rows, x, y, accumulate);
    } else if (multiply_) {
      multiply_({rows, rows_, columns_, static_cast<const std::byte*>(packed_.raw()), x, y, accumulate});
    } else {
      gemv_({rows_, columns_, packed_.data<float>(), x, y, accumulate, rows});
    }
  }
  int64_t rows() const { return rows_; }

 private:
  int64_t rows_ = 0, columns_ = 0;
  void (*gemv_)(const kernels::Gemv<float>&) = nullptr;
  kernels::quant::Multiply multiply_ = nullptr;   // null: f32
  const kernels::Packed<float>* kept_ = nullptr;  // not null: with the weight
  Tensor packed_;
};

}  // namespace carousel::nn
