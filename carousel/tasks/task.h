// What a task is to the engine: how a file becomes a model, a loss, a score and answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/decode/sampling.h"
#include "carousel/nn/module.h"
#include "carousel/nn/stream.h"
#include "carousel/train/objective.h"
#include "carousel/train/trainer.h"

namespace carousel::data {
class Tokenizer;
}

namespace carousel::tasks {

/// Receives sentences for the user ("source: characters, because 98 % of lines have no space").
using Say = std::function<void(const std::string&)>;

/// Numbers beside a score: a row for each step of a forecast, or for each origin.
struct EvalTable {
  std::string name;                  ///< "by_step"
  std::vector<std::string> columns;  ///< "step", "mae", "baseline_mae"
  std::vector<std::vector<double>> rows;
};

/// Score of a model on a file.
struct EvalReport {
  std::string task;
  std::map<std::string, double> metrics;   ///< rates are fractions; BLEU and chrF 0-100
  std::map<std::string, double> baseline;  ///< the same keys for the named baseline
  std::string baseline_name;               ///< "most probable symbol for symbol (IBM model 1)"
  int64_t examples = 0;
  std::vector<std::string> notes;  ///< what the user should know (unseen symbols, not better than baseline)
  std::vector<EvalTable> tables;   ///< of a backtest

  void set(train::Baseline found) {
    baseline = std::move(found.metrics);
    baseline_name = std::move(found.name);
  }
};

class TaskModel;

struct PredictOptions {
  int64_t beam_size = 0;  ///< 0: the model's default; 1: greedy
  int64_t nbest = 1;
  double length_penalty = -1;    ///< negative: the model's default, as below
  double coverage_penalty = -1;  ///< weight of the penalty for parts of the input that were not looked at
  int64_t max_output = 0;        ///< most symbols of an output; 0: the model's default
  int64_t min_length = -1;       ///< least symbols of an output
  int64_t no_repeat_ngram = -1;  ///< no sequence of so many symbols comes twice in an output; 0: any may
  /// One of task `lm` that helps to rank outputs: their score is log p + lm_weight * log p_lm + symbol_bonus * symbols.
  std::shared_ptr<TaskModel> language_model;
  double lm_weight = 0.5;
  double symbol_bonus = 0;

  /// ConfigError when one of them asks for a search; `rule` says why there is none and `instead` what there is.
  void refuse_search(const char* rule, const char* instead) const;
};

struct Hypothesis {
  std::string text;
  double probability = 0;  ///< exp(log_probability)
  double log_probability = 0;
};

/// Tags of the words of one input.
struct Tagging {
  struct Span {
    std::string type;
    int64_t begin = 0, end = 0;  ///< words [begin, end)
  };
  std::vector<std::string> tokens, tags;
  std::vector<double> probabilities;  ///< of each tag
  std::vector<Span> spans;            ///< that the tags mark
  std::string intent;                 ///< what the input asks for; "" where the model knows no intents
};

/// Answers for one input line, best first.
struct Prediction {
  std::string input;
  std::vector<Hypothesis> hypotheses;
  std::map<std::string, double> probabilities;  ///< of every label, where a task has labels
  std::optional<Tagging> tagging;               ///< of the best answer, where a task tags
  std::optional<bool> in_training;              ///< the input stood in the training data; none: the task forgets
  std::vector<std::string> notes;               ///< "unknown symbol: X"
  std::string error;                            ///< why there is no hypothesis (the input is too long), or ""
};

struct GenerateOptions {
  decode::SamplingConfig sampling;
  int64_t max_tokens = 200;       ///< symbols written at most
  std::vector<std::string> stop;  ///< the text ends before the first of these
  uint64_t seed = 1;

