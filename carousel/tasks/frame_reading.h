// Frames as a trained model reads them: as those of its training.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/scaling.h"
#include "carousel/data/json_object.h"
#include "carousel/tasks/frame_options.h"

namespace carousel::tasks {

/// Reads the frames of `files`, not scaled yet. Unless they are `labelled`, files of a folder may be called anything.
/// Throws DataError, also for frames of another width; `task` stands in its text. Notes are added to `notes`.
data::FrameSet read_like_training(const std::vector<std::string>& files, const data::FramePlan& plan,
                                  const FrameOptions& options, const data::FrameScaling& scaling,
                                  const data::ReadOptions& read, const std::string& task,
                                  std::vector<std::string>& notes);

/// DataError unless what is planned gives each sequence a text.
void require_texts(const std::string& file, const data::FramePlan& plan);

/// How files are read that need no targets: of a folder all, whatever they are called.
data::FramePlan plan_unlabelled(const std::vector<std::string>& files, const data::FrameFormat& format);

/// A scaling from the "mean" and "deviation" of a model's metadata and its decided options; FormatError for what no
/// training could have left.
data::FrameScaling load_scaling(const data::JsonObject& json, const FrameOptions& options);

/// The indices of all examples of a set.
std::vector<int64_t> all_of(const data::FrameSet& set);

/// Scales the examples `indices` of a set.
std::vector<data::FrameExample> scaled_examples(const data::FrameSet& set, const std::vector<int64_t>& indices,
                                                const data::FrameScaling& scaling);

/// "frames: 2 numbers, 10 steps on average, scaling = training"; `mean_length` in steps.
std::string frames_sentence(const FrameOptions& options, int64_t columns, double mean_length);

/// "40 numbers (logmel) every 10 ms of sound at 8000 Hz", "3 numbers".
std::string frames_text(const FrameOptions& options, int64_t columns);

}  // namespace carousel::tasks
