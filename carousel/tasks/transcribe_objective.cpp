#include "carousel/tasks/transcribe_objective.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/profile.h"
#include "carousel/base/rng.h"
#include "carousel/base/text.h"
#include "carousel/data/batcher.h"

namespace carousel::tasks {

namespace {

using Examples = std::vector<data::FrameExample>;

constexpr size_t kMaxDev = 2000;  ///< sequences answered at each evaluation
constexpr size_t kLossBatch = 32;

std::vector<std::vector<int32_t>> encode(const data::Tokenizer& tokenizer, const Examples& examples) {
  std::vector<std::vector<int32_t>> ids;
  for (const data::FrameExample& e : examples) ids.push_back(tokenizer.encode(e.target));
  return ids;
}

data::Batcher batcher_of(const TransduceConfig& config, const Examples& examples,
                         const std::vector<std::vector<int32_t>>& targets) {
  std::vector<int64_t> frames, symbols;
  for (const data::FrameExample& e : examples) frames.push_back(e.length);
  for (const auto& target : targets) symbols.push_back(static_cast<int64_t>(target.size()));
  return {std::move(frames),
          std::move(symbols),
          {.batch_size = config.batch_size, .max_batch_tokens = config.batch_symbols},
          static_cast<uint64_t>(config.trainer.seed)};
}

/// An even sample: they are in the order of the file.
Examples some_of(Examples all) {
  if (all.size() <= kMaxDev) return all;
  Examples some;
  for (size_t k = 0; k < kMaxDev; ++k) some.push_back(std::move(all[k * all.size() / kMaxDev]));
  return some;
}

class TranscribeObjective final : public train::Objective {
 public:
  TranscribeObjective(TranscribeModel& model, TranscribeSets sets)
      : model_(model),
        train_(std::move(sets.train)),
        dev_(some_of(std::move(sets.dev))),
        targets_(encode(*model.parts().target, train_)),
        dev_targets_(encode(*model.parts().target, dev_)),
        batcher_(batcher_of(model.parts().config, train_, targets_)) {}

  nn::Module& module() override { return model_.module(); }
  int64_t num_batches(int64_t epoch) override { return batcher_.num_batches(epoch); }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo& info) override {
    const nn::Seq2SeqConfig& c = model_.parts().config.model;
    std::vector<std::vector<int32_t>> targets;
    const nn::FrameBatch frames = batch_of(ctx, epoch, batch, targets);
    const double fade = c.guided_until > 0 ? std::max(0.0, 1.0 - info.progress / c.guided_until) : 0.0;
    const TranscribeNetwork::Loss part = model_.network().loss(ctx, frames, targets, c.guided_attention * fade);
    return {part.loss, part.nll_sum, part.tokens};
  }

  train::Evaluation evaluate() override {
    train::Evaluation e;
    decode::SearchConfig greedy = model_.parts().config.search;
    greedy.beam_size = greedy.nbest = 1;
    std::vector<const data::FrameExample*> inputs;
    std::vector<std::string> wanted, answers;
    for (const data::FrameExample& example : dev_) {
      inputs.push_back(&example);
      wanted.push_back(example.target);
    }
    for (const auto& found : model_.search(inputs, greedy)) answers.push_back(model_.text_of(found.front()));
    e.metrics = model_.score(wanted, answers);
    e.metrics["dev_loss"] = dev_loss(e);
    e.metric = "token_error_rate";
    e.tie_metric = "dev_loss";
    e.lower_is_better = true;
    e.value = e.metrics.at(e.metric);
    return e;
  }

  train::Baseline baseline() override {
    std::vector<std::string> wanted;
    for (const data::FrameExample& example : dev_) wanted.push_back(example.target);
    return model_.baseline(wanted);
  }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    const auto places = batcher_.batch(epoch, batch);
    return fmt::format("{}, the first {}", counted(static_cast<int64_t>(places.size()), "sequence"),
                       train_[static_cast<size_t>(places.front())].name);
  }

 private:
  /// The sequences of a batch at this step's speeds, and their targets.
  nn::FrameBatch batch_of(nn::Context& ctx, int64_t epoch, int64_t batch, std::vector<std::vector<int32_t>>& targets) {
    const profile::Scope scope(profile::Part::data);
    const double most = model_.parts().config.frames.time_stretch;
    const int64_t width = model_.parts().scaling.width();
    Rng rng(ctx.seed, ctx.next_stream());
    std::vector<std::vector<float>> played;
    for (const int64_t i : batcher_.batch(epoch, batch)) {
      const data::FrameExample& e = train_[static_cast<size_t>(i)];
      targets.push_back(targets_[static_cast<size_t>(i)]);
      const double factor = 1 + most * (2 * static_cast<double>(rng.uniform()) - 1);
      played.push_back(most > 0 ? data::stretched(e.values, width, factor) : e.values);
      // Played faster it may have no room for its text.
      if (static_cast<int64_t>(played.back().size()) < width * model_.network().steps_needed(targets.back()))
        played.back() = e.values;
    }
    return nn::FrameBatch::of({played.begin(), played.end()}, width);
  }

  /// Nats for each symbol of the sequences that have room for their texts.
  double dev_loss(train::Evaluation& e) {
    TranscribeNetwork::Loss sum;
    std::vector<std::span<const float>> batch;
    std::vector<std::vector<int32_t>> targets;
    for (size_t i = 0; i < dev_.size(); ++i) {
      if (model_.network().steps_needed(dev_targets_[i]) <= dev_[i].length) {
        batch.emplace_back(dev_[i].values);
        targets.push_back(dev_targets_[i]);
      }
      if (batch.empty() || (batch.size() < kLossBatch && i + 1 < dev_.size())) continue;
      nn::Context ctx;
      const TranscribeNetwork::Loss part =
          model_.network().loss(ctx, nn::FrameBatch::of(batch, model_.parts().scaling.width()), targets, 0);
      sum.nll_sum += part.nll_sum;
      sum.tokens += part.tokens;
      sum.correct += part.correct;
      batch.clear();
      targets.clear();
    }
    const auto tokens = static_cast<double>(std::max<int64_t>(sum.tokens, 1));
    if (!model_.network().ctc())
      e.metrics["teacher_forced_error_rate"] = 1.0 - static_cast<double>(sum.correct) / tokens;
    return sum.nll_sum / tokens;
  }

  TranscribeModel& model_;
  Examples train_, dev_;
  std::vector<std::vector<int32_t>> targets_, dev_targets_;
  data::Batcher batcher_;
};

}  // namespace

std::unique_ptr<train::Objective> make_transcribe_objective(TranscribeModel& model, TranscribeSets sets) {
  return std::make_unique<TranscribeObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