  /// Adds all rows but `stop` to the section "generate".
  void options(OptionTable& table);
};

/// Takes a text piece by piece as it is written; false asks to stop.
using TextSink = std::function<bool(std::string_view piece)>;

/// A prompt written on.
struct Generation {
  std::string prompt;          ///< as the model read it
  std::string text;            ///< what was written after it
  double log_probability = 0;  ///< of the symbols written, in the model's own distribution; nats
  int64_t symbols = 0;         ///< how many were written, one that completed a stop text included
  std::string finish;          ///< "length", "stop" or "interrupted"
  std::vector<std::string> notes;
};

/// How probable a model finds a line.
struct LineScore {
  struct Symbol {
    std::string text;            ///< for display; a line end is "</s>"
    double log_probability = 0;  ///< given all before it; nats
  };
  std::string input;
  std::vector<Symbol> symbols;  ///< of the line, its end included
  std::vector<std::string> notes;

  double log_probability() const;
  double perplexity() const;  ///< exp(-log_probability / symbols)
};

/// What a model says about a whole file: rows of a table.
struct FileAnswer {
  using Cell = std::variant<std::string, int64_t, double>;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  ///< a cell for each column
  std::vector<std::string> notes;
};

/// Rows of a table that come one by one and are answered at once, in constant memory.
class RowAnswers {
 public:
  virtual ~RowAnswers() = default;
  /// Of the answers; known from the first row on.
  virtual std::vector<std::string> columns() const = 0;
  /// Answers the next line with a cell for each column; false when it holds no row (it names the columns, or is blank).
  /// Throws DataError.
  virtual bool read(std::string_view line, std::vector<FileAnswer::Cell>& answer) = 0;
  /// What the user should know of the rows so far.
  virtual std::vector<std::string> notes() const = 0;
};

/// Attention of one input: weights[t * source.size() + s], rows sum to 1. `target` ends with the end marker.
struct AttentionMap {
  std::string input;
  std::string output;
  double probability = 0;
  std::vector<std::string> source, target;
  std::vector<float> weights;
};

/// A gate or a state of one recurrent layer over one pass: a row for each token, a column for each unit.
struct GateSeries {
  std::string layer;                ///< "encoder.0", "encoder.0.reverse", "decoder"
  std::string gate;                 ///< a gate's name ("forget_gate") or a state's ("h", "c")
  std::vector<std::string> tokens;  ///< what was read, or for a decoder what was written, at each row
  int64_t units = 0;
  std::vector<float> values;  ///< [tokens.size(), units]
  /// Share of values near an end of the gate's range (see inspect::saturation); nothing for states, which have no ends.
  std::optional<double> saturated = {};
};

/// Everything that the recurrent layers of a model did with one input.
struct GateTrace {
  std::string input;
  std::string output;  ///< "" for a model that writes none
  std::vector<GateSeries> series;
};

/// A model made ready to be read step by step.
struct Streaming {
  std::shared_ptr<const nn::StreamModel> model;
  const data::Tokenizer* tokenizer = nullptr;  ///< of its symbols, alive as long as the TaskModel; null: frames
  int32_t begin = -1;                          ///< the symbol that a sequence begins with; -1: none
};

/// A model of one task: network, vocabularies and everything else that a model file holds.
class TaskModel {
 public:
  virtual ~TaskModel() = default;
  virtual std::string task() const = 0;
  virtual nn::Module& module() = 0;
  /// All that is needed to rebuild the model beyond its weights, as texts for the file's metadata.
  virtual std::map<std::string, std::string> metadata() const = 0;
  virtual EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) = 0;
  /// Scores a forecaster at the last `origins` places of each series that lie a horizon apart, as if each were now
  /// (rolling origin, Tashman 2000; the model stays as it is). Throws UnsupportedError where a task has no origins.
  virtual EvalReport backtest(const std::vector<std::string>& files, int64_t origins);
  /// One prediction per line, in order.
  virtual std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) = 0;
  /// The inputs of predict() in a table, tagged sentences or a folder, one each; none where the lines of the file are
  /// inputs themselves. DataError for what cannot be read.
  virtual std::optional<std::vector<std::string>> inputs_of(const std::string& file);
  /// Writes the prompt on; `sink` gets what generation.text will hold, in pieces that concatenate to it. Throws
  /// UnsupportedError where a task writes no running text.
  virtual Generation generate(const std::string& prompt, const GenerateOptions& options, const TextSink& sink);
  /// One score per line, in order, each line read on its own. Throws UnsupportedError where a task has none.
  virtual std::vector<LineScore> score_lines(const std::vector<std::string>& lines);
  /// Whether predict_file() answers, and not predict(): the input is a file of numbers and not of lines.
  virtual bool answers_files() const { return false; }
  /// Whether lines of predict() name files, each of one input.
  virtual bool reads_names() const { return false; }
  virtual FileAnswer predict_file(const std::string& file, const PredictOptions& options);
  /// For models of numbers that answer each row when it comes; null for others, and where a file must be seen as a
  /// whole. `name` is that of the file, for errors. The model must outlive what is returned.
  virtual std::unique_ptr<RowAnswers> open_rows(const std::string& name);
  virtual AttentionMap inspect(const std::string& line, const PredictOptions& options) = 0;
  /// Gates and states while the model answers `line`. Throws UnsupportedError where a task records none.
  virtual GateTrace gates(const std::string& line, const PredictOptions& options);
  /// What can be looked at, the best first: "attention" (inspect), "gates".
  virtual std::vector<std::string> views() const { return {}; }
  /// For sessions (engine/session.h). Throws UnsupportedError with the reason where the model cannot answer at each
  /// step of its input.
  virtual Streaming streaming();
  /// Rows for `carousel info`: name and value, for people.
  virtual std::vector<std::pair<std::string, std::string>> describe() = 0;
};

