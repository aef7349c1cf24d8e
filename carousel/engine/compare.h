// The same data and the same time for many models: cells, depths and widths against each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/engine/engine.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::engine {

struct CompareRequest {
  TrainRequest base;  ///< data, dev, task, config and settings that all share; `output` and `resume` are not used
  std::vector<std::string> cells = {"rnn", "lstm", "gru"};  ///< as nn::parse_cell reads them: "gru:reset=after"
  std::vector<int64_t> num_layers = {1};
  std::vector<int64_t> hidden_size = {128};
  double budget = 60;             ///< seconds for each training; 0: what `base` says (steps, epochs)
  bool equal_parameters = false;  ///< widths are those of the first cell; the others get as many parameters
  std::string folder;             ///< where the models stay; "": nowhere. Models that are there are never overwritten
};

/// Trains each combination through Engine::train and tabulates quality on the dev data, speed, parameters, the most
/// memory that tensors held beyond what they held before, and the mean norm of gradients. A training that diverges has
/// a row without a score; a combination that stands in the grid twice is trained once, with a note. Throws what
/// Engine::train throws, and ConfigError for an empty grid and for options in `base` that the grid would override.
tasks::lab::Report compare(const CompareRequest& request, const tasks::lab::Observer& observer);

/// Number of trainable values of the model that the request would train.
int64_t count_parameters(const TrainRequest& request);

}  // namespace carousel::engine
