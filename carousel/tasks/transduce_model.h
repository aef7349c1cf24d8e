// A trained (or trainable) string-to-string model: network, tokenizers, baseline, what was seen in training.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/data/seen_texts.h"
#include "carousel/data/symbol_map.h"
#include "carousel/data/tokenizer.h"
#include "carousel/decode/search.h"
#include "carousel/nn/seq2seq.h"
#include "carousel/tasks/copying.h"
#include "carousel/tasks/task.h"
#include "carousel/tasks/transduce_config.h"

namespace carousel::tasks {

/// Everything that the task's files say besides the weights.
struct TransduceParts {
  TransduceConfig config;
  std::unique_ptr<data::Tokenizer> source, target;
  data::SymbolMap baseline;
  int64_t lead = 0;      ///< where symbols are copied: the baseline is so many first symbols of the source
  data::SeenTexts seen;  ///< the training sources, in the tokenizer's text form
  int64_t train_examples = 0;
};

class TransduceModel final : public TaskModel {
 public:
  /// `parts.config.model` must be decided. Throws ConfigError.
  TransduceModel(TransduceParts parts, uint64_t seed);

  std::string task() const override { return "transduce"; }
  nn::Module& module() override { return *network_; }
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  std::optional<std::vector<std::string>> inputs_of(const std::string& file) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  GateTrace gates(const std::string& line, const PredictOptions& options) override;
  std::vector<std::string> views() const override { return {"attention", "gates"}; }
  std::vector<std::pair<std::string, std::string>> describe() override;

  nn::Seq2Seq& network() { return *network_; }
  const TransduceParts& parts() const { return parts_; }
  /// True when a target is a text of words, so that BLEU and chrF mean something.
  bool target_is_text() const;

  /// Searches all sources, in batches of similar length; empty sources get one empty hypothesis of probability 1.
  /// What a source has and the model cannot write is an id from the target vocabulary's size on, see SourceText.
  decode::Results search(const std::vector<SourceText>& sources, const decode::SearchConfig& config);
  /// True when answers may hold symbols of the source.
  bool uses_copies() const { return network_->copies() || parts_.config.replace_unknown == "on"; }
  SourceText encode_source(std::string_view text, const data::SubwordSampling& sampling = {}) const;
  /// Where the network copies, unknown symbols that stand in the source are those of the source.
  std::vector<int32_t> encode_target(std::string_view text, const SourceText& from,
                                     const data::SubwordSampling& sampling = {}) const {
    return tasks::encode_target(*parts_.target, text, network_->copies() ? from : SourceText(), sampling);
  }
  /// The text of an answer to `source`.
  std::string text_of(const SourceText& source, const decode::Hypothesis& answer) const {
    return parts_.target->decode(answer.tokens, source.extras);
  }
  /// What a rule that hardly learns anything scores on the same.
  train::Baseline baseline(const data::PairData& data, const std::vector<data::Question>& questions) const;
  /// Scores of `outputs` (one per question) against the questions' references.
  std::map<std::string, double> score(const data::PairData& data, const std::vector<data::Question>& questions,
                                      const std::vector<std::string>& outputs) const;
  /// Attention of a given output: [steps, source length], end marker included. `recorder` hears gates and states.
  std::vector<float> attention_of(const SourceText& source, const std::vector<int32_t>& target,
                                  nn::Recorder* recorder = nullptr);

 private:
  /// The ids of one input that can be looked into. Throws DataError, ConfigError.
  SourceText encode_one(const std::string& line) const;
  /// Puts the source's symbol with the most attention in the place of each unknown one.
  void replace_unknown(const SourceText& source, decode::Hypothesis& answer);
  /// The answer of the baseline.
  std::string baseline_of(std::string_view source) const;
  /// Why an input of so many symbols gets no answer, or "".
  std::string length_error(int64_t length) const;
  /// What error rates compare: code points of a character model's texts, else words.
  std::vector<std::string> metric_tokens(std::string_view text) const;
  /// The model's own settings where `options` leaves them open.
  decode::SearchConfig search_config(const PredictOptions& options) const;

  TransduceParts parts_;
  std::unique_ptr<nn::Seq2Seq> network_;
};

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
TransduceParts load_parts(const TransduceConfig& config, const std::map<std::string, std::string>& metadata,
                          const std::string& file);

}  // namespace carousel::tasks
