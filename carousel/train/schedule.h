// Learning rate and progress. Everything that changes during a run is a function of its progress in [0, 1], so that a
// run bounded by epochs, by steps or by time follows the same curve.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace carousel::train {

/// Linear warm-up, then constant, then half a cosine (Loshchilov & Hutter 2017, without restarts) down to a share of
/// the peak. A warm-up that reaches into the decay multiplies with it.
struct LearningRate {
  double peak = 0;
  double warmup = 0;       ///< share of the run; 0: none
  double decay_start = 1;  ///< share of the run at which the cosine begins; 1: constant
  double final_share = 1;  ///< of the peak, at progress 1

  /// The rate at a progress in [0, 1]. Warm-up begins at a hundredth of the peak: the first steps already learn.
  double at(double progress) const;
};

/// The progress that a run bounded by time really made, so that it can be repeated without the clock. Progress moves in
/// ticks of 1 / kTicks; what is kept are the steps at which it moved: at most kTicks entries, however long the run.
class ProgressTrace {
 public:
  static constexpr int64_t kTicks = 4096;

  /// Notes the tick that holds from `step` on. Steps and ticks never go back (ConfigError).
  void note(int64_t step, int64_t tick);
  /// The tick that held at a step.
  int64_t tick_at(int64_t step) const;
  /// The newest tick.
  int64_t last_tick() const { return moves_.empty() ? 0 : moves_.back().second; }
  /// True once the run has come to its end.
  bool complete() const { return last_tick() == kTicks; }
  /// Steps of a complete run.
  int64_t steps() const { return moves_.empty() ? 0 : moves_.back().first; }

  /// Moves since the one before as "steps" (one tick) or "steps+ticks", with spaces between.
  std::string text() const;
  /// Reads text(); throws FormatError naming `file` when it is none.
  static ProgressTrace parse(const std::string& text, const std::string& file);

 private:
  std::vector<std::pair<int64_t, int64_t>> moves_;  // (first step, tick), both rising
};

}  // namespace carousel::train
