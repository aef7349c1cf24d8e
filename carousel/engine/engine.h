// Engine: the one facade that the command line, the server and the bindings call.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/base/profile.h"
#include "carousel/tasks/task.h"
#include "carousel/tensor/archive.h"
#include "carousel/train/trainer.h"

namespace carousel::engine {

/// One assignment of an option, in order of rising precedence.
struct Setting {
  std::string key;
  std::string value;
  std::string origin;  ///< "command line", "file run.toml:3", ...
};

struct TrainRequest {
  std::vector<std::string> data;
  std::vector<std::string> dev;
  std::string output;
  bool write = true;        ///< false: no file is written, the report is all that stays; `output` is not used
  std::string task;         ///< "": decided from the file
  std::string config_file;  ///< TOML, "" for none
  std::vector<Setting> settings;
  bool resume = false;
  bool profile = false;  ///< find out where the time goes; the training is the same
};

/// What the caller of train() sees and decides while it runs.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void message(const std::string& sentence) = 0;
  virtual void progress(const train::Progress& progress) = 0;
  /// True: finish the step, save a checkpoint and return (interrupted).
  virtual bool stop_requested() = 0;
};

struct TrainReport {
  enum class Outcome { finished, interrupted, already_finished };
  Outcome outcome = Outcome::finished;
  std::string model_file;       ///< "" when none was to be written
  std::string checkpoint_file;  ///< set when interrupted
  std::string task;
  int64_t steps = 0;
  double epochs = 0;
  double seconds = 0;
  std::string metric;
  double best_value = 0;
  std::map<std::string, double> metrics;
  train::Baseline baseline;  ///< on the same data; empty when already finished
  std::vector<std::string> warnings;
  std::vector<std::string>
      views;                   ///< what the model shows of itself, see tasks::TaskModel; empty when already finished
  profile::Report profile;     ///< only when asked for
  std::string example;         ///< an input that the model understands, or ""
  bool answers_files = false;  ///< see tasks::TaskModel; false when already finished
  std::string repeat_command;  ///< repeats this run exactly: steps and schedule written out, seed, data hash
};

struct ModelInfo {
  std::string file;
  std::string task;
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, std::string>> rows;  ///< for people
  std::vector<std::pair<std::string, std::vector<int64_t>>> tensors;
  int64_t parameters = 0;
};

class Session;

class Engine {
 public:
  /// Trains and, unless `request.write` says no, writes `request.output`. Throws the errors of base/error.h;
  /// DivergedError leaves the last good model.
  static TrainReport train(const TrainRequest& request, Observer& observer);
  /// Which task the files are for, with the reason in words. Throws DataError when no task fits.
  static std::pair<std::string, std::string> decide_task(const std::vector<std::string>& data);
  /// All options of a task with their defaults, for help, completion and `config`.
  static std::vector<Option> options(const std::string& task);

  /// Loads a model file: any byte of it may be hostile (FormatError).
  static Engine load(const std::string& file);
  /// The same from memory; `file` is the name that errors carry.
  static Engine from_archive(Archive archive, const std::string& file);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  tasks::EvalReport evaluate(const std::vector<std::string>& files, const tasks::PredictOptions& options);
  /// See tasks::TaskModel.
  tasks::EvalReport backtest(const std::vector<std::string>& files, int64_t origins);
  std::vector<tasks::Prediction> predict(const std::vector<std::string>& lines, const tasks::PredictOptions& options);
  /// See tasks::TaskModel.
  std::optional<std::vector<std::string>> inputs_of(const std::string& file);
  tasks::Generation generate(const std::string& prompt, const tasks::GenerateOptions& options,
                             const tasks::TextSink& sink);
  std::vector<tasks::LineScore> score_lines(const std::vector<std::string>& lines);
  /// Whether predict_file() answers, and not predict(), see tasks::TaskModel.
  bool answers_files() const;
  /// Whether lines name files, see tasks::TaskModel.
  bool reads_names() const;
  tasks::FileAnswer predict_file(const std::string& file, const tasks::PredictOptions& options);
  /// Null where rows are not answered one by one, see tasks::TaskModel. The engine must outlive it.
  std::unique_ptr<tasks::RowAnswers> open_rows(const std::string& name);
  tasks::AttentionMap inspect(const std::string& line, const tasks::PredictOptions& options);
  tasks::GateTrace gates(const std::string& line, const tasks::PredictOptions& options);
  ModelInfo info();
  /// The model itself, for tasks::PredictOptions of another one; it outlives the engine where it is held.
  std::shared_ptr<tasks::TaskModel> model() const;
  /// A session at its beginning, see session.h; weights are packed with the first one. Throws UnsupportedError where
  /// the model cannot answer at each step of its input.
  Session open_session();

 private:
  Engine();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carousel::engine
