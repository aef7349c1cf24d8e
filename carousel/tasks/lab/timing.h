// Does a cell need peepholes to keep time? Counting pulses and keeping a rhythm.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::tasks::lab {

struct TimingOptions {
  std::string problems = "count,rhythm";
  std::string cells = "lstm,peephole_lstm";
  std::vector<int64_t> periods = {5, 10, 20};
  int64_t hidden_size = 8;
  int64_t steps = 2000;
  int64_t batch_size = 16;
  double learning_rate = 1e-2;
  int64_t seeds = 3;  ///< trainings of each, from different first weights
  int64_t seed = 1;

  /// Adds the rows of section "lab".
  void options(OptionTable& table);
};

/// Spikes at the very step (F1: the harmonic mean of the share of wanted spikes that came and of spikes that were
/// wanted), for each cell and period; mean and best over some seeds. Throws ConfigError.
Report timing_experiment(const TimingOptions& options, const Observer& observer);

}  // namespace carousel::tasks::lab
