// Loss and dev score of a classifier under training.
#pragma once

#include <memory>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/tasks/classify_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

struct LabelSets {
  data::PairData train_data, dev_data;
  std::vector<int64_t> train, dev;                       ///< indices into them
  std::vector<std::vector<int32_t>> train_ids, dev_ids;  ///< of the texts at these indices
};

/// The model must outlive the objective. Each evaluation fits the model's temperature to the dev texts.
std::unique_ptr<train::Objective> make_classify_objective(ClassifyModel& model, LabelSets sets);

}  // namespace carousel::tasks
