// Sequences of numeric frames as a network reads them, and what training does to them so that they are not learnt by
// heart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/nn/context.h"
#include "carousel/tensor/packing.h"
#include "carousel/tensor/tensor.h"

namespace carousel::nn {

struct FrameBatch {
  Packing packing;
  Tensor values;  ///< [packing.rows(), width]

  /// Sequences [length, width] one after the other. Throws ShapeError when one is empty or no multiple of `width`.
  static FrameBatch of(const std::vector<std::span<const float>>& sequences, int64_t width);
};

/// What training changes in frames whose mean is 0 and whose deviation is 1. Negative: chosen.
struct FrameNoise {
  double frame_noise = -1;           ///< deviation of normal noise on every number
  int64_t time_masks = -1;           ///< stretches of time that are set to the mean (Park et al. 2019, "SpecAugment")
  double time_mask_share = 0.15;     ///< longest of them, as a share of the sequence
  int64_t feature_masks = -1;        ///< bands of neighbouring numbers that are set to the mean in all frames
  double feature_mask_share = 0.15;  ///< widest of them, as a share of the frame

  /// Adds rows to the table's present section.
  void options(OptionTable& table);
};

/// The values of a batch after this step's noise, a pure function of ctx.seed and the stream that it takes; without
/// training the values themselves. Lengths and positions of masks are drawn uniformly for each sequence.
Tensor add_noise(Context& ctx, const FrameBatch& batch, const FrameNoise& noise);

}  // namespace carousel::nn
