// A recurrent layer made ready for one sequence, one step at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "carousel/nn/cells/cell.h"
#include "carousel/nn/packed_rows.h"
#include "carousel/nn/stream_helper.h"

namespace carousel::nn {

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
