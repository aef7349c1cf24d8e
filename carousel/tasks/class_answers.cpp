#include "carousel/tasks/class_answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/inspect/gradient_flow.h"

namespace carousel::tasks {

std::map<std::string, double> metrics_of(const train::ClassScores& scores) {
  return {{"accuracy", scores.accuracy()},
          {"macro_f1", scores.macro_f1()},
          {"expected_calibration_error", scores.expected_calibration_error()}};
}

std::map<std::string, double> score_of(const ClassAnswers& answers, int64_t num_classes, double temperature) {
  const auto width = static_cast<size_t>(num_classes);
  train::ClassScores scores;
  for (size_t i = 0; i < answers.wanted.size(); ++i) {
    const std::span<const float> row(answers.logits.data() + i * width, width);
    scores.add(train::probabilities_of(row, temperature), answers.wanted[i]);
  }
  return metrics_of(scores);
}

train::Baseline class_baseline(const Labels& labels, const std::vector<int64_t>& wanted) {
  const std::vector<double> shares = labels.shares();
  train::ClassScores scores;
  for (const int64_t number : wanted) scores.add(shares, number);
  return {fmt::format("always the most frequent label, {}", labels.most_frequent_name()), metrics_of(scores)};
}

std::vector<int64_t> numbers_of(const Labels& labels, const std::vector<std::string_view>& names) {
  std::unordered_map<std::string_view, int64_t> strangers;
  std::vector<int64_t> numbers;
  for (const std::string_view name : names) {
    const int64_t known = labels.find(name);
    const auto next = labels.size() + static_cast<int64_t>(strangers.size());
    numbers.push_back(known >= 0 ? known : strangers.try_emplace(name, next).first->second);
  }
  return numbers;
}

void note_strangers(const Labels& labels, const std::vector<std::string_view>& names,
                    const std::vector<int64_t>& wanted, const char* inputs, EvalReport& report) {
  std::vector<std::string> strangers;
  int64_t with_stranger = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] < labels.size()) continue;
    ++with_stranger;
    if (static_cast<size_t>(wanted[i] - labels.size()) == strangers.size())
      strangers.push_back(data::clip_quoted(names[i]));
  }
  if (with_stranger == 0) return;
  strangers.resize(std::min<size_t>(strangers.size(), 3));
  report.notes.push_back(fmt::format("{} of {} {} have a label that training did not have ({}) and count as wrong",
                                     with_stranger, wanted.size(), inputs, fmt::join(strangers, ", ")));
}

void add_answers(const Labels& labels, std::span<const float> logits, double temperature, int64_t nbest,
                 Prediction& prediction) {
  const std::vector<double> p = train::probabilities_of(logits, temperature);
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
  for (size_t k = 0; k < p.size(); ++k) prediction.probabilities[labels.names[k]] = p[k];
  order.resize(std::min(static_cast<size_t>(nbest), p.size()));
  for (const size_t k : order) prediction.hypotheses.push_back({labels.names[k], p[k], std::log(p[k])});
}

std::vector<double> balanced_weights(const Labels& labels) {
  std::vector<double> weights;
  for (const double share : labels.shares()) weights.push_back(1 / (static_cast<double>(labels.size()) * share));
  return weights;
}

void refuse_class_search(const PredictOptions& options) {
  options.refuse_search("[classify] a classifier gives labels and searches for no sequence",
                        "--nbest gives more labels");
}

void require_attention(const std::string& pooling) {
  if (pooling != "attention")
    throw UnsupportedError(
        fmt::format("[inspect] a classifier shows where it looks when it pools by attention; got pooling = {}. Look at "
                    "its gates with --gates, or train with --set pooling=attention.",
                    pooling));
}

void add_gates(const inspect::CellRecording& recording, const std::vector<std::string>& steps, const nn::Cell& cell,
               GateTrace& trace) {
  for (const inspect::RecordedRows& r : recording.all()) {
    if (r.name == "pooling/attention") continue;
    trace.series.push_back({r.layer(), r.quantity(), steps, r.width, r.values, inspect::saturated_share(r, cell)});
  }
}

}  // namespace carousel::tasks
