// A trained (or trainable) model that writes what recordings, or other sequences of frames, say: the task `transduce`
// where its sources are frames.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/scaling.h"
#include "carousel/data/tokenizer.h"
#include "carousel/tasks/task.h"
#include "carousel/tasks/transcribe_network.h"
#include "carousel/tasks/transduce_config.h"

namespace carousel::tasks {

/// Everything that the task's files say besides the weights.
struct TranscribeParts {
  TransduceConfig config;  ///< decided
  std::unique_ptr<data::Tokenizer> target;
  data::FrameScaling scaling;
  std::string usual;        ///< the most frequent training text: what answers without listening
  int64_t usual_count = 0;  ///< how often it was there
  int64_t train_examples = 0;
};

class TranscribeModel final : public TaskModel {
 public:
  /// Throws ConfigError.
  TranscribeModel(TranscribeParts parts, uint64_t seed);

  std::string task() const override { return "transduce"; }
  nn::Module& module() override { return *network_; }
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  /// Lines name files of one sequence each.
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  bool answers_files() const override { return true; }
  bool reads_names() const override { return true; }
  FileAnswer predict_file(const std::string& file, const PredictOptions& options) override;
  /// Where in the first sequence of a file each symbol of the answer was found, see TranscribeNetwork::places().
  AttentionMap inspect(const std::string& file, const PredictOptions& options) override;
  GateTrace gates(const std::string& file, const PredictOptions& options) override;
  std::vector<std::string> views() const override;
  std::vector<std::pair<std::string, std::string>> describe() override;

  TranscribeNetwork& network() { return *network_; }
  const TranscribeParts& parts() const { return parts_; }
  /// Answers to scaled sequences.
  decode::Results search(const std::vector<const data::FrameExample*>& scaled, const decode::SearchConfig& config);
  /// What a rule that hardly learns anything scores on the same.
  train::Baseline baseline(const std::vector<std::string>& wanted) const;
  /// sequence_error_rate, token_error_rate, word_error_rate, character_error_rate of answers.
  std::map<std::string, double> score(const std::vector<std::string>& wanted,
                                      const std::vector<std::string>& answers) const;
  std::string text_of(const decode::Hypothesis& answer) const { return parts_.target->decode(answer.tokens); }

 private:
  data::FrameSet read(const std::vector<std::string>& files, bool labelled, std::vector<std::string>& notes) const;
  decode::Results answers_to(data::FrameSet& set, const decode::SearchConfig& config);
  /// The model's own settings where `options` leaves them open. ConfigError for what the decoder does not know.
  decode::SearchConfig search_config(const PredictOptions& options) const;
  /// True when error rates of tokens count characters, else they count words.
  bool counts_characters() const { return parts_.target->kind() == "characters"; }
  struct Look;
  Look look_at(const std::string& file, const PredictOptions& options, nn::Recorder* recorder);

  TranscribeParts parts_;
  std::unique_ptr<TranscribeNetwork> network_;
};

/// Whether the metadata is of a model of frames.
bool transcribes(const std::map<std::string, std::string>& metadata);
/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
TranscribeParts load_transcribe_parts(const TransduceConfig& config, const std::map<std::string, std::string>& metadata,
                                      const std::string& file);

}  // namespace carousel::tasks
