// Options of the tasks `classify` and `transduce` that only concern frames.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace carousel::tasks {

inline bool is_of_frames(const std::string& name) {
  constexpr std::array<std::string_view, 19> kNames = {
      "decoder",      "label_part",    "group_part",      "features",          "sample_rate",
      "frame_length", "frame_step",    "num_mels",        "num_cepstra",       "deltas",
      "scaling",      "stack_frames",  "frame_noise",     "time_masks",        "time_stretch",
      "image_frames", "feature_masks", "time_mask_share", "feature_mask_share"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace carousel::tasks
