#include "carousel/engine/engine.h"

#include <fmt/format.h>

#include <exception>
#include <mutex>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/engine/run_options.h"
#include "carousel/engine/training.h"

namespace carousel::engine {

struct Engine::Impl {
  std::string file;
  std::unique_ptr<tasks::Task> task;
  std::unique_ptr<tasks::TaskModel> model;
  std::map<std::string, std::string> metadata;
};

Engine::Engine() : impl_(std::make_unique<Impl>()) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

namespace {

/// A mistyped option shall be told before any data is read: while the task is open it must suit at least one.
void check_options(const TrainRequest& request) {
  std::exception_ptr first;
  for (const std::string& name : tasks::task_names()) {
    try {
      const std::unique_ptr<tasks::Task> task = tasks::make_task(name);
      const RunOptions options(*task, request);
      return;
    } catch (const ConfigError&) {
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace

TrainReport Engine::train(const TrainRequest& request, Observer& observer) {
  std::string name = request.task;
  if (name.empty()) {
    check_options(request);
    if (request.resume) name = task_of_earlier_run(request.output);
  }
  if (name.empty()) {
    auto [decided, reason] = decide_task(request.data);
    observer.message(fmt::format("task: {}, because {}", decided, reason));
    name = std::move(decided);
  }
  const std::unique_ptr<tasks::Task> task = tasks::make_task(name);
  return run_training(*task, request, observer);
}

std::pair<std::string, std::string> Engine::decide_task(const std::vector<std::string>& data) {
  return tasks::decide_task(data);
}

std::vector<Option> Engine::options(const std::string& task) {
  // Rows point into the structs of their task, so the tasks stay.
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<tasks::Task>> known;
  std::unique_ptr<tasks::Task> made = tasks::make_task(task);
  const std::lock_guard lock(mutex);
  std::unique_ptr<tasks::Task>& kept = known[task];
  if (!kept) kept = std::move(made);
  OptionTable table;
  kept->options(table);
  return table.rows();
}

Engine Engine::load(const std::string& file) {
  Archive archive = read_archive(file);
  const RunIdentity identity = identity_of(archive, file);
  Engine engine;
  engine.impl_->file = file;
  try {
    engine.impl_->task = tasks::make_task(identity.task);
  } catch (const ConfigError& e) {
    throw FormatError(file, -1, e.what());
  }
  engine.impl_->model = load_model(*engine.impl_->task, archive, file);
  engine.impl_->metadata = std::move(archive.metadata);
  return engine;
}

namespace {

/// What a model answers. One whose numbers overflow is a bad file, not a training that diverged.
template <class Question>
auto answer(const std::string& file, Question question) {
  try {
    return question();
  } catch (const DivergedError&) {
    throw FormatError(file, -1,
                      "[model] the weights must give probabilities; got none for this input: they are too large or "
                      "damaged. Fetch the file again, or train again with a lower learning_rate.");
  }
}

}  // namespace

tasks::EvalReport Engine::evaluate(const std::vector<std::string>& files, const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->evaluate(files, options); });
}

std::vector<tasks::Prediction> Engine::predict(const std::vector<std::string>& lines,
                                               const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->predict(lines, options); });
}

tasks::AttentionMap Engine::inspect(const std::string& line, const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->inspect(line, options); });
}

tasks::GateTrace Engine::gates(const std::string& line, const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->gates(line, options); });
}

ModelInfo Engine::info() {
  ModelInfo info;
  info.file = impl_->file;
  info.task = impl_->model->task();
  info.metadata = impl_->metadata;
  info.rows = impl_->model->describe();
  for (const nn::NamedParameter& p : impl_->model->module().parameters())
    info.tensors.emplace_back(p.name, p.var.value().shape().dims());
  info.parameters = impl_->model->module().num_parameters();
  return info;
}

}  // namespace carousel::engine
