// Brings the numbers of frames to mean 0 and deviation 1 and puts neighbouring frames together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/data/frames/frames.h"

namespace carousel::data {

/// sequence  each column of each sequence by its own mean and deviation: what differs from microphone to microphone
/// training  each column by those of the training data: sizes tell something
/// common    all columns by one mean and deviation of the training data: they are of one kind, as pixels are
/// none      as they are
std::vector<std::string> frame_scalings();

/// What a model knows of the frames it was trained on.
struct FrameScaling {
  std::string kind = "training";        ///< one of frame_scalings()
  int64_t stack = 1;                    ///< neighbouring frames that become one
  std::vector<double> mean, deviation;  ///< of each column, before frames are put together

  /// From the examples `indices` of a set. Columns that hardly change keep their size.
  static FrameScaling learn(const FrameSet& set, const std::vector<int64_t>& indices, const std::string& kind,
                            int64_t stack);
  int64_t columns() const { return static_cast<int64_t>(mean.size()); }
  /// Numbers in a frame that the network reads.
  int64_t width() const { return columns() * stack; }
  /// Changes an example [length, columns()] to [ceil(length / stack), width()], filled up with zeros.
  void apply(FrameExample& example) const;
};

/// The same sequence [length, width] at another speed: `length` / `factor` frames, at least one, on straight lines
/// between those there are.
std::vector<float> stretched(const std::vector<float>& values, int64_t width, double factor);

}  // namespace carousel::data
