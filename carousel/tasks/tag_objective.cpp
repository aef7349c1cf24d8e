#include "carousel/tasks/tag_objective.h"

#include <algorithm>
#include <utility>

#include "carousel/base/profile.h"
#include "carousel/base/rng.h"
#include "carousel/data/batcher.h"

namespace carousel::tasks {

namespace {

constexpr size_t kMaxDevSentences = 4000;  ///< looked at in each evaluation

/// The sentences at these indices, or an even sample of `most` of them.
std::vector<const data::TaggedSentence*> some(const data::TagData& data, const std::vector<int64_t>& indices,
                                              size_t most) {
  std::vector<const data::TaggedSentence*> chosen;
  const size_t count = std::min(most, indices.size());
  for (size_t k = 0; k < count; ++k)
    chosen.push_back(&data.sentences[static_cast<size_t>(indices[k * indices.size() / count])]);
  return chosen;
}

EncodedSentences encode(const TagModel& model, const std::vector<const data::TaggedSentence*>& sentences) {
  std::vector<std::vector<std::string>> tokens;
  tokens.reserve(sentences.size());
  for (const data::TaggedSentence* sentence : sentences) tokens.push_back(sentence->tokens);
  return model.encode(tokens);
}

std::vector<int64_t> lengths_of(const std::vector<SentencePiece>& pieces) {
  std::vector<int64_t> lengths;
  for (const SentencePiece& piece : pieces) lengths.push_back(piece.size());
  return lengths;
}

class TagObjective final : public train::Objective {
 public:
  TagObjective(TagModel& model, TagSets sets)
      : model_(model),
        sets_(std::move(sets)),
        sentences_(some(sets_.train_data, sets_.train, sets_.train.size())),
        encoded_(encode(model, sentences_)),
        pieces_(encoded_.pieces()),
        batcher_(lengths_of(pieces_), std::vector<int64_t>(pieces_.size(), 1),
                 {.batch_size = model.parts().options.batch_size},
                 static_cast<uint64_t>(model.parts().options.trainer.seed)),
        dev_sentences_(some(sets_.dev_data, sets_.dev, kMaxDevSentences)),
        dev_(encode(model, dev_sentences_)) {
    std::vector<double> counts(static_cast<size_t>(model.parts().words.size()));
    for (const auto& tokens : encoded_.tokens)
      for (const int32_t token : tokens) ++counts[static_cast<size_t>(encoded_.words[static_cast<size_t>(token)])];
    const double w = model.parts().options.word_dropout;
    for (const double count : counts) unknown_.push_back(w > 0 ? w / (w + count) : 0);
    for (const data::TaggedSentence* sentence : sentences_) {
      tags_.emplace_back();
      for (const std::string& tag : sentence->tags)
        tags_.back().push_back(static_cast<int32_t>(model.parts().tags.find(tag)));
      if (model.parts().intents.size() > 0)
        intents_.push_back(static_cast<int32_t>(model.parts().intents.find(sentence->intent)));
    }
  }

  nn::Module& module() override { return model_.module(); }
  int64_t num_batches(int64_t epoch) override { return batcher_.num_batches(epoch); }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo&) override {
    nn::TaggerInput input;
    nn::TaggerTargets targets;
    {
      const profile::Scope scope(profile::Part::data);
      const std::vector<SentencePiece> pieces = pieces_of(epoch, batch);
      input = encoded_.input(pieces);
      drop_words(ctx, input);
      for (const SentencePiece& piece : pieces) {
        const std::vector<int32_t>& tags = tags_[static_cast<size_t>(piece.sentence)];
        targets.tags.emplace_back(tags.begin() + piece.begin, tags.begin() + piece.end);
        if (!intents_.empty()) targets.intents.push_back(intents_[static_cast<size_t>(piece.sentence)]);
      }
    }
    const nn::TaggerLoss result = model_.network().loss(ctx, input, targets);
    return {result.loss, result.nll_sum, result.tokens};
  }

  train::Evaluation evaluate() override {
    train::Evaluation e;
    e.metrics = model_.score(model_.answers(dev_, false), dev_sentences_);
    e.metric = e.metrics.contains("intent_accuracy") ? "sentence_accuracy"
               : e.metrics.contains("span_f1")       ? "span_f1"
                                                     : "accuracy";
    e.lower_is_better = false;
    e.value = e.metrics.at(e.metric);
    return e;
  }

  train::Baseline baseline() override { return model_.baseline(dev_sentences_); }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    std::vector<int64_t> indices;
    for (const SentencePiece& piece : pieces_of(epoch, batch))
      indices.push_back(sets_.train[static_cast<size_t>(piece.sentence)]);
    return data::describe_examples(sets_.train_data.pairs(), indices);
  }

 private:
  std::vector<SentencePiece> pieces_of(int64_t epoch, int64_t batch) {
    std::vector<SentencePiece> pieces;
    for (const int64_t i : batcher_.batch(epoch, batch)) pieces.push_back(pieces_[static_cast<size_t>(i)]);
    return pieces;
  }

  /// As Kiperwasser & Goldberg 2016: rare words are unknown now and then, so that unknown words are no strangers.
  void drop_words(nn::Context& ctx, nn::TaggerInput& input) const {
    Rng rng(ctx.seed, ctx.next_stream());
    if (!ctx.training) return;
    for (auto& sentence : input.words)
      for (int32_t& word : sentence)
        if (static_cast<double>(rng.uniform()) < unknown_[static_cast<size_t>(word)]) word = data::Vocabulary::kUnk;
  }

  TagModel& model_;
  TagSets sets_;
  std::vector<const data::TaggedSentence*> sentences_;
  EncodedSentences encoded_;
  std::vector<SentencePiece> pieces_;
  data::Batcher batcher_;
  std::vector<const data::TaggedSentence*> dev_sentences_;
  EncodedSentences dev_;
  std::vector<double> unknown_;  ///< by word: probability of being read as an unknown one
  std::vector<std::vector<int32_t>> tags_;
  std::vector<int32_t> intents_;
};

}  // namespace

std::unique_ptr<train::Objective> make_tag_objective(TagModel& model, TagSets sets) {
  return std::make_unique<TagObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
