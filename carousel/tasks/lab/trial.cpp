#include "carousel/tasks/lab/trial.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>

#include "carousel/autograd/parallel.h"
#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/nn/cells/parse_cell.h"

namespace carousel::tasks::lab {

namespace {

constexpr int64_t kTestSequences = 256;  ///< at each look
constexpr int64_t kTestBatch = 64;
constexpr uint64_t kTestSeed = 0x7e57;

/// Sums over the batches of a test.
struct Tally {
  double sum = 0;
  int64_t count = 0, correct = 0;
  int64_t hits = 0, false_alarms = 0, missed = 0;  // of class 1

  void add(const nn::SequenceLoss& loss) {
    sum += loss.sum;
    count += loss.count;
    correct += loss.correct;
  }
  /// logits [places, 2].
  void add_spikes(const Tensor& logits, const std::vector<int32_t>& wanted) {
    const float* value = logits.data<float>();
    for (size_t i = 0; i < wanted.size(); ++i) {
      const bool said = value[2 * i + 1] > value[2 * i], meant = wanted[i] == 1;
      hits += said && meant;
      false_alarms += said && !meant;
      missed += !said && meant;
    }
  }
  double metric(const std::string& name) const {
    const auto divided = [](double a, int64_t b) { return b > 0 ? a / static_cast<double>(b) : 0.0; };
    if (name == "mse") return divided(sum, count);
    if (name == "spike_f1") return divided(2.0 * static_cast<double>(hits), 2 * hits + false_alarms + missed);
    return divided(static_cast<double>(correct), count);
  }
};

class LabObjective final : public train::Objective {
 public:
  LabObjective(nn::SequenceModel& model, const Trial& trial) : model_(model), trial_(trial) {}
  nn::Module& module() override { return model_; }
  int64_t num_batches(int64_t /*epoch*/) override { return trial_.steps_per_look; }
  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo& /*info*/) override {
    Rng rng(
        mix(static_cast<uint64_t>(trial_.trainer.seed), static_cast<uint64_t>(epoch * trial_.steps_per_look + batch)),
        1);
    const nn::SequenceBatch data = trial_.problem.draw(rng, trial_.batch_size);
    const nn::SequenceLoss result = model_.loss(ctx, data, model_.forward(ctx, data));
    return {result.loss, result.sum, result.count};
  }
  train::Evaluation evaluate() override {
    train::Evaluation e;
    e.metric = trial_.problem.metric;
    e.lower_is_better = trial_.problem.lower_is_better;
    e.value = measure(model_, trial_.problem, kTestSequences, kTestSeed);
    e.metrics[e.metric] = e.value;
    return e;
  }
  std::string describe_batch(int64_t epoch, int64_t batch) override {
    return fmt::format("batch {} of epoch {} of the {} problem", batch, epoch, trial_.problem.name);
  }

 private:
  nn::SequenceModel& model_;
  const Trial& trial_;
};

bool reached(const Trial& trial, double value) {
  if (trial.good_enough == 0) return false;
  return trial.problem.lower_is_better ? value <= trial.good_enough : value >= trial.good_enough;
}

}  // namespace

double measure(nn::SequenceModel& model, const Problem& problem, int64_t count, uint64_t seed) {
  Rng rng(seed, 2);
  Tally tally;
  for (int64_t done = 0; done < count; done += kTestBatch) {
    const nn::SequenceBatch batch = problem.draw(rng, std::min(kTestBatch, count - done));
    nn::Context ctx;
    const Var answers = model.forward(ctx, batch);
    tally.add(model.loss(ctx, batch, answers));
    if (problem.metric == "spike_f1") tally.add_spikes(answers.value(), batch.classes);
  }
  return tally.metric(problem.metric);
}

