#include "carousel/tasks/transduce_objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "carousel/base/profile.h"
#include "carousel/base/rng.h"
#include "carousel/data/batcher.h"
#include "carousel/data/translations.h"
#include "carousel/nn/guided_attention.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kMaxDevQuestions = 3000;      ///< searched at each evaluation
constexpr int64_t kMostDevSymbols = 60000;      ///< of these, on both sides; but not less than ...
constexpr int64_t kMinDevQuestions = 200;       ///< ... so many
constexpr int64_t kLossSymbols = 8192;          ///< of dev pairs whose loss is computed together, about
constexpr size_t kAttentionSample = 100;        ///< dev outputs whose attention is looked at
constexpr uint64_t kSampling = 0x53616D706C65;  ///< names the stream of random numbers
constexpr double kTension = 4;                  ///< of alignments: where Dyer et al. 2013 begin
constexpr double kAttentionFormed = 0.25;       ///< attention_information below this is a warning

/// `count` of `all`, evenly spread, for they are in the order of a file.
std::vector<size_t> even_sample(int64_t all, int64_t count) {
  count = std::min(count, all);
  std::vector<size_t> places;
  for (int64_t k = 0; k < count; ++k) places.push_back(static_cast<size_t>(k * all / count));
  return places;
}

/// The training pairs as ids.
struct Encoded {
  std::vector<SourceText> sources;
  std::vector<std::vector<int32_t>> targets;
  std::vector<int64_t> source_lengths, target_lengths;
};

Encoded encode(const TransduceModel& model, const PairSets& sets) {
  Encoded all;
  for (const int64_t i : sets.train) {
    const data::PairExample& e = sets.train_data.examples[static_cast<size_t>(i)];
    all.sources.push_back(model.encode_source(e.source));
    all.targets.push_back(model.encode_target(e.target, all.sources.back()));
    all.source_lengths.push_back(static_cast<int64_t>(all.sources.back().ids.size()));
    all.target_lengths.push_back(static_cast<int64_t>(all.targets.back().size()));
  }
  return all;
}

class TransduceObjective final : public train::Objective {
 public:
  TransduceObjective(TransduceModel& model, PairSets sets)
      : model_(model),
        sets_(std::move(sets)),
        encoded_(encode(model, sets_)),
        batcher_(
            encoded_.source_lengths, encoded_.target_lengths,
            {.batch_size = model.parts().config.batch_size, .max_batch_tokens = model.parts().config.batch_symbols},
            static_cast<uint64_t>(model.parts().config.trainer.seed)) {
    if (model_.network().config().guided_by == "alignment") learn_translations();
    questions_ = data::group_by_source(sets_.dev_data, sets_.dev);
    take_dev_sample();
  }

