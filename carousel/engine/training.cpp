#include "carousel/engine/training.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/profile.h"
#include "carousel/base/threads.h"
#include "carousel/data/check.h"
#include "carousel/data/check_text.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/series_folder.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/engine/number_format.h"
#include "carousel/engine/plain_data.h"
#include "carousel/engine/run_options.h"
#include "carousel/kernels/table.h"

namespace carousel::engine {

namespace {

namespace fs = std::filesystem;

/// A word as a shell reads it back.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                          "_-+=./,:@%") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) c == '\'' ? text += "'\\''" : text += c;
  return text + "'";
}

/// An archive that a run left, with its name for messages.
struct SavedFile {
  std::string file;
  Archive archive;
  RunIdentity identity;
};

std::optional<SavedFile> read_saved(const std::string& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  SavedFile saved{file, read_archive(file), {}};
  saved.identity = identity_of(saved.archive, file);
  return saved;
}

/// While it lives, kernels note their time, if asked to.
class ProfiledKernels {
 public:
  explicit ProfiledKernels(bool wanted) : set_(wanted ? kernels::table<float>().name : "") {
    if (!wanted) return;
    kernels::use_profiled();
    profile::start();
  }
  ~ProfiledKernels() {
    if (set_.empty()) return;
    profile::stop();
    kernels::use(set_);
  }
  ProfiledKernels(const ProfiledKernels&) = delete;
  ProfiledKernels& operator=(const ProfiledKernels&) = delete;

 private:
  std::string set_;
};

/// Where a rule that hardly learns anything is as good.
void warn_of_baseline(const train::Evaluation& best, TrainReport& report) {
  const auto rule = report.baseline.metrics.find(best.metric);
  if (rule == report.baseline.metrics.end()) return;
  if (best.lower_is_better ? best.value < rule->second : best.value > rule->second) return;
  report.warnings.emplace_back("the model is not better than the baseline on dev");
}

class TrainingRun {
 public:
  TrainingRun(tasks::Task& task, const TrainRequest& request, Observer& observer)
      : task_(task),
        request_(request),
        observer_(observer),
        checkpoint_(checkpoint_file(request.output)),
        options_(task, request) {
    identity_.task = task.name();
  }

  TrainReport run();

 private:
  void look_at_output();
  void check_output() const;
  void look_for_earlier_run();
  void look_for_run_to_repeat();
  void check_same_task(const SavedFile& saved) const;
  void check_same_data(const SavedFile& saved) const;
  void look_at_data();
  void build();
  void decide_precision();
  bool finished_before() const { return model_ && record_of(model_->archive, model_->file).finished; }
  TrainReport report_finished_before();
  std::string hash_data() const;
  TrainReport train();
  void prepare(train::Trainer& trainer);
  void save_model(const train::Trainer& trainer, bool finished);
  std::string command(const std::string& model, const train::Trainer& trainer, bool full_paths) const;
  TrainReport report(const train::Trainer& trainer, const train::TrainResult& result) const;

