// How far back a cell can remember: adding, copying, recalling at a distance.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::tasks::lab {

struct MemoryOptions {
  std::string problems = "adding,copy,recall";
  std::string cells = "rnn,lstm,gru,lstm+attention";
  std::vector<int64_t> lengths = {50, 100, 200, 400};          ///< of the adding problem
  std::vector<int64_t> distances = {5, 10, 20, 50, 100, 200};  ///< of copy and recall
  int64_t hidden_size = 64;
  int64_t steps = 3000;  ///< training steps at most; a solved trial ends early
  int64_t batch_size = 32;
  double learning_rate = 1e-2;
  int64_t seed = 1;

  /// Adds the rows of section "lab".
  void options(OptionTable& table);
};

/// For each cell: the squared error of the adding problem at each length, each in a training of its own; the accuracy
/// of copy and recall at each distance, after one training on all distances. "lstm+attention" pools by attention and so
/// takes no part in copy, which answers at each step. Throws ConfigError.
Report memory_experiment(const MemoryOptions& options, const Observer& observer);

}  // namespace carousel::tasks::lab
