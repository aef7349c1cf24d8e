// Options of tasks whose inputs are sequences of numeric frames.
#pragma once

#include <cstdint>
#include <string>

#include "carousel/base/options.h"
#include "carousel/data/frames/frames.h"

namespace carousel::tasks {

/// How frames are read, and what only concerns them.
struct FrameOptions {
  data::FrameFormat format;
  std::string scaling = "auto";  ///< auto, or one of data::frame_scalings()
  int64_t stack_frames = 0;      ///< neighbouring frames that the network reads as one; 0: chosen
  double time_stretch = -1;      ///< training plays sequences by up to this share faster or slower; negative: chosen

  /// Adds rows to the table's present section: for frames with labels, and for those with texts.
  void options(OptionTable& table);
  void options_of_texts(OptionTable& table);
  /// The row of time_stretch, to the section of training.
  void training_options(OptionTable& table);

 private:
  void reading_options(OptionTable& table);
};

/// What frames look like to whoever decides.
struct FrameSize {
  int64_t examples = 0;     ///< to learn from
  double mean_length = 0;   ///< frames
  int64_t width = 0;        ///< numbers in a frame
  bool recordings = false;  ///< features of sound
  bool pixels = false;      ///< all columns are of one kind
  bool held_out = false;    ///< there is a dev file
};

/// Of the examples `indices` of a set.
FrameSize measure_frames(const data::FrameSet& set, const std::vector<int64_t>& indices);

/// What brings these frames to one size: the `scaling` of docs/guide/frames.md.
std::string chosen_scaling(const FrameSize& size);

}  // namespace carousel::tasks
