// Loss and dev score of a string-to-string model under training.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/tasks/transduce_model.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

/// The two sides of the data.
struct PairSets {
  data::PairData train_data, dev_data;
  std::vector<int64_t> train, dev;  ///< indices into the examples of each
};

/// Of `all` dev questions of so many symbols, sources and first targets, those that each evaluation searches.
int64_t questions_to_search(int64_t all, int64_t symbols);

/// The model must outlive the objective.
std::unique_ptr<train::Objective> make_transduce_objective(TransduceModel& model, PairSets sets);

}  // namespace carousel::tasks
