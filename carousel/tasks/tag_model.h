// A trained (or trainable) tagger: network, vocabularies, tags and what simple taggers know.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "carousel/data/spans.h"
#include "carousel/data/tags.h"
#include "carousel/data/vocabulary.h"
#include "carousel/nn/tagger.h"
#include "carousel/tasks/labels.h"
#include "carousel/tasks/tag_baseline.h"
#include "carousel/tasks/tag_config.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

/// Everything that the task's files say besides the weights.
struct TaggerParts {
  TagOptions options;
  data::Vocabulary words;  ///< of word_form()
  data::Vocabulary characters;
  Labels tags, intents;  ///< no intents: the model gives none
  data::TagScheme scheme = data::TagScheme::none;
  WordTags baseline;
};

/// What the vocabulary of words holds for a token: lower case, each digit a 0. Its characters keep what is lost.
std::string word_form(std::string_view token);
/// The code points of a token; of a very long one the beginning and the end.
std::vector<std::string_view> spelling(std::string_view token);

/// Words [begin, end) of a sentence: all of them unless it is very long.
struct SentencePiece {
  int64_t sentence = 0, begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

/// Sentences as ids. Different tokens stand once.
struct EncodedSentences {
  /// Longer sentences, such as files without blank lines, are read in pieces, so that memory is bounded.
  static constexpr int64_t kLongestPiece = 400;

  std::vector<std::vector<int32_t>> tokens;     ///< by sentence, index into those below
  std::vector<int32_t> words;                   ///< of each different token
  std::vector<std::vector<int32_t>> spellings;  ///< of each different token

  /// All sentences, in order, cut where they are too long.
  std::vector<SentencePiece> pieces() const;
  /// Some pieces as a network takes them.
  nn::TaggerInput input(const std::vector<SentencePiece>& pieces) const;
};

/// What a model says of one sentence.
struct TagAnswer {
  std::vector<std::string> tags;
  std::vector<double> probabilities;  ///< of each tag; only when asked for
  double log_probability = 0;         ///< of all of them together, and the intent; only when asked for
  std::vector<double> intents;        ///< probabilities; empty without
  int64_t intent() const;             ///< the most probable
};

class TagModel final : public TaskModel {
 public:
  /// `parts.options.model` must be decided. Throws ConfigError.
  TagModel(TaggerParts parts, uint64_t seed);

  std::string task() const override { return "tag"; }
  nn::Module& module() override { return *network_; }
  std::map<std::string, std::string> metadata() const override;
  EvalReport evaluate(const std::vector<std::string>& files, const PredictOptions& options) override;
  std::vector<Prediction> predict(const std::vector<std::string>& lines, const PredictOptions& options) override;
  std::optional<std::vector<std::string>> inputs_of(const std::string& file) override;
  AttentionMap inspect(const std::string& line, const PredictOptions& options) override;
  GateTrace gates(const std::string& line, const PredictOptions& options) override;
  std::vector<std::string> views() const override { return {"gates"}; }
  std::vector<std::pair<std::string, std::string>> describe() override;

  nn::Tagger& network() { return *network_; }
  const TaggerParts& parts() const { return parts_; }

  /// Each sentence has at least one token.
  EncodedSentences encode(const std::vector<std::vector<std::string>>& sentences) const;
  /// One answer for each sentence, in order: the most probable sequence of those that the scheme allows.
  std::vector<TagAnswer> answers(const EncodedSentences& sentences, bool probabilities);
  /// accuracy, sentence_accuracy, with a scheme span_precision, span_recall and span_f1, with intents intent_accuracy.
  std::map<std::string, double> score(const std::vector<TagAnswer>& answers,
                                      const std::vector<const data::TaggedSentence*>& wanted) const;
  train::Baseline baseline(const std::vector<const data::TaggedSentence*>& wanted) const;

 private:
  TagAnswer answer(const LinearChain* chain, int64_t steps, const std::vector<double>& emissions,
                   bool probabilities) const;
  bool needs_chain() const { return network_->has_crf() || parts_.scheme != data::TagScheme::none; }
  LinearChain chain() const;
  void note_strangers(const std::vector<TagAnswer>& answers, const std::vector<const data::TaggedSentence*>& wanted,
                      EvalReport& report) const;
  Prediction prediction(const TagAnswer& answer, std::vector<std::string> tokens) const;

  TaggerParts parts_;
  std::unique_ptr<nn::Tagger> network_;
};

/// Rebuilds the parts from a file's metadata; FormatError naming `file`.
TaggerParts load_tagger_parts(const TagOptions& options, const std::map<std::string, std::string>& metadata,
                              const std::string& file);

}  // namespace carousel::tasks
