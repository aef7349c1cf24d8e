// A recurrent layer made ready for one sequence, one step at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/table.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/stream_helper.h"

namespace carousel::nn {

/// A matrix laid out for products with one vector, by the kernel set in use when it was made, in f32 or in a number
/// format. A copy: later changes of the matrix do not reach it.
class PackedRows {
 public:
  PackedRows() = default;
  /// The weight w [N, K], f32, in its own format.
  explicit PackedRows(const Var& w) : PackedRows(w.value(), w.format()) {}
  /// Whole rows of a weight; `format` may be null.
  PackedRows(const Tensor& w, const kernels::quant::Format* format);
  /// y [rows, N] = x [rows, K] W^T (+ y when accumulate); y is not x. A row has the same bits in whatever company.
  void multiply(const float* x, float* y, bool accumulate, int64_t rows = 1) const {
    if (multiply_) {
      multiply_({rows, rows_, columns_, static_cast<const std::byte*>(packed_.raw()), x, y, accumulate});
    } else {
      gemv_({rows_, columns_, packed_.data<float>(), x, y, accumulate, rows});
    }
  }
  int64_t rows() const { return rows_; }

 private:
  int64_t rows_ = 0, columns_ = 0;
  void (*gemv_)(const kernels::Gemv<float>&) = nullptr;
  kernels::quant::Multiply multiply_ = nullptr;  // null: f32
  Tensor packed_;
};

/// Immutable: any number of sequences in any number of threads may use one.
class StreamCell {
 public:
  virtual ~StreamCell() = default;
  StreamCell(const StreamCell&) = delete;
  StreamCell& operator=(const StreamCell&) = delete;

  /// One step. x [I]; `before` and `after` [state_size()]: the cell's states one behind the other, h first;
  /// `scratch` [scratch_size()]. `helper` (may be null) has helper_room() and does half of the units of a large layer;
  /// the bits are the same.
  virtual void step(const float* x, const float* before, float* after, float* scratch, StreamHelper* helper) const = 0;
  /// The same step of several sequences, the same bits: x [rows, I], before and after [rows, state_size()], scratch
  /// [rows * scratch_size()]. On the calling thread.
  virtual void step_rows(int64_t rows, const float* x, const float* before, float* after, float* scratch) const;
  int64_t state_size() const { return state_size_; }
  int64_t input_size() const { return input_size_; }
  int64_t scratch_size() const { return scratch_size_; }
  int64_t helper_room() const { return helper_room_; }  ///< 0: too small to be shared
  /// Width of h.
  int64_t output_size() const { return output_size_; }

 protected:
  StreamCell(int64_t state_size, int64_t input_size, int64_t output_size)
      : state_size_(state_size), input_size_(input_size), output_size_(output_size) {}
  int64_t state_size_, input_size_, output_size_;
  int64_t scratch_size_ = 0, helper_room_ = 0;
};

/// Fused kernels where the cell has them: products of the packed weights with one vector, then the cell's arithmetic,
/// without allocation or lock. Other cells run Cell::step, which allocates. `zoneout` mixes old and new states as in
/// RecurrentOptions, in expectation. Weights must be f32.
std::unique_ptr<StreamCell> make_stream_cell(std::shared_ptr<const Cell> cell, const CellWeights& weights,
                                             double zoneout);

}  // namespace carousel::nn
