// Some units of a recurrent layer, so that several threads can share the work of one step of few sequences.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "carousel/autograd/parallel.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/packed_rows.h"

namespace carousel::nn {

/// Bytes of weights from which on a step is worth two cores: some two microseconds of reading.
constexpr int64_t kWorthSharing = int64_t{256} << 10;

/// The fused kernels of a cell for the units [begin, end) of a layer: each needs h of all units of the step before, and
/// its own share of the weights. Immutable.
class UnitsOfCell {
 public:
  /// Weights copied and laid out for products with one vector.
  static UnitsOfCell copied(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden, Range units);
  /// Products as packed_weight() keeps them with the weights, valid as long as that.
  static UnitsOfCell borrowed(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden, Range units);

  const Range& units() const { return units_; }
  size_t num_stages() const { return stages_.size(); }
  /// Numbers that run() keeps and leaves in `scratch`, of each sequence.
  int64_t scratch_size() const { return scratch_size_; }
  /// Of its gates, in one stage.
  int64_t width(size_t stage) const { return stages_[stage].width; }

  /// What a stage reads, of all units, and writes, of its own.
  struct Data {
    const float *x, *before;           ///< input and states: h, and c behind it
    const float* operand;              ///< of a second stage: what the first left for the product with U
    float* scratch;                    ///< kept from stage to stage
    float *h, *c, *left;               ///< new states, and the operand of the next stage
    const float* past;                 ///< h of `before` alone, dense; null: zeros, which need no product
    int64_t rows = 1;                  ///< sequences
    int64_t state = 0;                 ///< from one sequence's states to the next one's, before and new
    const float* c_before = nullptr;   ///< where c does not stand behind h
    float* const* products = nullptr;  ///< [stage]: input_product() of these rows, used up; null: x is multiplied here
  };
  void run(size_t stage, const Data& data) const;
  /// y [rows, width(stage)] = x W^T.
  void input_product(size_t stage, int64_t rows, const float* x, float* y) const {
    stages_[stage].input.multiply(x, y, false, rows);
  }

 private:
  /// Lays out the rows of these gates of a weight.
  using Pack = std::function<PackedRows(const Var& weight, const Range& gates)>;
  UnitsOfCell(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden, Range units, const Pack& pack);

  struct Stage {
    kernels::CellForwardKernel<float> forward = nullptr;
    int64_t width = 0, scratch = 0;  // of its gates, and where they lie
    PackedRows input, recurrent;
    Tensor bias, recurrent_bias;
  };

  FusedCell<float> fused_;
  int64_t hidden_;
  Range units_;
  int64_t scratch_size_ = 0;
  Tensor peephole_;
  std::vector<Stage> stages_;
};

}  // namespace carousel::nn
