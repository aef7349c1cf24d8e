#include "carousel/tasks/seq2seq_stepper.h"

#include <algorithm>
#include <cstring>

#include "carousel/autograd/ops/copy.h"
#include "carousel/autograd/parallel.h"

namespace carousel::tasks {

namespace {

/// Rows parents[i] of x; x itself when that is all of them in order.
Tensor take_rows(const Tensor& x, std::span<const int64_t> parents) {
  bool same = static_cast<int64_t>(parents.size()) == x.dim(0);
  for (size_t i = 0; same && i < parents.size(); ++i) same = parents[i] == static_cast<int64_t>(i);
  if (same) return x;
  const int64_t width = x.dim(1);
  Tensor y = Tensor::empty({static_cast<int64_t>(parents.size()), width});
  for (size_t i = 0; i < parents.size(); ++i)
    std::memcpy(y.data<float>() + static_cast<int64_t>(i) * width, x.data<float>() + parents[i] * width,
                sizeof(float) * static_cast<size_t>(width));
  return y;
}

nn::Context listened_to(nn::Recorder* recorder) {
  nn::Context ctx;
  ctx.recorder = recorder;
  return ctx;
}

}  // namespace

Seq2SeqStepper::Seq2SeqStepper(nn::Seq2Seq& model, const std::vector<std::vector<int32_t>>& sources,
                               const std::vector<std::vector<int32_t>>& copies, nn::Recorder* recorder)
    : model_(model),
      ctx_(listened_to(recorder)),
      encoded_(model.encode(ctx_, sources)),
      vocab_size_(model.vocabularies().target_size) {
  if (!model.copies()) return;
  for (const auto& symbols : copies) symbols_.insert(symbols_.end(), symbols.begin(), symbols.end());
  for (const int32_t symbol : symbols_) vocab_size_ = std::max<int64_t>(vocab_size_, symbol + 1);
}

Seq2SeqStepper::Seq2SeqStepper(nn::Seq2Seq& model, const nn::FrameBatch& frames, nn::Recorder* recorder)
    : model_(model),
      ctx_(listened_to(recorder)),
      encoded_(model.encode(ctx_, frames)),
      vocab_size_(model.vocabularies().target_size) {}

void Seq2SeqStepper::start() {
  state_.states.clear();
  for (const Var& state : encoded_.input.initial) state_.states.push_back(state.value());
  state_.context = Tensor::zeros({encoded_.num_sources, model_.state_width()});
  spans_ = encoded_.input.sources;
}

void Seq2SeqStepper::step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) {
  for (Tensor& state : state_.states) state = take_rows(state, parents);
  state_.context = take_rows(state_.context, parents);
  std::vector<nn::SourceSpan> spans;
  spans.reserve(parents.size());
  for (const int64_t parent : parents) spans.push_back(spans_[static_cast<size_t>(parent)]);
  spans_ = std::move(spans);
  Tensor gate;
  const Tensor logits = model_.step(ctx_, encoded_, spans_, tokens, state_, &attention_, &gate);
  const auto own = static_cast<size_t>(model_.vocabularies().target_size), all = static_cast<size_t>(vocab_size_);
  offsets_ = {0};
  for (const nn::SourceSpan& span : spans_) offsets_.push_back(offsets_.back() + static_cast<size_t>(span.len));
  parallel_for(static_cast<int64_t>(parents.size()), vocab_size_ * 8, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const float* row = logits.data<float>() + i * own;
      if (!model_.copies()) {
        kernels::table<float>().log_softmax(vocab_size_, row, log_probs + i * all);
        continue;
      }
      const std::span<const int32_t> symbols(symbols_.data() + spans_[i].begin, static_cast<size_t>(spans_[i].len));
      ops::copy_log_probs<float>({row, own}, gate.data<float>()[i], symbols, attention_.data<float>() + offsets_[i],
                                 {log_probs + i * all, all});
    }
  });
}

std::span<const float> Seq2SeqStepper::attention_of(int64_t row) const {
  if (model_.config().attention == "none") return {};
  const auto at = static_cast<size_t>(row);
  return {attention_.data<float>() + offsets_[at], offsets_[at + 1] - offsets_[at]};
}

std::vector<float> attention_of(Seq2SeqStepper& stepper, const std::vector<int32_t>& output) {
  stepper.start();
  std::vector<float> log_probs(static_cast<size_t>(stepper.vocab_size())), weights;
  const int64_t parent = 0;
  int32_t token = stepper.bos();
  for (size_t t = 0; t <= output.size(); ++t) {
    stepper.step({&parent, 1}, {&token, 1}, log_probs.data());
    const auto row = stepper.attention().span<float>();
    weights.insert(weights.end(), row.begin(), row.end());
    if (t < output.size()) token = output[t];
  }
  return weights;
}

}  // namespace carousel::tasks