/// A model under training with its data. Owns nothing of the model.
struct TrainingJob {
  std::unique_ptr<TaskModel> model;
  std::unique_ptr<train::Objective> objective;
  train::TrainerConfig trainer;  ///< with everything decided that was left automatic (epochs, learning_rate)
  int64_t train_examples = 0;
  int64_t dev_examples = 0;
  std::string example;  ///< an input as predict() takes it; "": the first of the file's first line
};

struct TaskInput {
  std::vector<std::string> data;  ///< one file, or two aligned ones
  std::vector<std::string> dev;   ///< empty: a share is cut from data
  uint64_t seed = 1;
  double max_seconds = 0;  ///< 0: no bound
};

class Task {
 public:
  virtual ~Task() = default;
  virtual std::string name() const = 0;
  virtual std::string summary() const = 0;
  /// Why these files are for this task ("two tab-separated columns ..."), or "" when they are not.
  virtual std::string recognises(const std::vector<std::string>& files) = 0;
  /// Adds the rows of the config structs this task uses (data, model, train, decode) to the table. build() writes what
  /// it decided into the fields, so that the table then holds the values in force.
  virtual void options(OptionTable& table) = 0;
  /// Reads and checks the data, decides what was left automatic (and says so), builds the model. Throws DataError.
  virtual TrainingJob build(const TaskInput& input, const Say& say) = 0;
  /// Rebuilds a model: the options have been set from the file before, `metadata` is what TaskModel::metadata() gave;
  /// weights are loaded by the caller. Throws FormatError naming `file`.
  virtual std::unique_ptr<TaskModel> load(const std::map<std::string, std::string>& metadata,
                                          const std::string& file) = 0;
};

/// A fresh task by name; ConfigError with the known names otherwise.
std::unique_ptr<Task> make_task(const std::string& name);
/// Names of all tasks, in the order of the registry.
std::vector<std::string> task_names();
/// Which task the files are for, and the reason in words. Throws DataError when they fit none.
std::pair<std::string, std::string> decide_task(const std::vector<std::string>& data);

}  // namespace carousel::tasks
