#include "carousel/tasks/task.h"

#include <fmt/format.h>

#include <cmath>

#include "carousel/base/error.h"

namespace carousel::tasks {

void GenerateOptions::options(OptionTable& table) {
  sampling.options(table);
  table.add("max_tokens", &max_tokens, "Symbols to write at most.").range(1, 1e9);
}

double LineScore::log_probability() const {
  double sum = 0;
  for (const Symbol& symbol : symbols) sum += symbol.log_probability;
  return sum;
}

double LineScore::perplexity() const {
  return std::exp(-log_probability() / static_cast<double>(symbols.size()));
}

Generation TaskModel::generate(const std::string&, const GenerateOptions&, const TextSink&) {
  throw UnsupportedError(
      fmt::format("[generate] text is written on by a language model; got a model of task {}. Use predict, or train "
                  "with --task lm.",
                  task()));
}

EvalReport TaskModel::backtest(const std::vector<std::string>&, int64_t) {
  throw UnsupportedError(fmt::format(
      "[eval] only a forecaster has origins to roll; got --backtest for a model of task {}. Leave it out.", task()));
}

std::vector<LineScore> TaskModel::score_lines(const std::vector<std::string>&) {
  throw UnsupportedError(fmt::format(
      "[score] lines are scored by a language model; got a model of task {}. Use eval, or train with --task lm.",
      task()));
}

void PredictOptions::refuse_search(const char* rule, const char* instead) const {
  const char* flag = beam_size > nbest       ? "--beam"
                     : length_penalty >= 0   ? "--length-penalty"
                     : coverage_penalty >= 0 ? "--coverage-penalty"
                     : min_length >= 0       ? "--min-length"
                     : no_repeat_ngram >= 0  ? "--no-repeat-ngram"
                     : language_model        ? "--lm"
                                             : nullptr;
  if (flag) throw ConfigError(fmt::format("{}; got {}. Leave it out; {}.", rule, flag, instead));
}

Streaming TaskModel::streaming() {
  throw UnsupportedError(
      fmt::format("[session] a session goes with a model that answers at each step of its input; got one of task {}, "
                  "which reads all of it first. Use predict.",
                  task()));
}

std::unique_ptr<RowAnswers> TaskModel::open_rows(const std::string&) {
  return nullptr;
}

std::optional<std::vector<std::string>> TaskModel::inputs_of(const std::string&) {
  return std::nullopt;
}

FileAnswer TaskModel::predict_file(const std::string& file, const PredictOptions&) {
  throw UnsupportedError(
      fmt::format("[predict] a file is answered as a whole by models of numbers; got {} for one of task {}. Give its "
                  "lines.",
                  file, task()));
}

GateTrace TaskModel::gates(const std::string&, const PredictOptions&) {
  throw UnsupportedError(fmt::format(
      "[inspect] gates are recorded by models with recurrent layers; got a model of task {}. Look at another model.",
      task()));
}

}  // namespace carousel::tasks
