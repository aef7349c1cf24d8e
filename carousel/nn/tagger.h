// A tag for each word of a sentence: embeddings of words and of their characters, recurrent stack, softmax or CRF.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "carousel/autograd/linear_chain.h"
#include "carousel/base/options.h"
#include "carousel/nn/context.h"
#include "carousel/nn/module.h"
#include "carousel/nn/pooling.h"
#include "carousel/nn/stack.h"

namespace carousel::nn {

struct TaggerConfig {
  /// Over the words. Dropout (negative: chosen) also acts on embeddings and before the output.
  StackConfig stack;
  int64_t embedding_size = 0;             ///< of a word; 0: chosen
  int64_t character_embedding_size = 32;  ///< of a character of a word
  int64_t character_hidden_size = -1;     ///< units of each direction over them; 0: no characters; negative: chosen
  std::string crf = "auto";               ///< yes | no; auto: chosen

  TaggerConfig() {
    stack.bidirectional = true;
    stack.dropout = -1;
  }
  /// Adds rows to the table's present section.
  void options(OptionTable& table);
};

/// Sentences as ids of words, each at least one; the different words of a batch stand once, as characters.
struct TaggerInput {
  std::vector<std::vector<int32_t>> words;       ///< by sentence
  std::vector<std::vector<int32_t>> spellings;   ///< of each different word, at least one character
  std::vector<std::vector<int32_t>> spelled_by;  ///< by sentence and word, index into `spellings`
};

/// What is right for a TaggerInput.
struct TaggerTargets {
  std::vector<std::vector<int32_t>> tags;  ///< by sentence
  std::vector<int32_t> intents;            ///< by sentence; empty: none
};

struct TaggerLoss {
  Var loss;            ///< mean over words, and where there are intents the mean of their losses besides
  double nll_sum = 0;  ///< of the tags, nats
  int64_t tokens = 0;
};

class Tagger final : public Module {
 public:
  struct Sizes {
    int64_t num_words = 0, num_characters = 0, num_tags = 0;
    int64_t num_intents = 0;  ///< 0: the model has none
  };
  /// Everything of the config must be decided. Throws ConfigError.
  Tagger(const TaggerConfig& config, const Sizes& sizes, uint64_t seed);

  struct Output {
    Packing packing;
    Var emissions;  ///< [rows, num_tags], packed
    Var intents;    ///< [B, num_intents] in the caller's order; undefined without
  };
  /// A recorder hears the gates and states of both stacks ("layer.0/...", "characters.0/...").
  Output forward(Context& ctx, const TaggerInput& input);
  /// Cross-entropy of the tags, or with a CRF the negative log-likelihood of their sequences. Throws ShapeError.
  TaggerLoss loss(Context& ctx, const TaggerInput& input, const TaggerTargets& targets);

  /// The scores of tags behind each other that training found: those of the CRF; without one zeros.
  /// `allowed(from, to)` says which may follow which; num_tags stands for the beginning and the end.
  template <class Allowed>
  LinearChain chain(Allowed allowed) const;

  const TaggerConfig& config() const { return config_; }
  const Sizes& sizes() const { return sizes_; }
  const RecurrentStack& stack() const { return *stack_; }
  bool has_crf() const { return transitions_.defined(); }

 private:
  Var drop(Context& ctx, const Var& x) const;
  Var embed(Context& ctx, const Packing& packing, const TaggerInput& input);

  TaggerConfig config_;
  Sizes sizes_;
  Var word_embedding_, character_embedding_;
  std::unique_ptr<RecurrentStack> characters_;  ///< null: none
  std::unique_ptr<RecurrentStack> stack_;
  Var weight_, bias_;
  Var transitions_, start_, stop_;  ///< of the CRF
  std::unique_ptr<Pooling> pooling_;
  Var intent_weight_, intent_bias_;
};

template <class Allowed>
LinearChain Tagger::chain(Allowed allowed) const {
  const int64_t n = sizes_.num_tags;
  const auto score = [&](const Var& learnt, int64_t at, int64_t from, int64_t to) {
    if (!allowed(from, to)) return LinearChain::kForbidden;
    return learnt.defined() ? static_cast<double>(learnt.value().data<float>()[at]) : 0.0;
  };
  std::vector<double> transitions, start, stop;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < n; ++k) transitions.push_back(score(transitions_, i * n + k, i, k));
    start.push_back(score(start_, i, n, i));
    stop.push_back(score(stop_, i, i, n));
  }
  return {std::move(transitions), std::move(start), std::move(stop)};
}

}  // namespace carousel::nn
