// The task `classify` for sequences of numeric frames.
#pragma once

#include "carousel/tasks/classify_config.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

/// Why these files are sequences of frames with labels, or "" when they are not.
std::string recognise_frames(const std::vector<std::string>& files, const ClassifyOptions& options);

/// Reads the data, decides what was left automatic into `options`, builds the model.
TrainingJob build_frames(const TaskInput& input, ClassifyOptions& options, const Say& say);

}  // namespace carousel::tasks
