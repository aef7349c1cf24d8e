// Can the model that would be trained on this data learn at all?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/base/threads.h"
#include "carousel/data/check.h"
#include "carousel/engine/doctor.h"
#include "carousel/engine/plain_data.h"
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

Finding format_of_tags(const data::DataReport& report) {
  Finding finding{"tag format", Verdict::healthy, "", {}};
  finding.text = fmt::format("tags mark spans by {}", report.scheme);
  if (report.illegal.count == 0) return finding;
  finding.verdict = Verdict::suspicious;
  finding.text += fmt::format(", which does not allow {} where they stand: mend them, or is it another scheme?",
                              counted(report.illegal.count, "tag"));
  finding.lines = report.illegal.examples;
  return finding;
}

/// Correlation of the lengths of targets with those of the sources `shift` pairs before.
double length_correlation(const data::PairData& pairs, int64_t shift) {
  const auto n = static_cast<int64_t>(pairs.examples.size());
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, count = 0;
  for (int64_t i = std::max<int64_t>(0, shift); i < std::min(n, n + shift); ++i) {
    const double x = std::log1p(static_cast<double>(pairs.examples[static_cast<size_t>(i - shift)].source.size())),
                 y = std::log1p(static_cast<double>(pairs.examples[static_cast<size_t>(i)].target.size()));
    sx += x, sy += y, sxx += x * x, syy += y * y, sxy += x * y, count += 1;
  }
  const double spread = (count * sxx - sx * sx) * (count * syy - sy * sy);
  return spread > 0 ? (count * sxy - sx * sy) / std::sqrt(spread) : 0;
}

/// Lines of two files, or columns of a table, that have slipped by one against each other: long texts then go with
/// short ones, and with long ones a line before or behind.
Finding off_by_one(const data::PairData& pairs) {
  constexpr size_t kFewest = 50;
  constexpr double kClear = 0.3;
  Finding finding{"off by one", Verdict::healthy, "", {}};
  if (pairs.examples.size() < kFewest) return {"off by one", Verdict::skipped, "needs 50 pairs", {}};
  const double here = length_correlation(pairs, 0);
  finding.text = fmt::format("lengths of sources and targets go together (correlation {:.2f})", here);
  if (here < kClear) finding.text = "lengths of sources and targets have nothing to do with each other";
  for (const int64_t shift : {1, -1}) {
    const double there = length_correlation(pairs, shift);
    if (there < kClear || there < here + kClear) continue;
    finding.verdict = Verdict::ill;
    finding.text = fmt::format(
        "targets seem to belong to the source one line {} them: their lengths go together with those there "
        "(correlation {:.2f}, of the pairs {:.2f}). Look for a line too many or too few",
        shift > 0 ? "before" : "behind", there, here);
    for (size_t i = 1; i < 3; ++i) finding.lines.push_back(pairs.examples[i].source + " / " + pairs.examples[i].target);
  }
  return finding;
}

/// What a look at the files finds that training would not tell.
void look_at_files(const std::string& task, const TrainRequest& request, std::vector<Finding>& findings) {
  std::vector<std::string> settings;
  for (const Setting& setting : request.settings) settings.push_back(setting.key + "=" + setting.value);
  const auto plan = plan_for_task(task, request.data, settings);
  if (!plan) return;
  try {
    if (plan->kind == data::DataKind::tags) {
      const data::DataReport report =
          data::check(request.data, request.dev, {}, data::CheckDepth::quick, plan->reading);
      if (!report.scheme.empty()) findings.push_back(format_of_tags(report));
    } else if (plan->kind == data::DataKind::pairs) {
      data::TagData none;
      findings.push_back(off_by_one(data::read_as_pairs(request.data, *plan, {}, none)));
    }
  } catch (const Error&) {  // training has read them all the same
  }
}

Finding learn_one_batch(tasks::TrainingJob& job, Observer& observer) {
  OneBatch batch(*job.objective);
  train::TrainerConfig config = job.trainer;
  config.epochs = config.patience = 0;
  config.max_seconds = 0;
  config.max_steps = kSteps;
  config.ema = 0;
  config.average_from = 1;
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
  look_at_files(name, request, findings);
  findings.push_back(learn_one_batch(job, observer));
  return findings;
}

}  // namespace carousel::engine
