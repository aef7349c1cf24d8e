// Loss and dev score of a model that writes what sequences of frames say, under training.
#pragma once

#include <memory>
#include <vector>

#include "carousel/data/frames/frames.h"
#include "carousel/tasks/transcribe_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

/// Scaled sequences. Those of training have room for their texts, see TranscribeNetwork::steps_needed().
struct TranscribeSets {
  std::vector<data::FrameExample> train, dev;
};

/// The model must outlive the objective.
std::unique_ptr<train::Objective> make_transcribe_objective(TranscribeModel& model, TranscribeSets sets);

}  // namespace carousel::tasks
