#include "carousel/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/data/corpus_folder.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/engine/run_options.h"
#include "carousel/engine/session.h"
#include "carousel/engine/session_model.h"
#include "carousel/engine/training.h"

namespace carousel::engine {

struct Engine::Impl {
  std::string file;
  std::unique_ptr<tasks::Task> task;
  std::shared_ptr<tasks::TaskModel> model;
  std::map<std::string, std::string> metadata;
  std::string config;
  std::shared_ptr<const Session::Model> sessions;  // made with the first one
};

Engine::Engine() : impl_(std::make_unique<Impl>()) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

namespace {

/// The task that the first lines of the data are for, or "" where they do not say.
std::string task_of_first_lines(const std::vector<std::string>& data) {
  try {
    return tasks::decide_task(data).first;
  } catch (const Error&) {  // whoever reads the data will say what is wrong with it
    return "";
  }
}

/// A mistyped option shall be told before the data is read in full: while the task is open it must suit at least one.
/// The error is that of the task that the data is for, else of the first that knows all names.
void check_options(const TrainRequest& request) {
  std::map<std::string, std::exception_ptr> errors;
  std::string knows_all;
  const std::vector<std::string> names = tasks::task_names();
  for (const std::string& name : names) {
    const std::unique_ptr<tasks::Task> task = tasks::make_task(name);
    try {
      const RunOptions options(*task, request);
      return;
    } catch (const ConfigError&) {
      errors[name] = std::current_exception();
    }
    OptionTable table;
    task->options(table);
    const bool all = std::all_of(request.settings.begin(), request.settings.end(),
                                 [&](const Setting& setting) { return table.find(setting.key) != nullptr; });
    if (all && knows_all.empty()) knows_all = name;
  }
  std::string task = task_of_first_lines(request.data);
  if (task.empty()) task = knows_all.empty() ? names.front() : knows_all;
  std::rethrow_exception(errors.at(task));
}

/// The task of the data, asked with the options of the request: the roles of columns may say what the file does not.
std::pair<std::string, std::string> decide_with_options(const TrainRequest& request) {
  std::exception_ptr roles;
  for (const std::string& name : tasks::task_names()) {
    const std::unique_ptr<tasks::Task> task = tasks::make_task(name);
    try {
      const RunOptions options(*task, request);
    } catch (const ConfigError&) {
      continue;  // another task's options
    }
    try {
      std::string reason = task->recognises(request.data);
      if (!reason.empty()) return {name, std::move(reason)};
    } catch (const ConfigError&) {  // roles of columns that are no roles here may be another task's
      if (!roles) roles = std::current_exception();
    }
  }
  if (roles) std::rethrow_exception(roles);
  return tasks::decide_task(request.data);
}

}  // namespace

TrainReport Engine::train(const TrainRequest& asked, Observer& observer) {
  TrainRequest request = asked;
  const std::string parts = data::take_corpus(request.data, request.dev);
  if (!parts.empty()) observer.message(parts);
  std::string name = request.task;
  if (name.empty()) {
    check_options(request);
    if (request.resume) name = task_of_earlier_run(request.output);
  }
  if (name.empty()) {
    auto [decided, reason] = decide_with_options(request);
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
  return from_archive(read_archive(file), file);
}

Engine Engine::from_archive(Archive archive, const std::string& file) {
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
  engine.impl_->config = identity.config;
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
  const std::vector<std::string> read = data::test_of_corpus(files);
  return answer(impl_->file, [&] { return impl_->model->evaluate(read, options); });
}

tasks::EvalReport Engine::backtest(const std::vector<std::string>& files, int64_t origins) {
  return answer(impl_->file, [&] { return impl_->model->backtest(files, origins); });
}

std::vector<tasks::Prediction> Engine::predict(const std::vector<std::string>& lines,
                                               const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->predict(lines, options); });
}

std::optional<std::vector<std::string>> Engine::inputs_of(const std::string& file) {
  return answer(impl_->file, [&] { return impl_->model->inputs_of(file); });
}

tasks::Generation Engine::generate(const std::string& prompt, const tasks::GenerateOptions& options,
                                   const tasks::TextSink& sink) {
  return answer(impl_->file, [&] { return impl_->model->generate(prompt, options, sink); });
}

std::vector<tasks::LineScore> Engine::score_lines(const std::vector<std::string>& lines) {
  return answer(impl_->file, [&] { return impl_->model->score_lines(lines); });
}

bool Engine::answers_files() const {
  return impl_->model->answers_files();
}

bool Engine::reads_names() const {
  return impl_->model->reads_names();
}

tasks::FileAnswer Engine::predict_file(const std::string& file, const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->predict_file(file, options); });
}

std::unique_ptr<tasks::RowAnswers> Engine::open_rows(const std::string& name) {
  return answer(impl_->file, [&] { return impl_->model->open_rows(name); });
}

tasks::AttentionMap Engine::inspect(const std::string& line, const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->inspect(line, options); });
}

tasks::GateTrace Engine::gates(const std::string& line, const tasks::PredictOptions& options) {
  return answer(impl_->file, [&] { return impl_->model->gates(line, options); });
}

Session Engine::open_session() {
  if (!impl_->sessions) impl_->sessions = std::make_shared<const Session::Model>(impl_->model, impl_->config);
  return Session(impl_->sessions);
}

std::shared_ptr<tasks::TaskModel> Engine::model() const {
  return impl_->model;
}

ModelInfo Engine::info() {
  ModelInfo info;
  info.file = impl_->file;
  info.task = impl_->model->task();
  info.metadata = impl_->metadata;
  info.rows = impl_->model->describe();
  if (const auto quantized = impl_->metadata.find(kQuantizedKey); quantized != impl_->metadata.end())
    info.rows.emplace_back("number format", quantized->second);
  for (const nn::NamedParameter& p : impl_->model->module().parameters())
    info.tensors.emplace_back(p.name, p.var.value().shape().dims());
  info.parameters = impl_->model->module().num_parameters();
  return info;
}

}  // namespace carousel::engine
