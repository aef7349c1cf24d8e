// A trained (or trainable) language model: network, tokenizer, unigram baseline.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "carousel/data/text_reader.h"
#include "carousel/data/tokenizer.h"
#include "carousel/nn/language_model.h"
#include "carousel/tasks/language_model_config.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

constexpr int32_t kTextBegin = data::Vocabulary::kEos;  ///< a text begins as if after a line end

/// Everything that the task's files say besides the weights.
struct LanguageModelParts {
  LanguageModelOptions options;
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::vector<int64_t> counts;  ///< [V] how often each symbol stood in the training text
};

/// Summed negative log-likelihood of a text.
struct TextScore {
  double nll_sum = 0;  ///< nats
  int64_t symbols = 0;
  /// perplexity per symbol; nats and bits per code point, line ends included.
  std::map<std::string, double> metrics(int64_t characters) const;
};

class LanguageModelTask final : public TaskModel {
 public:
  /// `parts.options.model` must be decided. Throws ConfigError.
  LanguageModelTask(LanguageModelParts parts, uint64_t seed);

  std::string task() const override { return "lm"; }
  nn::Module& module() override { return *network_; }
  std::map<std::string, std::string> metadata() const override;
  /// One stream, the state carried from the first symbol to the last.
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  /// Each line is continued with the most probable symbols to the end of the line.
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  Generation generate(const std::string& prompt, const GenerateOptions& options, const TextSink& sink) override;
  std::vector<LineScore> score_lines(const std::vector<std::string>& lines) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  GateTrace gates(const std::string& line, const PredictOptions& options) override;
  std::vector<std::string> views() const override;
  std::vector<std::pair<std::string, std::string>> describe() override;
  Streaming streaming() override;

  nn::LanguageModel& network() { return *network_; }
  const LanguageModelParts& parts() const { return parts_; }
  /// Score of ids that follow one another, read as `streams` streams of equal length, each from the state after a line
  /// end; with more than one, fewer than `streams` ids at the end are left out.
  TextScore score(const data::SymbolStore& ids, int64_t streams);
  /// The score of a text by how often each symbol stood in the training text, plus one.
  train::Baseline baseline(const data::TokenStream& text) const;

 private:
  Prediction continue_line(const std::string& line);

  LanguageModelParts parts_;
  std::unique_ptr<nn::LanguageModel> network_;
  std::shared_ptr<const nn::StreamModel> stream_;  ///< made when first needed, of the weights as they were
  uint64_t stream_version_ = 0;
};

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
LanguageModelParts load_parts(const LanguageModelOptions& options, const std::map<std::string, std::string>& metadata,
                              const std::string& file);

}  // namespace carousel::tasks
