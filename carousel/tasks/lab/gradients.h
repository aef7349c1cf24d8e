// How far an error flows back through a cell, measured on a text.
#pragma once

#include <cstdint>
#include <string>

#include "carousel/base/options.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::tasks::lab {

struct GradientOptions {
  std::string cells = "rnn,lstm,gru";
  int64_t hidden_size = 64;
  int64_t distance = 100;  ///< characters to look back over
  int64_t steps = 300;     ///< training steps before the second look; 0: only the first weights are looked at
  int64_t batch_size = 32;
  double learning_rate = 3e-3;
  int64_t seed = 1;

  /// Adds the rows of section "lab".
  void options(OptionTable& table);
};

/// Next-character models of one width, each trained on the same windows of `text`. For the loss at the last character
/// of a window: the norms of dL/dh and dL/dc at each distance before it, and the product of the forget gates between
/// (LSTM: f; GRU: what the update gate keeps), before and after training; the share of saturated gates and of dead
/// units. A reach that is not a number lies beyond the distance, and a note says so. `text` is UTF-8 with at least 20
/// characters (ConfigError); a short text shortens the distance, and a note says so.
Report gradient_experiment(const GradientOptions& options, const std::string& text, const Observer& observer);

}  // namespace carousel::tasks::lab