  nn::Module& module() override { return model_.module(); }
  int64_t num_batches(int64_t epoch) override { return batcher_.num_batches(epoch); }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo& info) override {
    nn::Seq2SeqBatch pairs = pairs_of(epoch, batch);
    const nn::Seq2SeqConfig& c = model_.network().config();
    const double fade = c.guided_until > 0 ? std::max(0.0, 1.0 - info.progress / c.guided_until) : 0.0;
    if (translations_ && fade > 0) align(pairs);
    if (fade == 0) translations_.reset();  // large, and not needed any more
    const nn::Seq2SeqLoss result = model_.network().loss(ctx, pairs, c.guided_attention * fade);
    return {result.loss, result.nll_sum, result.tokens};
  }

  train::Evaluation evaluate() override {
    train::Evaluation e;
    decode::SearchConfig greedy = model_.parts().config.search;
    greedy.beam_size = 1;
    greedy.nbest = 1;
    const decode::Results results = model_.search(dev_sources_, greedy);
    std::vector<std::string> outputs;
    for (size_t q = 0; q < results.size(); ++q) outputs.push_back(model_.text_of(dev_sources_[q], results[q].front()));
    e.metrics = model_.score(sets_.dev_data, questions_, outputs);
    teacher_forced(e);
    e.metric = model_.target_is_text() ? "bleu" : "sequence_error_rate";
    e.lower_is_better = !model_.target_is_text();
    e.value = e.metrics.at(e.metric);
    look_at_attention(results, e);
    return e;
  }

  train::Baseline baseline() override { return model_.baseline(sets_.dev_data, questions_); }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    std::vector<int64_t> indices;
    for (const int64_t i : batcher_.batch(epoch, batch)) indices.push_back(sets_.train[static_cast<size_t>(i)]);
    return data::describe_examples(sets_.train_data, indices);
  }

 private:
  void take_dev_sample() {
    keep(even_sample(static_cast<int64_t>(questions_.size()), kMaxDevQuestions));
    int64_t symbols = 0;
    for (const data::Question& q : questions_) {
      dev_sources_.push_back(model_.encode_source(q.source));
      symbols += static_cast<int64_t>(dev_sources_.back().ids.size() + dev_target(dev_sources_.size() - 1).size());
    }
    const auto all = static_cast<int64_t>(questions_.size());
    keep(even_sample(all, questions_to_search(all, symbols)));
  }

  void keep(const std::vector<size_t>& places) {
    std::vector<data::Question> questions;
    std::vector<SourceText> sources;
    for (const size_t i : places) {
      questions.push_back(std::move(questions_[i]));
      if (!dev_sources_.empty()) sources.push_back(std::move(dev_sources_[i]));
    }
    questions_ = std::move(questions);
    dev_sources_ = std::move(sources);
  }

  /// The first reference.
  std::vector<int32_t> dev_target(size_t question) const {
    const auto first = static_cast<size_t>(questions_[question].examples.front());
    return model_.encode_target(sets_.dev_data.examples[first].target, dev_sources_[question]);
  }

  void learn_translations() {
    data::TranslationsConfig config;
    config.max_pairs = std::numeric_limits<int64_t>::max();
    config.tension = kTension;
    std::vector<std::vector<int32_t>> sources;
    for (const SourceText& source : encoded_.sources) sources.push_back(source.ids);
    translations_ = data::Translations::learn(sources, encoded_.targets, config);
  }

  void align(nn::Seq2SeqBatch& pairs) const {
    const profile::Scope scope(profile::Part::data);
    for (size_t i = 0; i < pairs.sources.size(); ++i)
      pairs.alignments.push_back(translations_->align(pairs.sources[i], pairs.targets[i]));
  }

  void add(const SourceText& source, std::vector<int32_t> target, nn::Seq2SeqBatch& pairs) const {
    pairs.sources.push_back(source.ids);
    if (model_.network().copies()) pairs.copies.push_back(source.copies);
    pairs.targets.push_back(std::move(target));
  }

  nn::Seq2SeqBatch pairs_of(int64_t epoch, int64_t batch) {
    const profile::Scope scope(profile::Part::data);
    nn::Seq2SeqBatch pairs;
    for (const int64_t i : batcher_.batch(epoch, batch)) {
      if (model_.parts().config.data.subword_sampling > 0) {
        add_sampled(epoch, i, pairs);
      } else {
        add(encoded_.sources[static_cast<size_t>(i)], encoded_.targets[static_cast<size_t>(i)], pairs);
      }
    }
    return pairs;
  }

  /// A pair cut into subwords by chance, other ones in each epoch.
  void add_sampled(int64_t epoch, int64_t index, nn::Seq2SeqBatch& pairs) {
    const data::PairExample& e =
        sets_.train_data.examples[static_cast<size_t>(sets_.train[static_cast<size_t>(index)])];
    Rng rng(static_cast<uint64_t>(model_.parts().config.trainer.seed),
            mix(mix(static_cast<uint64_t>(epoch), static_cast<uint64_t>(index)), kSampling));
    const data::SubwordSampling sampling{model_.parts().config.data.subword_sampling, &rng};
    const SourceText source = model_.encode_source(e.source, sampling);
    add(source, model_.encode_target(e.target, source, sampling), pairs);
  }

  /// Loss and accuracy when every prefix is the right one; the distance to the free-running error is the exposure bias.
  void teacher_forced(train::Evaluation& e) {
    nn::Seq2SeqLoss sum;
    for (size_t q = 0; q < questions_.size();) {
      nn::Seq2SeqBatch pairs;
      for (int64_t symbols = 0; q < questions_.size() && symbols < kLossSymbols; ++q) {
        if (dev_sources_[q].ids.empty()) continue;
        std::vector<int32_t> target = dev_target(q);
        symbols += static_cast<int64_t>(dev_sources_[q].ids.size() + target.size());
        add(dev_sources_[q], std::move(target), pairs);
      }
      if (pairs.sources.empty()) continue;
      nn::Context ctx;
      const nn::Seq2SeqLoss part = model_.network().loss(ctx, pairs, 0);
      sum.nll_sum += part.nll_sum;
      sum.tokens += part.tokens;
      sum.correct += part.correct;
    }
    const auto tokens = static_cast<double>(std::max<int64_t>(sum.tokens, 1));
    e.metrics["dev_loss"] = sum.nll_sum / tokens;
    e.metrics["teacher_forced_error_rate"] = 1.0 - static_cast<double>(sum.correct) / tokens;
  }

  void look_at_attention(const decode::Results& results, train::Evaluation& e) {
    if (model_.network().config().attention == "none") return;
    double information = 0;
    int64_t looked_at = 0;
    const size_t stride = std::max<size_t>(1, results.size() / kAttentionSample);
    for (size_t i = 0; i < results.size(); i += stride) {
      const auto& tokens = results[i].front().tokens;
      const auto length = static_cast<int64_t>(dev_sources_[i].ids.size()),
                 steps = static_cast<int64_t>(tokens.size()) + 1;
      if (length < 3 || steps < 3) continue;  // too short to tell
      information += nn::attention_information(model_.attention_of(dev_sources_[i], tokens), steps, length);
      ++looked_at;
    }
    if (looked_at == 0) return;
    information /= static_cast<double>(looked_at);
    e.metrics["attention_information"] = information;
    if (information < kAttentionFormed)
      e.warning = fmt::format(
          "the attention has not formed: what the decoder writes hardly depends on where it looks "
          "(attention_information "
          "{:.2f} of 1). Train longer, raise guided_attention (now {:g}) when both sides run in the same order, lower "
          "learning_rate, or use a smaller batch_size.",
          information, model_.network().config().guided_attention);
  }

  TransduceModel& model_;
  PairSets sets_;
  Encoded encoded_;
  data::Batcher batcher_;
  std::vector<data::Question> questions_;
  std::vector<SourceText> dev_sources_;
  std::optional<data::Translations> translations_;  ///< where an alignment guides attention
};

}  // namespace

int64_t questions_to_search(int64_t all, int64_t symbols) {
  if (symbols <= kMostDevSymbols) return all;
  return std::min(all, std::max(kMinDevQuestions, all * kMostDevSymbols / symbols));
}

std::unique_ptr<train::Objective> make_transduce_objective(TransduceModel& model, PairSets sets) {
  return std::make_unique<TransduceObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
