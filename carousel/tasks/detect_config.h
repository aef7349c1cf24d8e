// Options of the task `detect` and what is decided from the data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/series.h"
#include "carousel/nn/stack.h"
#include "carousel/train/trainer.h"

namespace carousel::tasks {

struct DetectOptions {
  data::SeriesFormat format;
  int64_t period = 0;       ///< steps of a season; 0: found
  double fit_share = 0;     ///< of each series, its beginning, that is learnt from; 0: chosen
  double dev_share = 0.25;  ///< of that, its end, that is held back
  int64_t max_line_bytes = int64_t{1} << 20;
  std::string score = "auto";  ///< auto, or one of detect_scores()
  nn::StackConfig stack;
  int64_t window = 0;               ///< rows that the networks learn from at once; 0: chosen
  int64_t code_size = 8;            ///< numbers from which the autoencoder tells a window again
  int64_t memory = 6400;            ///< rows that deviations are measured over
  int64_t quiet = 120;              ///< rows behind an alarm in which only a higher score is one
  double habituation = 0.7;         ///< how much less unusual is what came before; 0: off
  int64_t warm_up = 100;            ///< first rows of a series, without alarms
  double false_alarms = 1;          ///< budget
  std::string budget_per = "1000";  ///< 1000 (rows) | day | week
  train::TrainerConfig trainer;
  int64_t batch_size = 0;  ///< 0: chosen

  void options(OptionTable& table);
  data::ReadOptions read_options() const;
};

/// What a row may be scored by: forecast, reconstruction, both.
std::vector<std::string> detect_scores();

/// Fills in what was left automatic: the shortest series has `shortest` rows to learn from, all together `rows`.
void decide(DetectOptions& options, int64_t shortest, int64_t rows);

}  // namespace carousel::tasks
