// The training loop: schedule by fraction of the budget, clipping, evaluation, best model, resumable state.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/tensor/archive.h"
#include "carousel/train/objective.h"
#include "carousel/train/schedule.h"

namespace carousel::train {

struct TrainerConfig {
  int64_t seed = 1;
  int64_t threads = 0;             ///< 0: all cores
  int64_t epochs = 0;              ///< 0: chosen from the size of the data
  double max_seconds = 0;          ///< 0: no bound
  int64_t max_steps = 0;           ///< 0: no bound
  std::string precision = "f32";   ///< f32 | bf16: operands of products in training steps; auto: decided by the engine
  std::string optimizer = "adam";  ///< adam | adamw | sgd
  double learning_rate = 0;        ///< 0: chosen
  double weight_decay = 0;
  double momentum = 0;  ///< sgd
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8;
  double warmup = 0.02;               ///< fraction of the budget
  double decay_start = 0.3;           ///< fraction of the budget at which the cosine decay begins
  double final_learning_rate = 0.01;  ///< share of the peak at the end
  double clip_norm = 2.0;             ///< 0: off
  double ema = 0;                     ///< decay of the averaged weights; 0: off
  double average_from = -1;           ///< fraction of the budget from which weights are averaged evenly; 1: off;
                                      ///< negative: off unless a task chooses it
  int64_t patience = 0;               ///< evaluations without improvement before stopping; 0: off
  double eval_every_epochs = 1;       ///< besides: at least every eighth of the budget, and at the end
  double checkpoint_every_seconds = 60;
  std::string replay;  ///< model file whose recorded run is repeated; read by the engine

  /// Adds the rows of section "train".
  void options(OptionTable& table);
};

/// One look at a running training.
struct Progress {
  double fraction = 0;  ///< of the budget
  int64_t step = 0;
  double epoch = 0;
  double tokens_per_second = 0;
  double loss = 0;  ///< nats per target token, running mean
  double learning_rate = 0;
  double grad_norm = 0;
  double clipped_share = 0;  ///< share of steps whose gradient was clipped
  double seconds = 0;
  double eta_seconds = 0;
  bool has_evaluation = false;
  Evaluation evaluation;  ///< the newest
  double best_value = 0;
  bool new_evaluation = false;  ///< this call follows an evaluation
};

/// What the owner of a training hears and decides; every member may be empty.
struct TrainerHooks {
  std::function<void(const Progress&)> progress;  ///< after each step
  std::function<bool()> stop;                     ///< asked before each step; true: checkpoint and return
  std::function<void()> improved;                 ///< the model holds the new best weights: save them
  std::function<void()> checkpoint;               ///< time to save export_state()
};

/// A point of the evaluation history.
struct EvaluationPoint {
  int64_t step = 0;
  double epoch = 0;
  Evaluation evaluation;
};

struct TrainResult {
  enum class Stop { budget, patience, requested };
  Stop stop = Stop::budget;
  int64_t step = 0;
  double epochs = 0;
  double seconds = 0;  ///< over all parts of a resumed run
  double clipped_share = 0;
  EvaluationPoint best;
  std::vector<EvaluationPoint> history;
};

/// A running training as named tensors and a JSON text: all that a bit-exact continuation needs besides the data.
/// Random numbers are no part of it: they are functions of (seed, step).
struct TrainerState {
  std::vector<NamedTensor> tensors;  ///< share storage with the training: write them before the next step
  std::string json;
};

/// Trains an objective. Progress through the budget is the largest of epochs, steps and seconds used; with a bound in
/// seconds it moves in ticks that are recorded (trace()) and can be handed in again (replay()) in place of the clock.
class Trainer {
 public:
  /// Throws ConfigError when nothing bounds the run or a value is out of its range.
  Trainer(Objective& objective, TrainerConfig config);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Runs until the budget is used, patience ends or a stop is asked for. Unless stopped by request, the model holds
  /// the best weights afterwards. Throws DivergedError at the first loss or gradient that is not finite, naming the
  /// layer and the batch; the model then holds the best weights so far, if there are any.
  TrainResult run(const TrainerHooks& hooks);

  /// True once there has been an evaluation; from then on there are best weights.
  bool has_best() const;
  /// The run so far. Valid inside hooks.
  TrainResult result() const;

  TrainerState export_state();
  /// Continues an exported run of the same objective and config. Throws FormatError naming `file` when tensors or JSON
  /// do not fit; the trainer must not be used then.
  void import_state(const Archive& archive, const std::string& json, const std::string& file);

  /// The schedule of a run bounded by seconds so far; empty for other bounds, which repeat by themselves.
  const ProgressTrace& trace() const;
  /// Follows a complete recorded schedule in place of all bounds. Throws ConfigError when it is not complete.
  void replay(ProgressTrace trace);

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace carousel::train
