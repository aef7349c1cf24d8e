#include "carousel/tasks/seq2seq_stepper.h"

#include <cstring>

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
                               nn::Recorder* recorder)
    : model_(model), ctx_(listened_to(recorder)), encoded_(model.encode(ctx_, sources)) {}

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
  const Tensor logits = model_.step(ctx_, encoded_, spans_, tokens, state_, &attention_);
  const int64_t vocab = vocab_size();
  parallel_for(static_cast<int64_t>(parents.size()), vocab * 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      kernels::table<float>().log_softmax(vocab, logits.data<float>() + i * vocab, log_probs + i * vocab);
  });
}

}  // namespace carousel::tasks