Outcome run_trial(const Trial& trial, const Observer& observer) {
  nn::SequenceModelConfig config = trial.problem.shape;
  config.stack = trial.stack;
  if (!trial.pooling.empty()) config.pooling = trial.pooling;
  Outcome outcome;
  outcome.model = std::make_unique<nn::SequenceModel>(config, static_cast<uint64_t>(trial.trainer.seed));
  LabObjective objective(*outcome.model, trial);
  train::Trainer trainer(objective, trial.trainer);
  auto said = std::chrono::steady_clock::now();
  train::TrainerHooks hooks;
  hooks.stop = [&] {
    outcome.interrupted = observer.stop && observer.stop();
    return outcome.interrupted || outcome.solved;
  };
  hooks.progress = [&](const train::Progress& p) {
    if (!p.new_evaluation) return;
    outcome.value = p.evaluation.value;
    outcome.solved = reached(trial, outcome.value);
    const auto now = std::chrono::steady_clock::now();
    if (!observer.say || now - said < std::chrono::seconds(5)) return;
    said = now;
    observer.say(
        fmt::format("{}: {:.0f} %, {} {:.4g}", trial.label, 100 * p.fraction, trial.problem.metric, outcome.value));
  };
  train::TrainResult result;
  try {
    result = trainer.run(hooks);
  } catch (const DivergedError& error) {
    outcome.value = std::numeric_limits<double>::quiet_NaN();
    outcome.diverged = error.what();
    outcome.steps = trainer.result().step;
    outcome.seconds = trainer.result().seconds;
    if (observer.say) observer.say(fmt::format("{}: {}", trial.label, outcome.diverged));
    return outcome;
  }
  outcome.steps = result.step;
  outcome.seconds = result.seconds;
  // The trainer went back to the best weights unless it was stopped.
  if (result.stop != train::TrainResult::Stop::requested) outcome.value = result.best.evaluation.value;
  if (observer.say && outcome.interrupted)
    observer.say(fmt::format("{}: stopped after {} steps", trial.label, outcome.steps));
  if (observer.say && !outcome.interrupted)
    observer.say(fmt::format("{}: {} {:.4g} after {} steps, {:.0f} s{}", trial.label, trial.problem.metric,
                             outcome.value, outcome.steps, outcome.seconds, outcome.solved ? ": solved" : ""));
  return outcome;
}

void each_at_once(int64_t count, const std::function<void(int64_t)>& body) {
  const int64_t workers = std::clamp<int64_t>(count, 1, num_threads());
  std::atomic<int64_t> next{0};
  ParallelGuard guard;
  // Never a region of one thread: OpenMP does not count that as parallel, and the ops inside would split their work.
#pragma omp parallel num_threads(static_cast <int>(std::max <int64_t>(workers, 2)))
  {
    const FlushDenormals flush;
    if (omp_get_thread_num() < workers) {
      for (int64_t i = next++; i < count; i = next++) guard.run([&] { body(i); });
    }
  }
  guard.rethrow();
}

Observer make_serial(const Observer& observer) {
  auto mutex = std::make_shared<std::mutex>();
  Observer serial;
  if (observer.say) {
    serial.say = [mutex, say = observer.say](const std::string& line) {
      const std::lock_guard lock(*mutex);
      say(line);
    };
  }
  if (observer.stop) {
    serial.stop = [mutex, stop = observer.stop] {
      const std::lock_guard lock(*mutex);
      return stop();
    };
  }
  return serial;
}

std::vector<std::string> read_words(const std::string& list, const std::string& option) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (end == begin)
      throw ConfigError(fmt::format("[lab] {} must be names joined by commas; got \"{}\". Write for example rnn,lstm.",
                                    option, list));
    words.push_back(list.substr(begin, end - begin));
    if (std::find(words.begin(), words.end() - 1, words.back()) != words.end() - 1)
      throw ConfigError(
          fmt::format("[lab] {} must name each once; got \"{}\" twice. Leave one out.", option, words.back()));
    begin = end + 1;
  }
  return words;
}

std::vector<int64_t> read_numbers(std::vector<int64_t> numbers, const std::string& option) {
  if (numbers.empty())
    throw ConfigError(fmt::format("[lab] {} must hold a number; got none. Name at least one.", option));
  std::sort(numbers.begin(), numbers.end());
  const auto twice = std::adjacent_find(numbers.begin(), numbers.end());
  if (twice != numbers.end())
    throw ConfigError(fmt::format("[lab] {} must name each once; got {} twice. Leave one out.", option, *twice));
  return numbers;
}

int64_t reach(const std::vector<std::pair<int64_t, bool>>& passed) {
  int64_t most = 0;
  for (const auto& [place, good] : passed) {
    if (!good) break;
    most = place;
  }
  return most;
}

void note_divergence(const Trial& trial, const Outcome& outcome, Report& report) {
  if (!outcome.diverged.empty()) report.notes.push_back(fmt::format("{} diverged: {}", trial.label, outcome.diverged));
}

std::vector<Contestant> read_contestants(const std::string& list) {
  std::vector<Contestant> contestants;
  for (const std::string& word : read_words(list, "cells")) {
    const std::string ending = "+attention";
    Contestant c;
    c.name = word;
    c.attention = word.size() > ending.size() && word.substr(word.size() - ending.size()) == ending;
    c.cell = nn::make_cell(nn::parse_cell(c.attention ? word.substr(0, word.size() - ending.size()) : word))->options();
    for (const Contestant& other : contestants)
      if (other.cell == c.cell && other.attention == c.attention)
        throw ConfigError(
            fmt::format("[lab] cells must name each once; got \"{}\" and \"{}\", which are the same. "
                        "Leave one out.",
                        other.name, c.name));
    contestants.push_back(std::move(c));
  }
  return contestants;
}

}  // namespace carousel::tasks::lab
