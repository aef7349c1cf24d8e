// A task around the toy objective: everything the engine asks of a task, without a network.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/engine/engine.h"
#include "tests/train/toy_objective.h"

namespace carousel::engine {

class ToyModel : public tasks::TaskModel {
 public:
  explicit ToyModel(std::shared_ptr<train::ToyObjective> objective) : objective_(std::move(objective)) {}
  std::string task() const override { return "toy"; }
  nn::Module& module() override { return objective_->module(); }
  std::map<std::string, std::string> metadata() const override { return {{"toy.word", "hello"}}; }
  tasks::EvalReport evaluate(const std::vector<std::string>&, const tasks::PredictOptions&) override { return {}; }
  std::vector<tasks::Prediction> predict(const std::vector<std::string>&, const tasks::PredictOptions&) override {
    return {};
  }
  tasks::AttentionMap inspect(const std::string&, const tasks::PredictOptions&) override { return {}; }
  std::vector<std::pair<std::string, std::string>> describe() override { return {}; }

 private:
  std::shared_ptr<train::ToyObjective> objective_;
};

/// Hands the shared objective's calls on, since a job owns its objective.
class SharedObjective : public train::Objective {
 public:
  explicit SharedObjective(std::shared_ptr<train::ToyObjective> toy) : toy_(std::move(toy)) {}
  nn::Module& module() override { return toy_->module(); }
  int64_t num_batches(int64_t epoch) override { return toy_->num_batches(epoch); }
  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo& info) override {
    return toy_->loss(ctx, epoch, batch, info);
  }
  train::Evaluation evaluate() override { return toy_->evaluate(); }
  std::string describe_batch(int64_t epoch, int64_t batch) override { return toy_->describe_batch(epoch, batch); }

 private:
  std::shared_ptr<train::ToyObjective> toy_;
};

class ToyTask : public tasks::Task {
 public:
  std::string name() const override { return the_name; }
  std::string summary() const override { return "a toy"; }
  std::string recognises(const std::vector<std::string>&) override { return ""; }
  void options(OptionTable& table) override {
    trainer.options(table);
    table.section("model");
    table.add("width", &width, "Nothing but a number.").range(1, 100);
  }
  tasks::TrainingJob build(const tasks::TaskInput&, const tasks::Say& say) override {
    say("toy data");
    auto toy = std::make_shared<train::ToyObjective>();
    toy->bad_step = bad_step;
    last_toy = toy;
    tasks::TrainingJob job;
    job.model = std::make_unique<ToyModel>(toy);
    job.objective = std::make_unique<SharedObjective>(toy);
    if (trainer.learning_rate == 0) trainer.learning_rate = 0.125;
    if (trainer.epochs == 0 && trainer.max_seconds == 0) trainer.epochs = 10;
    job.trainer = trainer;
    return job;
  }
  std::unique_ptr<tasks::TaskModel> load(const std::map<std::string, std::string>& metadata,
                                         const std::string&) override {
    const auto word = metadata.find("toy.word");
    if (word == metadata.end() || word->second != "hello") throw ConfigError("[toy] no word; got none. Say hello.");
    last_toy = std::make_shared<train::ToyObjective>();
    return std::make_unique<ToyModel>(last_toy);
  }

  train::TrainerConfig trainer;
  int64_t width = 3, bad_step = -1;
  std::string the_name = "toy";
  std::shared_ptr<train::ToyObjective> last_toy;
};

/// Listens, and asks for a stop before a given step.
class ToyObserver : public Observer {
 public:
  explicit ToyObserver(int64_t stop_before = -1) : stop_before_(stop_before) {}
  void message(const std::string& sentence) override { heard += sentence + "\n"; }
  void progress(const train::Progress& progress) override {
    step_ = progress.step;
    if (on_progress) on_progress(progress);
  }
  bool stop_requested() override { return step_ == stop_before_; }

  std::string heard;
  std::function<void(const train::Progress&)> on_progress;

 private:
  int64_t stop_before_, step_ = 0;
};

}  // namespace carousel::engine
