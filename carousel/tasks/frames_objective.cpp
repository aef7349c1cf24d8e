#include "carousel/tasks/frames_objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/base/profile.h"
#include "carousel/base/rng.h"
#include "carousel/base/text.h"
#include "carousel/data/batcher.h"
#include "carousel/train/classification.h"

namespace carousel::tasks {

namespace {

using FrameExamples = std::vector<data::FrameExample>;

std::vector<int64_t> lengths_of(const FrameExamples& examples) {
  std::vector<int64_t> lengths;
  for (const data::FrameExample& e : examples) lengths.push_back(e.length);
  return lengths;
}

std::vector<int64_t> classes_of(const Labels& labels, const FrameExamples& examples) {
  std::vector<std::string_view> names;
  for (const data::FrameExample& e : examples) names.emplace_back(e.target);
  return numbers_of(labels, names);
}

/// Mean of -log p(wanted), over examples whose label the model has.
double mean_nll(const ClassAnswers& answers, int64_t num_classes, double temperature) {
  const auto width = static_cast<size_t>(num_classes);
  double sum = 0, count = 0;
  for (size_t i = 0; i < answers.wanted.size(); ++i) {
    if (answers.wanted[i] >= num_classes) continue;
    const std::span<const float> row(answers.logits.data() + i * width, width);
    sum -=
        std::log(std::max(1e-300, train::probabilities_of(row, temperature)[static_cast<size_t>(answers.wanted[i])]));
    count += 1;
  }
  return count > 0 ? sum / count : 0;
}

class FramesObjective final : public train::Objective {
 public:
  FramesObjective(FrameModel& model, FrameSets sets)
      : model_(model),
        sets_(std::move(sets)),
        classes_(classes_of(model.parts().labels, sets_.train)),
        dev_classes_(classes_of(model.parts().labels, sets_.parts.empty() ? sets_.dev : sets_.train)),
        batcher_(lengths_of(sets_.train), std::vector<int64_t>(sets_.train.size(), 1),
                 {.batch_size = model.parts().options.batch_size},
                 static_cast<uint64_t>(model.parts().options.trainer.seed)) {
    if (model_.parts().options.class_weights == "balanced") weights_ = balanced_weights(model_.parts().labels);
  }

  nn::Module& module() override { return model_.module(); }
  int64_t num_batches(int64_t epoch) override { return batcher_.num_batches(epoch); }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo&) override {
    const FrameExamples examples = stretch(ctx, epoch, batch);
    train::BatchLoss total{Var(), 0, 0};
    int64_t learning = 0;
    for (int64_t m = 0; m < model_.members(); ++m) {
      const nn::ClassifierBatch own = batch_of(examples, epoch, batch, m);
      if (own.classes.empty()) continue;
      const nn::ClassifierLoss part = model_.member(m).loss(ctx, own);
      total.loss = total.loss.defined() ? ops::add(ctx.tape, total.loss, part.loss) : part.loss;
      total.nll_sum += part.nll_sum;
      total.tokens += static_cast<int64_t>(own.classes.size());
      ++learning;
    }
    total.loss = ops::scale(ctx.tape, total.loss, 1 / static_cast<double>(learning));
    return total;
  }

  train::Evaluation evaluate() override {
    const ClassAnswers answers{dev_logits(), dev_classes_};
    const int64_t num_classes = model_.parts().labels.size();
    const double temperature = train::fit_temperature(answers.logits, answers.wanted, num_classes);
    model_.set_temperature(temperature);
    train::Evaluation e;
    e.metrics = score_of(answers, num_classes, temperature);
    e.metrics["temperature"] = temperature;
    e.metrics["negative_log_likelihood"] = mean_nll(answers, num_classes, temperature);
    e.metric = weights_.empty() ? "accuracy" : "macro_f1";
    e.tie_metric = "negative_log_likelihood";
    e.lower_is_better = false;
    e.value = e.metrics.at(e.metric);
    return e;
  }

  train::Baseline baseline() override { return class_baseline(model_.parts().labels, dev_classes_); }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    const auto places = batcher_.batch(epoch, batch);
    return fmt::format("{}, the first {}", counted(static_cast<int64_t>(places.size()), "sequence"),
                       sets_.train[static_cast<size_t>(places.front())].name);
  }

 private:
  /// The examples of a batch at this step's speeds.
  FrameExamples stretch(nn::Context& ctx, int64_t epoch, int64_t batch) {
    const profile::Scope scope(profile::Part::data);
    const double most = model_.parts().options.frames.time_stretch;
    const int64_t width = model_.parts().scaling.width();
    Rng rng(ctx.seed, ctx.next_stream());
    FrameExamples examples;
    for (const int64_t i : batcher_.batch(epoch, batch)) {
      examples.push_back(sets_.train[static_cast<size_t>(i)]);
      if (most == 0) continue;
      data::FrameExample& e = examples.back();
      e.values = data::stretched(e.values, width, 1 + most * (2 * static_cast<double>(rng.uniform()) - 1));
    }
    return examples;
  }

  /// What a member learns from of a batch.
  nn::ClassifierBatch batch_of(const FrameExamples& examples, int64_t epoch, int64_t batch, int64_t member) {
    nn::ClassifierBatch own;
    own.class_weights = weights_;
    std::vector<std::span<const float>> sequences;
    const auto places = batcher_.batch(epoch, batch);
    for (size_t k = 0; k < places.size(); ++k) {
      const auto i = static_cast<size_t>(places[k]);
      if (!sets_.parts.empty() && sets_.parts[i] == member) continue;
      sequences.emplace_back(examples[k].values);
      own.classes.push_back(static_cast<int32_t>(classes_[i]));
    }
    if (!sequences.empty()) own.frames = nn::FrameBatch::of(sequences, model_.parts().scaling.width());
    return own;
  }

  std::vector<float> dev_logits() {
    std::vector<const data::FrameExample*> dev;
    if (sets_.parts.empty()) {
      for (const data::FrameExample& e : sets_.dev) dev.push_back(&e);
      return model_.logits(dev);
    }
    const auto width = static_cast<size_t>(model_.parts().labels.size());
    std::vector<float> all(sets_.train.size() * width);
    for (int64_t m = 0; m < model_.members(); ++m) {
      std::vector<size_t> places;
      dev.clear();
      for (size_t i = 0; i < sets_.train.size(); ++i)
        if (sets_.parts[i] == m) {
          places.push_back(i);
          dev.push_back(&sets_.train[i]);
        }
      if (dev.empty()) continue;
      const std::vector<float> part = model_.member_logits(model_.member(m), dev);
      for (size_t k = 0; k < places.size(); ++k)
        std::copy_n(part.data() + k * width, width, all.data() + places[k] * width);
    }
    return all;
  }

  FrameModel& model_;
  FrameSets sets_;
  std::vector<int64_t> classes_, dev_classes_;
  data::Batcher batcher_;
  std::vector<double> weights_;  ///< by label; empty: all 1
};

}  // namespace

std::unique_ptr<train::Objective> make_frames_objective(FrameModel& model, FrameSets sets) {
  return std::make_unique<FramesObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
