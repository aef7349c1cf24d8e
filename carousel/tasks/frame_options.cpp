#include "carousel/tasks/frame_options.h"

#include "carousel/data/frames/scaling.h"

namespace carousel::tasks {

void FrameOptions::options(OptionTable& table) {
  format.options(table);
  reading_options(table);
}

void FrameOptions::options_of_texts(OptionTable& table) {
  format.options_of_texts(table);
  reading_options(table);
}

void FrameOptions::reading_options(OptionTable& table) {
  std::vector<std::string> scalings = data::frame_scalings();
  scalings.insert(scalings.begin(), "auto");
  table
      .add("scaling", &scaling,
           "What brings the numbers of frames to mean 0 and deviation 1: those of each sequence, of the training data "
           "for each column, or of all columns (common); auto: sequence for recordings, common for images, else "
           "training.")
      .one_of(scalings);
  table
      .add("stack_frames", &stack_frames,
           "Neighbouring frames that the network reads as one; auto: so many that sequences have some hundred steps.")
      .range(1, 65536)
      .automatic();
}

void FrameOptions::training_options(OptionTable& table) {
  table
      .add("time_stretch", &time_stretch,
           "Training plays each sequence of frames faster or slower by up to this share.")
      .range(0, 0.9)
      .automatic();
}

FrameSize measure_frames(const data::FrameSet& set, const std::vector<int64_t>& indices) {
  FrameSize size;
  size.examples = static_cast<int64_t>(indices.size());
  for (const int64_t i : indices) size.mean_length += static_cast<double>(set.examples[static_cast<size_t>(i)].length);
  size.mean_length /= static_cast<double>(indices.size());
  size.width = set.width;
  size.recordings = set.sample_rate > 0;
  size.pixels = set.format == "idx";
  return size;
}

std::string chosen_scaling(const FrameSize& size) {
  return size.recordings ? "sequence" : size.pixels ? "common" : "training";
}

}  // namespace carousel::tasks
