#include "carousel/tasks/language_model_objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "carousel/base/profile.h"
#include "carousel/data/stream_batcher.h"

namespace carousel::tasks {

namespace {

constexpr int64_t kDevStreams = 16;
constexpr int64_t kMaxDevSymbols = 400000;  ///< looked at in each evaluation

class LanguageModelObjective final : public train::Objective {
 public:
  LanguageModelObjective(LanguageModelTask& model, TextSets sets)
      : model_(model),
        sets_(std::move(sets)),
        batcher_(sets_.train.size(), model.parts().options.batch_size, model.parts().options.bptt) {
    if (sets_.dev.size() > kMaxDevSymbols) {
      sets_.dev.characters =
          static_cast<int64_t>(static_cast<double>(sets_.dev.characters) * static_cast<double>(kMaxDevSymbols) /
                               static_cast<double>(sets_.dev.size()));
      sets_.dev.ids.truncate(kMaxDevSymbols);
    }
    const nn::LanguageState zero = model_.network().begin_state(batcher_.batch_size());
    for (const auto& layer : zero.stack)
      for (const Tensor& t : layer.front()) carried_.push_back(t);
    recent_ = Tensor::zeros({static_cast<int64_t>(zero.recent.size())}, DType::i32);
    reset();
  }

  nn::Module& module() override { return model_.module(); }
  int64_t num_batches(int64_t) override { return batcher_.num_batches(); }

  train::BatchLoss loss(nn::Context& ctx, int64_t, int64_t batch, const train::StepInfo&) override {
    if (batch == 0 || !model_.parts().options.carry_state) reset();
    std::vector<int32_t> inputs, targets;
    {
      const profile::Scope scope(profile::Part::data);
      batcher_.fill(sets_.train.ids, batch, inputs, targets);
    }
    nn::LanguageState state = load_state();
    const ops::CrossEntropy ce = model_.network().loss(ctx, inputs, targets, batcher_.batch_size(), state);
    keep_state(state);
    return {ce.loss, ce.nll_sum, static_cast<int64_t>(targets.size())};
  }

  /// The state between batches: a resumed run must go on from it.
  std::vector<NamedTensor> carried() override {
    std::vector<NamedTensor> named;
    for (size_t i = 0; i < carried_.size(); ++i) named.push_back({fmt::format("state.{}", i), carried_[i]});
    if (recent_.numel() > 0) named.push_back({"recent", recent_});
    return named;
  }

  train::Evaluation evaluate() override {
    train::Evaluation e;
    const TextScore score = model_.score(sets_.dev.ids, std::clamp<int64_t>(sets_.dev.size() / 500, 1, kDevStreams));
    const double share = static_cast<double>(score.symbols) / static_cast<double>(sets_.dev.size());
    e.metrics = score.metrics(static_cast<int64_t>(static_cast<double>(sets_.dev.characters) * share));
    e.metric = "perplexity";
    e.value = e.metrics.at(e.metric);
    return e;
  }

  train::Baseline baseline() override { return model_.baseline(sets_.dev); }

  std::string describe_batch(int64_t, int64_t batch) override {
    std::string lines;
    const int64_t streams = batcher_.batch_size();
    for (int64_t b = 0; b < std::min<int64_t>(streams, 3); ++b) {
      const int64_t begin = batcher_.begin(batch, b), end = begin + batcher_.steps(batch) - 1;
      lines += fmt::format("{}{}-{}", b > 0 ? ", " : "", sets_.train.line_of(begin), sets_.train.line_of(end));
    }
    if (streams > 3) lines += fmt::format(" (+{} more streams)", streams - 3);
    return fmt::format("{} lines {}", sets_.file, lines);
  }

 private:
  void reset() {
    for (Tensor& t : carried_) t.fill(0);
    std::fill_n(recent_.data<int32_t>(), recent_.numel(), data::Vocabulary::kEos);
  }

  nn::LanguageState load_state() const {
    nn::LanguageState state;
    size_t next = 0;
    if (!model_.network().is_window())
      for (int64_t l = 0; l < model_.network().stack()->num_layers(); ++l) {
        std::vector<Tensor> states;
        for (int64_t s = 0; s < model_.network().stack()->cell().num_states(); ++s) states.push_back(carried_[next++]);
        state.stack.push_back({std::move(states)});
      }
    const auto recent = recent_.span<int32_t>();
    state.recent.assign(recent.begin(), recent.end());
    return state;
  }

  void keep_state(const nn::LanguageState& state) {
    size_t next = 0;
    for (const auto& layer : state.stack)
      for (const Tensor& t : layer.front())
        std::memcpy(carried_[next++].raw(), t.raw(), static_cast<size_t>(t.nbytes()));
    std::copy(state.recent.begin(), state.recent.end(), recent_.data<int32_t>());
  }

  LanguageModelTask& model_;
  TextSets sets_;
  data::StreamBatcher batcher_;
  std::vector<Tensor> carried_;  ///< by layer and state, [batch_size, width] each
  Tensor recent_;                ///< [window - 1, batch_size] symbols
};

}  // namespace

std::unique_ptr<train::Objective> make_language_model_objective(LanguageModelTask& model, TextSets sets) {
  return std::make_unique<LanguageModelObjective>(model, std::move(sets));
}

}  // namespace carousel::tasks
