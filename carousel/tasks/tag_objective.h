// Loss and dev score of a tagger under training.
#pragma once

#include <memory>
#include <vector>

#include "carousel/data/tags.h"
#include "carousel/tasks/tag_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

struct TagSets {
  data::TagData train_data, dev_data;
  std::vector<int64_t> train, dev;  ///< indices into them
};

/// The model must outlive the objective. The deciding metric is sentence_accuracy where there are intents, span_f1
/// where tags mark spans, and accuracy otherwise.
std::unique_ptr<train::Objective> make_tag_objective(TagModel& model, TagSets sets);

}  // namespace carousel::tasks
