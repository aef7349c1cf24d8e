// The counters of a running training, and their JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/train/schedule.h"
#include "carousel/train/trainer.h"

namespace carousel::train {

/// Everything about a run that is not a tensor. All of it is restored on resume; there is no other state.
struct RunState {
  int64_t step = 0;   ///< steps done
  int64_t epoch = 0;  ///< of the next step
  int64_t batch = 0;  ///< of the next step, within the epoch
  double progress = 0;
  double seconds = 0;             ///< over all parts so far
  double slowest_evaluation = 0;  ///< seconds; kept free at the end of a run bounded by time
  int64_t clipped = 0;            ///< steps whose gradient was clipped
  int64_t averaged = 0;           ///< steps whose weights are in the even mean
  double running_nll = 0, running_tokens = 0;
  double evaluated_at = 0;  ///< progress of the newest evaluation
  int64_t stale = 0;        ///< evaluations since the last improvement
  int64_t best = -1;        ///< index into history; -1: none
  std::vector<EvaluationPoint> history;
  ProgressTrace trace;
  bool replaying = false;  ///< the trace is the whole of an earlier run and is followed

  std::string to_json() const;
  /// Throws FormatError naming `file` when a value is missing, of another kind or out of its range.
  static RunState from_json(const std::string& json, const std::string& file);
};

}  // namespace carousel::train
