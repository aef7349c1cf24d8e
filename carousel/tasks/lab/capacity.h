// How much of a stream a state of fixed size holds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::tasks::lab {

struct CapacityOptions {
  std::string cells = "rnn,lstm,gru";
  int64_t hidden_size = 128;
  std::vector<int64_t> delays = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
  std::vector<int64_t> tokens = {10, 100, 1000, 10000};
  int64_t steps = 1500;
  int64_t batch_size = 32;
  double learning_rate = 3e-3;
  int64_t seed = 1;

  /// Adds the rows of section "lab".
  void options(OptionTable& table);
};

/// A stream of random symbols (3 bits each) goes through a cell that is asked, at each step, for the symbols of several
/// steps ago. After training on short sequences it reads streams of growing length in chunks: the bytes of its state
/// and the memory in use stay the same, measured; what it recalls depends on the delay, not on the length of the
/// stream.
Report capacity_experiment(const CapacityOptions& options, const Observer& observer);

}  // namespace carousel::tasks::lab
