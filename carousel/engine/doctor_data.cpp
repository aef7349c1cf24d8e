// Can the model that would be trained on this data learn at all?
#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/base/threads.h"
#include "carousel/engine/doctor.h"
#include "carousel/engine/run_options.h"

namespace carousel::engine {

namespace {

using Verdict = Finding::Verdict;

constexpr int64_t kSteps = 300;
constexpr int64_t kFewExamples = 100;
constexpr double kLearnt = 0.2;  ///< of the first loss that may be left after learning one batch by heart

/// Everything that is random in training, or that keeps a model from being sure.
constexpr const char* kNoise[] = {"dropout",           "input_dropout",  "output_dropout",    "symbol_dropout",
                                  "embedding_dropout", "word_dropout",   "recurrent_dropout", "zoneout",
                                  "label_smoothing",   "target_dropout", "weight_decay",      "frame_noise",
                                  "time_masks",        "feature_masks",  "time_stretch"};

/// The first batch of an objective, again and again.
class OneBatch final : public train::Objective {
 public:
  explicit OneBatch(train::Objective& all) : all_(all) {}
  nn::Module& module() override { return all_.module(); }
  int64_t num_batches(int64_t) override { return 1; }
  train::BatchLoss loss(nn::Context& ctx, int64_t, int64_t, const train::StepInfo& info) override {
    // The state of a stream would make each step another task.
    for (const NamedTensor& t : all_.carried()) Tensor(t.tensor).fill(0);
    return all_.loss(ctx, 0, 0, {info.step, 1});
  }
  train::Evaluation evaluate() override {
    return {.metric = "none", .value = 0, .metrics = {}, .tie_metric = "", .warning = ""};
  }
  std::string describe_batch(int64_t, int64_t) override { return all_.describe_batch(0, 0); }

 private:
  train::Objective& all_;
};

Finding size_finding(const tasks::TrainingJob& job) {
  Finding finding{"size", Verdict::healthy, "", {}};
  finding.text = fmt::format("{} to learn from, {} held out", counted(job.train_examples, "example"),
                             counted(job.dev_examples, "example"));
  if (job.train_examples < kFewExamples) {
    finding.verdict = Verdict::suspicious;
    finding.text += ": too few for anything but learning them by heart. Collect some hundreds at least";
  } else if (job.dev_examples < 20) {
    finding.verdict = Verdict::suspicious;
    finding.text += ": a score on so few says little. Hold more out with dev_share, or give a file with --dev";
  }
  return finding;
}

Finding learn_one_batch(tasks::TrainingJob& job, Observer& observer) {
  OneBatch batch(*job.objective);
  train::TrainerConfig config = job.trainer;
  config.epochs = config.patience = 0;
  config.max_seconds = 0;
  config.max_steps = kSteps;
  config.ema = 0;
  config.eval_every_epochs = static_cast<double>(kSteps);
  double first = 0, last = 0;
  train::TrainerHooks hooks;
  hooks.progress = [&](const train::Progress& p) {
    if (p.step == 1) first = p.loss;
    last = p.loss;
  };
  hooks.stop = [&] { return observer.stop_requested(); };
  Finding finding{"one batch", Verdict::healthy, "", {}};
  try {
    train::Trainer trainer(batch, config);
    trainer.run(hooks);
  } catch (const DivergedError& e) {
    return {"one batch", Verdict::ill, fmt::format("training on one batch diverged: {}", e.what()), {}};
  }
  if (first == 0 && last == 0)
    return {"one batch", Verdict::skipped, "there is nothing to learn step by step in this model", {}};
  finding.text = fmt::format("the loss on one batch fell from {:.3g} to {:.3g} in {} steps", first, last, kSteps);
  if (last > kLearnt * first) {
    finding.verdict = Verdict::suspicious;
    finding.text +=
        ": the model cannot learn it by heart. Look for equal inputs with different answers, too small a model, or a "
        "learning_rate that is too high or too low";
    finding.lines.push_back(batch.describe_batch(0, 0));
  }
  return finding;
}

}  // namespace

std::vector<Finding> examine_data(const TrainRequest& request, Observer& observer) {
  const std::string name = request.task.empty() ? Engine::decide_task(request.data).first : request.task;
  const std::unique_ptr<tasks::Task> task = tasks::make_task(name);
  OptionTable known;
  task->options(known);
  TrainRequest quiet = request;
  for (const char* option : kNoise)
    if (known.find(option)) quiet.settings.insert(quiet.settings.begin(), {option, "0", "doctor"});
  const RunOptions options(*task, quiet);
  set_threads(options.integer("threads"));
  tasks::TrainingJob job = task->build({.data = request.data,
                                        .dev = request.dev,
                                        .seed = static_cast<uint64_t>(options.integer("seed")),
                                        .max_seconds = 0},
                                       [&](const std::string& sentence) { observer.message(sentence); });
  std::vector<Finding> findings = {size_finding(job)};
  findings.push_back(learn_one_batch(job, observer));
  return findings;
}

}  // namespace carousel::engine
