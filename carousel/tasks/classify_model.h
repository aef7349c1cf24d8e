// A trained (or trainable) classifier of texts: network, tokenizer, labels and what simple classifiers know.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/naive_bayes.h"
#include "carousel/data/pairs.h"
#include "carousel/data/seen_texts.h"
#include "carousel/data/tokenizer.h"
#include "carousel/nn/classifier_ensemble.h"
#include "carousel/tasks/class_answers.h"
#include "carousel/tasks/classify_config.h"
#include "carousel/tasks/labels.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

/// Everything that the task's files say besides the weights.
struct ClassifyParts {
  ClassifyOptions options;
  std::unique_ptr<data::Tokenizer> tokenizer;
  Labels labels;           ///< and how many training texts had each
  data::SeenTexts seen;    ///< the training texts, in the tokenizer's text form
  data::NaiveBayes bayes;  ///< of the training texts as a whole
};

class ClassifyModel final : public TaskModel {
 public:
  /// `parts.options.model` must be decided. Throws ConfigError.
  ClassifyModel(ClassifyParts parts, uint64_t seed);

  std::string task() const override { return "classify"; }
  nn::Module& module() override { return networks_.module(); }
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  std::optional<std::vector<std::string>> inputs_of(const std::string& file) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  GateTrace gates(const std::string& line, const PredictOptions& options) override;
  std::vector<std::string> views() const override;
  std::vector<std::pair<std::string, std::string>> describe() override;

  /// The one member, or the first of several: it holds temperature and trust of all.
  nn::Classifier& network() { return networks_.first(); }
  int64_t members() const { return networks_.size(); }
  nn::Classifier& member(int64_t index) { return networks_[index]; }
  const ClassifyParts& parts() const { return parts_; }

  /// What the network reads of the ids of a text: at most max_length, of a longer one the beginning and the end. Of a
  /// text without symbols one unknown symbol.
  std::vector<int32_t> cut(std::vector<int32_t> ids) const;
  /// What naive Bayes says of whole texts, [texts, num_classes]; nothing when it has no say.
  std::vector<float> opinions(const std::vector<std::vector<int32_t>>& texts) const;
  /// Logits [texts, num_classes] of whole texts: the mean of the networks', computed in batches of like length, and the
  /// opinions times the model's trust in them.
  std::vector<float> network_logits(const std::vector<std::vector<int32_t>>& texts);
  std::vector<float> logits(const std::vector<std::vector<int32_t>>& texts);

 private:
  std::vector<int32_t> encode_one(const std::string& line) const;
  std::vector<float> member_logits(nn::Classifier& member, const std::vector<std::vector<int32_t>>& texts) const;
  std::vector<double> answer(nn::Context& ctx, const std::vector<int32_t>& text);
  data::LabelFormat stored_format() const;
  void note_bayes(const data::PairData& data, const std::vector<int64_t>& wanted, EvalReport& report) const;

  ClassifyParts parts_;
  nn::ClassifierEnsemble networks_;
};

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
ClassifyParts load_parts(const ClassifyOptions& options, const std::map<std::string, std::string>& metadata,
                         const std::string& file);

}  // namespace carousel::tasks
