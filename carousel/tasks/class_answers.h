// What classifiers of all kinds do with the logits of their labels.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "carousel/inspect/recording.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/tasks/labels.h"
#include "carousel/tasks/task.h"
#include "carousel/train/classification.h"

namespace carousel::tasks {

/// What a model thinks of some inputs, and what is right.
struct ClassAnswers {
  std::vector<float> logits;    ///< [wanted.size(), num_classes]
  std::vector<int64_t> wanted;  ///< num_classes or more: labels that training did not have
};

/// accuracy, macro_f1, expected_calibration_error.
std::map<std::string, double> metrics_of(const train::ClassScores& scores);
/// The same of answers at a temperature.
std::map<std::string, double> score_of(const ClassAnswers& answers, int64_t num_classes, double temperature);
/// The same for giving each input the most frequent label with its share as probability.
train::Baseline class_baseline(const Labels& labels, const std::vector<int64_t>& wanted);
/// Number of each label; those that training did not have get numbers of their own behind the others.
std::vector<int64_t> numbers_of(const Labels& labels, const std::vector<std::string_view>& names);
/// Says how many inputs ("texts") have labels that training did not have, and which; nothing when there are none.
void note_strangers(const Labels& labels, const std::vector<std::string_view>& names,
                    const std::vector<int64_t>& wanted, const char* inputs, EvalReport& report);
/// The `nbest` most probable labels and the probabilities of all.
void add_answers(const Labels& labels, std::span<const float> logits, double temperature, int64_t nbest,
                 Prediction& prediction);
/// So that all labels together weigh as much as if each input weighed 1: N / (K count).
std::vector<double> balanced_weights(const Labels& labels);
/// ConfigError when an option asks for a search.
void refuse_class_search(const PredictOptions& options);
/// UnsupportedError unless a classifier pools by attention, without which there is nothing to see of where it looked.
void require_attention(const std::string& pooling);
/// Gates and states of the layers of a stack; a row for each of `steps`.
void add_gates(const inspect::CellRecording& recording, const std::vector<std::string>& steps, const nn::Cell& cell,
               GateTrace& trace);

}  // namespace carousel::tasks
