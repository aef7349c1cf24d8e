// Loss and dev score of a classifier of frames under training.
#pragma once

#include <memory>
#include <vector>

#include "carousel/data/frames/frames.h"
#include "carousel/tasks/frames_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

/// Scaled sequences. With parts each member of the model learns from all parts but its own, which it is scored on;
/// `dev` is empty then.
struct FrameSets {
  std::vector<data::FrameExample> train, dev;
  std::vector<int64_t> parts;  ///< of each training sequence; empty: all members learn from all
};

/// The model must outlive the objective. Each evaluation fits the model's temperature.
std::unique_ptr<train::Objective> make_frames_objective(FrameModel& model, FrameSets sets);

}  // namespace carousel::tasks