  tasks::Task& task_;
  const TrainRequest& request_;
  Observer& observer_;
  const std::string checkpoint_;
  RunOptions options_;
  std::optional<SavedFile> resumed_;   // the checkpoint this run continues
  std::optional<SavedFile> model_;     // without a checkpoint: the model of an earlier run, maybe finished
  std::optional<SavedFile> repeated_;  // the model whose run is repeated
  RunIdentity identity_;
  tasks::TrainingJob job_;
};

TrainReport TrainingRun::run() {
  if (request_.write) look_at_output();
  look_for_run_to_repeat();
  set_threads(options_.integer("threads"));
  identity_.threads = num_threads();
  if (finished_before()) return report_finished_before();
  look_at_data();
  build();
  return train();
}

void TrainingRun::look_at_output() {
  check_output();
  if (request_.resume) {
    look_for_earlier_run();
  } else if (std::error_code error; fs::exists(checkpoint_, error)) {
    observer_.message(fmt::format(
        "warning: {} holds an interrupted training; this one starts afresh and will replace it. To go on with that "
        "one instead, stop now and give --resume",
        checkpoint_));
  }
}

void TrainingRun::check_output() const {
  if (request_.output.empty()) throw ConfigError("[train] a model file to write is needed; got none. Name it with -o.");
  for (const auto* files : {&request_.data, &request_.dev})
    for (const std::string& file : *files) {
      std::error_code error;
      if (fs::equivalent(file, request_.output, error))
        throw ConfigError(
            fmt::format("[train] the model must not overwrite its data; got {} for both. Name another model "
                        "file.",
                        file));
    }
  // Found out now and not after an hour of training: the folder may be written.
  const AtomicFile probe(request_.output);
}

void TrainingRun::look_for_earlier_run() {
  resumed_ = read_saved(checkpoint_);
  if (!resumed_) model_ = read_saved(request_.output);
  if (const auto* format = model_ ? format_of(model_->archive) : nullptr)
    throw UnsupportedError(fmt::format(
        "[train] a model in {} cannot be trained on: its weights are rounded, and steps smaller than the rounding "
        "would be lost; got {}. Train the model it was made from, and quantize the result.",
        format->name, request_.output));
  const SavedFile* saved = resumed_ ? &*resumed_ : finished_before() ? &*model_ : nullptr;
  if (saved) {
    check_same_task(*saved);
    options_.adopt(saved->identity, saved->file);
  } else {
    observer_.message(fmt::format("nothing to resume: there is no {}; starting afresh", checkpoint_));
  }
}

void TrainingRun::look_for_run_to_repeat() {
  const std::string file = options_.text("replay");
  if (file.empty()) return;
  repeated_ = read_saved(file);
  if (!repeated_)
    throw ConfigError(
        fmt::format("[train] replay must name a model file; got {}, which does not exist. Check the path.", file));
  check_same_task(*repeated_);
  options_.adopt(repeated_->identity, file);
}

void TrainingRun::check_same_task(const SavedFile& saved) const {
  if (saved.identity.task != task_.name())
    throw ConfigError(fmt::format("[train] {} belongs to a run of task {}; got task {}. Train to another file.",
                                  saved.file, saved.identity.task, task_.name()));
}

void TrainingRun::check_same_data(const SavedFile& saved) const {
  if (saved.identity.data_hash != identity_.data_hash)
    throw ConfigError(
        fmt::format("[train] {} belongs to a run on other data: its hash is {:.12}, that of the data given is "
                    "{:.12}. Give the same files, or train to another file.",
                    saved.file, saved.identity.data_hash, identity_.data_hash));
  if (saved.identity.threads != identity_.threads)
    observer_.message(fmt::format("warning: {} was made with {} threads, now there are {}: the last bits may differ",
                                  saved.file, saved.identity.threads, identity_.threads));
}

/// What precision = auto means: on this processor, or what it meant for the run that is resumed or repeated.
void TrainingRun::decide_precision() {
  if (options_.text("precision") != "auto") return;
  for (const auto* saved : {&resumed_, &repeated_}) {
    if (!*saved) continue;
    options_.decide("precision", options_.in_force((*saved)->identity, (*saved)->file, "precision"));
    return;
  }
  const bool fast = kernels::bf16_is_fast();
  options_.decide("precision", fast ? "bf16" : "f32");
  observer_.message(fast ? "precision: bf16, because this processor multiplies it twice as fast as f32"
                         : "precision: f32, because this processor multiplies bf16 no faster");
}

/// Says what `data check` would warn of, before it costs a training.
void TrainingRun::look_at_data() {
  constexpr uintmax_t kMostBytes = 64 << 20;  // some seconds
  try {
    data::DataReport report;
    if (task_.name() == "lm") {
      if (request_.dev.empty()) return;
      data::check_text(request_.data, request_.dev, data::CheckDepth::quick, {}, report);  // a text of any size
    } else {
      const auto plan = plan_for_task(task_.name(), request_.data, options_.as_settings());
      if (!plan) return;
      std::vector<std::string> all = request_.data;
      all.insert(all.end(), request_.dev.begin(), request_.dev.end());
      const bool by_dev = plan->kind == data::DataKind::series || plan->kind == data::DataKind::pairs;
      if (by_dev && request_.dev.empty()) return;  // there is nothing to compare
      if (bytes_of_files(all) > kMostBytes) {
        observer_.message("the data are too many for a quick look at them: carousel data check takes its time");
        return;
      }
      report = data::check(request_.data, request_.dev, {}, data::CheckDepth::quick, plan->reading);
    }
    for (const std::string& warning : report.warnings()) observer_.message("warning: " + warning);
  } catch (const Error&) {  // reading them for training will say what is wrong
  }
}

void TrainingRun::build() {
  identity_.options = options_.to_json();
  identity_.options_set = options_.names_set();
  decide_precision();
  tasks::TaskInput input;
  input.data = request_.data;
  input.dev = request_.dev;
  input.seed = static_cast<uint64_t>(options_.integer("seed"));
  input.max_seconds = options_.real("max_seconds");
  job_ = task_.build(input, [this](const std::string& sentence) { observer_.message(sentence); });
  identity_.config = options_.to_json();
  identity_.data_hash = hash_data();
  if (repeated_) check_same_data(*repeated_);
  if (resumed_) check_same_data(*resumed_);
}

std::string TrainingRun::hash_data() const {
  std::vector<std::string> names = request_.data;
  names.insert(names.end(), request_.dev.begin(), request_.dev.end());
  return hash_of_data(names);
}

TrainReport TrainingRun::report_finished_before() {
  // Bytes only, nothing is parsed: whoever asks to go on with other data shall hear it here too.
  identity_.data_hash = hash_data();
  check_same_data(*model_);
  const RunRecord record = record_of(model_->archive, model_->file);
  observer_.message(
      fmt::format("{} is finished: nothing to resume. To start over, train without resume", request_.output));
  TrainReport report;
  report.outcome = TrainReport::Outcome::already_finished;
  report.model_file = request_.output;
  report.task = identity_.task;
  report.steps = record.result.step;
  report.metric = record.result.best.evaluation.metric;
  report.best_value = record.result.best.evaluation.value;
  report.metrics = record.result.best.evaluation.metrics;
  report.repeat_command = record.command;
  return report;
}

void TrainingRun::prepare(train::Trainer& trainer) {
  if (repeated_) {
    const RunRecord record = record_of(repeated_->archive, repeated_->file);
    if (!record.finished)
      throw ConfigError(
          fmt::format("[train] only a finished run can be repeated; {} was not. Resume it first.", repeated_->file));
    if (!record.schedule.empty()) {
      train::ProgressTrace trace = train::ProgressTrace::parse(record.schedule, repeated_->file);
      if (!trace.complete())
        throw FormatError(repeated_->file, -1,
                          "[schedule] the recorded schedule of a finished run must reach its end; got a shorter one. "
                          "Train without it.");
      trainer.replay(std::move(trace));
    }
  }
  if (resumed_) {
    trainer.import_state(resumed_->archive, trainer_state_of(resumed_->archive, checkpoint_), checkpoint_);
    resumed_->archive = Archive();  // its weights are copied by now
    observer_.message(fmt::format("resuming at step {}", trainer.result().step));
  }
}

TrainReport TrainingRun::train() {
  train::Trainer trainer(*job_.objective, job_.trainer);
  prepare(trainer);
  train::TrainerHooks hooks;
  hooks.progress = [this](const train::Progress& progress) { observer_.progress(progress); };
  hooks.stop = [this] { return observer_.stop_requested(); };
  if (request_.write) {
    hooks.improved = [&] { save_model(trainer, false); };
    hooks.checkpoint = [&] { write_archive(checkpoint_, checkpoint_archive(identity_, trainer.export_state())); };
  }
  const train::TrainResult result = trainer.run(hooks);

  if (request_.write && result.stop != train::TrainResult::Stop::requested) {
    save_model(trainer, true);
    // Only now: killed before, the run goes on from the checkpoint and ends with the same bytes.
    std::error_code ignored;
    fs::remove(checkpoint_, ignored);
  }
  return report(trainer, result);
}

void TrainingRun::save_model(const train::Trainer& trainer, bool finished) {
  RunRecord record;
  record.finished = finished;
  record.schedule = trainer.trace().text();
  record.command = command("MODEL", trainer, false);
  record.result = trainer.result();
  write_archive(request_.output, model_archive(*job_.model, identity_, record));
}

std::string TrainingRun::command(const std::string& model, const train::Trainer& trainer, bool full_paths) const {
  const auto shown = [&](const std::string& file) {
    const fs::path path(file);  // of a folder it may end in a slash
    return quoted(full_paths ? file : (path.has_filename() ? path : path.parent_path()).filename().string());
  };
  std::string text = "carousel train";
  for (const std::string& file : request_.data) text += fmt::format(" {}", shown(file));
  for (const std::string& file : request_.dev) text += fmt::format(" --dev {}", shown(file));
  text += fmt::format(" -o NEW --task {} --threads {}", identity_.task, identity_.threads);
  // A schedule is too long for a command line; the model file holds it, and the options with it.
  if (!trainer.trace().text().empty()) return fmt::format("{} --set {}", text, quoted("replay=" + model));
  for (const std::string& setting : options_.as_settings()) text += fmt::format(" --set {}", quoted(setting));
  return text;
}

TrainReport TrainingRun::report(const train::Trainer& trainer, const train::TrainResult& result) const {
  const bool interrupted = result.stop == train::TrainResult::Stop::requested;
  TrainReport report;
  report.outcome = interrupted ? TrainReport::Outcome::interrupted : TrainReport::Outcome::finished;
  if (request_.write) {
    report.model_file = request_.output;
    if (interrupted) report.checkpoint_file = checkpoint_;
  }
  report.task = identity_.task;
  report.steps = result.step;
  report.epochs = result.epochs;
  report.seconds = result.seconds;
  report.metric = result.best.evaluation.metric;
  report.best_value = result.best.evaluation.value;
  report.metrics = result.best.evaluation.metrics;
  if (!interrupted) report.baseline = job_.objective->baseline();
  if (!result.best.evaluation.warning.empty()) report.warnings.push_back(result.best.evaluation.warning);
  warn_of_baseline(result.best.evaluation, report);
  report.views = job_.model->views();
  report.example = job_.example;
  report.answers_files = job_.model->answers_files();
  report.repeat_command = command(request_.output, trainer, true);
  return report;
}

}  // namespace

std::string hash_of_data(const std::vector<std::string>& names) {
  std::string hashes;
  for (const std::string& name : names) {
    std::vector<std::string> files = data::files_of_frames(name);
    if (files.empty()) files = data::all_files_behind(name);
    for (const std::string& file : files) hashes += sha256_file(file);
  }
  return sha256(hashes);
}

std::string task_of_earlier_run(const std::string& output) {
  for (const std::string& file : {checkpoint_file(output), output})
    if (const auto saved = read_saved(file)) return saved->identity.task;
  return "";
}

TrainReport run_training(tasks::Task& task, const TrainRequest& request, Observer& observer) {
  const ProfiledKernels profiled(request.profile);
  TrainReport report = TrainingRun(task, request, observer).run();
  if (request.profile) report.profile = profile::report();
  return report;
}

}  // namespace carousel::engine
