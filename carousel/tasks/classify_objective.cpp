#include "carousel/tasks/classify_objective.h"

#include <cmath>
#include <utility>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/base/profile.h"
#include "carousel/data/batcher.h"
#include "carousel/train/classification.h"

namespace carousel::tasks {

namespace {

constexpr size_t kMaxDevTexts = 4000;  ///< looked at in each evaluation

std::vector<std::vector<int32_t>> cut(const ClassifyModel& model, std::vector<std::vector<int32_t>> texts) {
  for (auto& ids : texts) ids = model.cut(std::move(ids));
  return texts;
}

std::vector<int64_t> lengths_of(const std::vector<std::vector<int32_t>>& texts) {
  std::vector<int64_t> lengths;
  lengths.reserve(texts.size());
  for (const auto& text : texts) lengths.push_back(static_cast<int64_t>(text.size()));
  return lengths;
}

std::vector<int64_t> numbers_of(const Labels& labels, const data::PairData& data, const std::vector<int64_t>& indices) {
  std::vector<std::string_view> names;
  for (const int64_t i : indices) names.emplace_back(data.examples[static_cast<size_t>(i)].target);
  return tasks::numbers_of(labels, names);
}

class ClassifyObjective final : public train::Objective {
 public:
  ClassifyObjective(ClassifyModel& model, LabelSets sets)
      : model_(model),
        sets_(std::move(sets)),
        labels_(numbers_of(model.parts().labels, sets_.train_data, sets_.train)),
        texts_(cut(model, std::move(sets_.train_ids))),
        batcher_(lengths_of(texts_), std::vector<int64_t>(texts_.size(), 1),
                 {.batch_size = model.parts().options.batch_size},
                 static_cast<uint64_t>(model.parts().options.trainer.seed)) {
    dev_texts_ = std::move(sets_.dev_ids);
    dev_labels_ = numbers_of(model_.parts().labels, sets_.dev_data, sets_.dev);
    take_even_sample();
    dev_opinions_ = model_.opinions(dev_texts_);
    if (model_.parts().options.class_weights == "balanced") weights_ = balanced_weights(model_.parts().labels);
  }

  nn::Module& module() override { return model_.module(); }
  int64_t num_batches(int64_t epoch) override { return batcher_.num_batches(epoch); }

  train::BatchLoss loss(nn::Context& ctx, int64_t epoch, int64_t batch, const train::StepInfo&) override {
    const nn::ClassifierBatch texts = texts_of(epoch, batch);
    const auto members = static_cast<double>(model_.members());
    nn::ClassifierLoss total = model_.network().loss(ctx, texts);
    for (int64_t m = 1; m < model_.members(); ++m) {
      const nn::ClassifierLoss part = model_.member(m).loss(ctx, texts);
      total.loss = ops::add(ctx.tape, total.loss, part.loss);
      total.nll_sum += part.nll_sum;
    }
    if (members > 1) total.loss = ops::scale(ctx.tape, total.loss, 1 / members);
    return {total.loss, total.nll_sum / members, static_cast<int64_t>(texts.classes.size())};
  }

  train::Evaluation evaluate() override {
    ClassAnswers answers{model_.network_logits(dev_texts_), dev_labels_};
    const train::Blend blend =
        train::fit_blend(answers.logits, dev_opinions_, answers.wanted, model_.parts().labels.size());
    model_.network().set_temperature(blend.temperature);
    model_.network().set_trust(blend.trust);
    train::add_opinions(answers.logits, dev_opinions_, blend.trust);
    train::Evaluation e;
    e.metrics = score_of(answers, model_.parts().labels.size(), blend.temperature);
    e.metrics["temperature"] = blend.temperature;
    e.metrics["trust"] = blend.trust;
    // Weights are balanced by those who care for rare labels.
    e.metric = weights_.empty() ? "accuracy" : "macro_f1";
    e.lower_is_better = false;
    e.value = e.metrics.at(e.metric);
    return e;
  }

  train::Baseline baseline() override { return class_baseline(model_.parts().labels, dev_labels_); }

  std::string describe_batch(int64_t epoch, int64_t batch) override {
    std::vector<int64_t> indices;
    for (const int64_t i : batcher_.batch(epoch, batch)) indices.push_back(sets_.train[static_cast<size_t>(i)]);
    return data::describe_examples(sets_.train_data, indices);
  }

 private:
  nn::ClassifierBatch texts_of(int64_t epoch, int64_t batch) {
    const profile::Scope scope(profile::Part::data);
    nn::ClassifierBatch texts;
    texts.class_weights = weights_;
    for (const int64_t i : batcher_.batch(epoch, batch)) {
      texts.sequences.push_back(texts_[static_cast<size_t>(i)]);
      texts.classes.push_back(static_cast<int32_t>(labels_[static_cast<size_t>(i)]));
    }
    return texts;
  }

  /// The texts are in the order of the file.
  void take_even_sample() {
    if (dev_texts_.size() <= kMaxDevTexts) return;
    for (size_t k = 0; k < kMaxDevTexts; ++k) {
      const size_t from = k * dev_texts_.size() / kMaxDevTexts;
      if (from != k) dev_texts_[k] = std::move(dev_texts_[from]);
      dev_labels_[k] = dev_labels_[from];
    }
    dev_texts_.resize(kMaxDevTexts);
    dev_labels_.resize(kMaxDevTexts);
  }

  ClassifyModel& model_;
  LabelSets sets_;
  std::vector<int64_t> labels_;
  std::vector<std::vector<int32_t>> texts_;
  data::Batcher batcher_;
  std::vector<std::vector<int32_t>> dev_texts_;
  std::vector<int64_t> dev_labels_;
  std::vector<float> dev_opinions_;  ///< [dev texts, num_classes], or nothing
  std::vector<double> weights_;      ///< by label; empty: all 1
};

}  // namespace

std::unique_ptr<train::Objective> make_classify_objective(ClassifyModel& model, LabelSets sets) {
  return std::make_unique<ClassifyObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
