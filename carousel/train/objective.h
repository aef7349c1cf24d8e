// What the trainer needs to know of a task: batches, a loss and a score. Tasks implement it; the trainer knows no task.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "carousel/nn/context.h"
#include "carousel/nn/module.h"
#include "carousel/tensor/archive.h"

namespace carousel::train {

/// Forward pass of one batch.
struct BatchLoss {
  Var loss;            ///< one element: what is minimised, mean over real tokens
  double nll_sum = 0;  ///< summed negative log-likelihood in nats, without smoothing and extra terms, for reporting
  int64_t tokens = 0;  ///< target tokens, end markers included
};

/// Dev score of the present weights.
struct Evaluation {
  std::string metric;  ///< name of the deciding metric
  double value = 0;    ///< its value
  bool lower_is_better = true;
  std::map<std::string, double> metrics;  ///< everything measured, the deciding one included
  std::string tie_metric;  ///< of equal values the one with less of this metric is better; "": the latest
  std::string warning;     ///< a sentence for the user when something is wrong (attention not formed), else ""
};

/// What a rule that hardly learns anything scores on the same data.
struct Baseline {
  std::string name;                       ///< "always the most frequent label, DESC"; "": there is none
  std::map<std::string, double> metrics;  ///< under the names that Evaluation has, the deciding one among them
};

/// Progress in [0, 1] through the budget is handed in so that a task can fade a term of its loss.
struct StepInfo {
  int64_t step = 0;
  double progress = 0;
};

class Objective {
 public:
  virtual ~Objective() = default;
  virtual nn::Module& module() = 0;
  /// Batches of an epoch; a pure function of the seed the objective was made with and `epoch`.
  virtual int64_t num_batches(int64_t epoch) = 0;
  virtual BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const StepInfo& info) = 0;
  /// What the next loss() depends on besides the weights (the state of a stream), sharing storage: it is saved and
  /// restored with a checkpoint.
  virtual std::vector<NamedTensor> carried() { return {}; }
  virtual Evaluation evaluate() = 0;
  virtual Baseline baseline() { return {}; }
  /// "train.tsv lines 12, 40, 41 (+61 more)": for error messages about one batch.
  virtual std::string describe_batch(int64_t epoch, int64_t batch) = 0;
};

}  // namespace carousel::train
