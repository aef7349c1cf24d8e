#include "carousel/nn/sequence_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/functions.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

int64_t embedding_width(const SequenceModelConfig& config) {
  return config.input_size > 0 ? config.input_size : config.stack.widths().front();
}

/// For each packed row the index of its step in the caller's order, sequence after sequence.
std::vector<int64_t> caller_rows(const Packing& packing, const std::vector<int64_t>& lengths) {
  std::vector<int64_t> start{0}, rows;
  for (const int64_t length : lengths) start.push_back(start.back() + length);
  rows.reserve(static_cast<size_t>(packing.rows()));
  for (int64_t t = 0; t < packing.seq_len(); ++t)
    for (int64_t j = 0; j < packing.batch_sizes[static_cast<size_t>(t)]; ++j)
      rows.push_back(start[static_cast<size_t>(packing.order[static_cast<size_t>(j)])] + t);
  return rows;
}

std::vector<int64_t> inverse(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> back(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) back[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return back;
}

/// x under another shape of as many elements.
Var reshape(Tape* tape, const Var& x, const Shape& shape) {
  Var y(x.value().reshape(shape));
  if (needs_tape(tape, {&x}))
    tape->record({y}, {x}, [x, y]() { x.add_grad(y.grad().reshape(x.value().shape()).clone()); });
  return y;
}

}  // namespace

SequenceModel::SequenceModel(const SequenceModelConfig& config, uint64_t seed)
    : config_(config), stack_(config.stack, embedding_width(config), seed) {
  if (config.outputs < 1 || config.heads < 1)
    throw ConfigError(fmt::format("[sequence model] outputs and heads must be at least 1; got {} and {}. Set them.",
                                  config.outputs, config.heads));
  config_.input_size = embedding_width(config);
  if (config.vocab_size > 0)
    embedding_ =
        parameter("embedding.weight", normal_init({config.vocab_size, config_.input_size}, 1.0, Rng(seed, 30)));
  child("stack", stack_);
  const int64_t width = stack_.output_size(), answers = config.heads * config.outputs;
  if (!at_each_step()) {
    pooling_ = std::make_unique<Pooling>(config.pooling, width, seed);
    child("pooling", *pooling_);
  }
  weight_ = parameter("output.weight", glorot_init(answers, width, Rng(seed, 31)));
  bias_ = parameter("output.bias", Tensor::zeros({answers}));
}

Var SequenceModel::input(Context& ctx, const SequenceBatch& batch, const Packing& packing,
                         const std::vector<int64_t>& rows) const {
  if (!embedding_.defined()) {
    ops::require_rank("sequence model", "frames", batch.frames, 2);
    ops::require_equal("sequence model", "the rows of frames (sum of lengths)", batch.frames.dim(0), packing.rows());
    ops::require_equal("sequence model", "the columns of frames (input_size)", batch.frames.dim(1), config_.input_size);
    return ops::gather_rows(nullptr, Var(batch.frames), rows);
  }
  ops::require_equal("sequence model", "the number of ids (sum of lengths)", static_cast<int64_t>(batch.ids.size()),
                     packing.rows());
  std::vector<int32_t> ids;
  ids.reserve(rows.size());
  for (const int64_t row : rows) ids.push_back(batch.ids[static_cast<size_t>(row)]);
  return ops::embedding(ctx.tape, ids, embedding_);
}

Var SequenceModel::forward(Context& ctx, const SequenceBatch& batch, StackState* state) {
  const Packing packing = Packing::make(batch.lengths);
  const std::vector<int64_t> rows = caller_rows(packing, batch.lengths);
  if (state) stack_.require_streaming();
  const RecurrentStack::Output out =
      stack_.forward(ctx, packing, input(ctx, batch, packing, rows), state && !state->empty() ? state : nullptr);
  if (state) *state = RecurrentStack::final_state(packing, out);
  const Var features = pooling_ ? pooling_->forward(ctx, packing, out.y, stack_.last(ctx.tape, packing, out.y)) : out.y;
  const Var answers = ops::linear(ctx.tape, features, weight_, bias_);
  return pooling_ ? answers : ops::gather_rows(ctx.tape, answers, inverse(rows));
}

StreamNetwork SequenceModel::stream_network() const {
  if (!at_each_step() && config_.pooling != "last")
    throw UnsupportedError(
        fmt::format("[sequence model] a stream keeps the last state alone, and pooling = {} looks at all of them; got "
                    "such a model. Train with pooling = last or none.",
                    config_.pooling));
  return {embedding_, config_.input_size, &stack_, {{weight_, bias_}}};
}

SequenceLoss SequenceModel::loss(Context& ctx, const SequenceBatch& batch, const Var& answers) const {
  SequenceLoss result;
  const int64_t places = answers.value().dim(0);
  if (!config_.classes) {
    ops::require_rank("sequence model", "values", batch.values, 2);
    const Var error = ops::sub(ctx.tape, answers, Var(batch.values.to(answers.value().dtype())));
    const Var sum = ops::sum(ctx.tape, ops::mul(ctx.tape, error, error));
    result.count = answers.value().numel();
    result.sum = sum.value().item();
    result.loss = ops::scale(ctx.tape, sum, 1.0 / static_cast<double>(std::max<int64_t>(result.count, 1)));
    return result;
  }
  ops::require_equal("sequence model", "the number of classes (places times heads)",
                     static_cast<int64_t>(batch.classes.size()), places * config_.heads);
  std::vector<int64_t> asked;
  std::vector<int32_t> wanted;
  for (size_t i = 0; i < batch.classes.size(); ++i) {
    if (batch.classes[i] < 0) continue;
    asked.push_back(static_cast<int64_t>(i));
    wanted.push_back(batch.classes[i]);
  }
  const Var each = reshape(ctx.tape, answers, {places * config_.heads, config_.outputs});
  const Var logits = ops::gather_rows(ctx.tape, each, std::move(asked));
  const ops::CrossEntropy entropy = ops::cross_entropy(ctx.tape, logits, wanted, 0, true);
  result.loss = entropy.loss;
  result.sum = entropy.nll_sum;
  result.count = static_cast<int64_t>(wanted.size());
  result.correct = entropy.correct;
  return result;
}

}  // namespace carousel::nn
