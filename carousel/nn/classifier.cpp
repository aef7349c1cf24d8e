#include "carousel/nn/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// Small: most words of a vocabulary are seen a few times and never move far from where they begin, and what they say
/// shall be little then.
constexpr double kEmbeddingDeviation = 0.1;

/// Checked before the stack is built; a dropout that nobody chose is none.
StackConfig stack_config(const ClassifierConfig& config) {
  if (config.embedding_size < 1)
    throw ConfigError(
        fmt::format("[classifier] embedding_size must be at least 1; got {}. Set it.", config.embedding_size));
  StackConfig stack = config.stack;
  stack.dropout = std::max(0.0, stack.dropout);
  return stack;
}

}  // namespace

void ClassifierConfig::options(OptionTable& table) {
  stack.options(table);
  for (Option& row : table.rows()) {
    if (row.name == "bidirectional") row.help = "Each layer reads the text in both directions.";
    if (row.name == "dropout") {
      row.help = "Probability on embeddings, between layers and before the output.";
      row.automatic();
    }
  }
  table.add("embedding_size", &embedding_size, "Width of a symbol's embedding.").range(1, 65536).automatic();
  table
      .add("pooling", &pooling,
           "What of the states of all steps is looked at: the last, their mean, the largest of each unit, or a learnt "
           "average.")
      .one_of(pooling_names());
  table.add("label_smoothing", &label_smoothing, "Share of the target probability spread over all labels.")
      .range(0, 0.9);
  table
      .add("symbol_dropout", &symbol_dropout,
           "Probability that training reads a symbol as an unknown one, so that those that come with new texts are "
           "nothing new.")
      .range(0, 0.95)
      .automatic();
  noise.options(table);
}

Classifier::Classifier(const ClassifierConfig& config, const Sizes& sizes, uint64_t seed)
    : config_(config), sizes_(sizes), stack_(stack_config(config), config.embedding_size, seed) {
  config_.stack.cell = stack_.cell().options();
  const int64_t width = stack_.output_size();
  if (sizes.frame_size > 0) {
    embedding_ = parameter("projection.weight", glorot_init(config.embedding_size, sizes.frame_size, Rng(seed, 1)));
    projection_bias_ = parameter("projection.bias", Tensor::zeros({config.embedding_size}));
  } else {
    embedding_ = parameter("embedding.weight",
                           normal_init({sizes.vocab_size, config.embedding_size}, kEmbeddingDeviation, Rng(seed, 1)));
  }
  child("rnn", stack_);
  pooling_ = std::make_unique<Pooling>(config.pooling, width, seed);
  child("pooling", *pooling_);
  weight_ = parameter("output.weight", glorot_init(sizes.num_classes, width, Rng(seed, 2)));
  bias_ = parameter("output.bias", Tensor::zeros({sizes.num_classes}));
  temperature_ = parameter("temperature", Tensor::full({1}, 1));
  trust_ = parameter("trust", Tensor::zeros({1}));
}

Var Classifier::drop(Context& ctx, const Var& x) const {
  const uint64_t stream = ctx.next_stream();
  return ctx.training ? ops::dropout(ctx.tape, x, std::max(0.0, config_.stack.dropout), ctx.seed, stream) : x;
}

std::vector<int32_t> Classifier::packed_ids(Context& ctx, const Packing& packing,
                                            const std::vector<std::vector<int32_t>>& sequences) const {
  std::vector<int32_t> ids = packing.pack(sequences);
  Rng rng(ctx.seed, ctx.next_stream());
  if (ctx.training && config_.symbol_dropout > 0)
    for (int32_t& id : ids)
      if (static_cast<double>(rng.uniform()) < config_.symbol_dropout) id = sizes_.unk;
  return ids;
}

Var Classifier::forward(Context& ctx, const std::vector<std::vector<int32_t>>& sequences) {
  const Packing packing = Packing::of(sequences);
  return answer(ctx, packing, ops::embedding(ctx.tape, packed_ids(ctx, packing, sequences), embedding_));
}

Var Classifier::forward(Context& ctx, const FrameBatch& frames) {
  const Var noisy(add_noise(ctx, frames, config_.noise));
  return answer(ctx, frames.packing, ops::linear(ctx.tape, noisy, embedding_, projection_bias_));
}

Var Classifier::answer(Context& ctx, const Packing& packing, const Var& embedded) {
  const Var y = stack_.forward(ctx, packing, drop(ctx, embedded)).y;
  const Var last = config_.pooling == "last" ? stack_.last(ctx.tape, packing, y) : Var();
  return ops::linear(ctx.tape, drop(ctx, pooling_->forward(ctx, packing, y, last)), weight_, bias_);
}

ClassifierLoss Classifier::loss(Context& ctx, const ClassifierBatch& batch) {
  ops::require_equal(
      "classifier", "the number of classes", static_cast<int64_t>(batch.classes.size()),
      sizes_.frame_size > 0 ? batch.frames.packing.batch_size() : static_cast<int64_t>(batch.sequences.size()));
  const Var logits = sizes_.frame_size > 0 ? forward(ctx, batch.frames) : forward(ctx, batch.sequences);
  ClassifierLoss result;
  if (batch.class_weights.empty()) {
    const ops::CrossEntropy entropy = ops::cross_entropy(ctx.tape, logits, batch.classes, config_.label_smoothing);
    return {entropy.loss, entropy.nll_sum};
  }
  // The rows of each class share a weight: a mean over them, and then one over the classes.
  std::map<int32_t, std::vector<int64_t>> rows_of;
  double total = 0;
  for (size_t i = 0; i < batch.classes.size(); ++i) {
    rows_of[batch.classes[i]].push_back(static_cast<int64_t>(i));
    total += batch.class_weights.at(static_cast<size_t>(batch.classes[i]));
  }
  for (auto& [id, rows] : rows_of) {
    const double share = batch.class_weights[static_cast<size_t>(id)] * static_cast<double>(rows.size()) / total;
    const std::vector<int32_t> same(rows.size(), id);
    const ops::CrossEntropy part = ops::cross_entropy(ctx.tape, ops::gather_rows(ctx.tape, logits, std::move(rows)),
                                                      same, config_.label_smoothing);
    result.nll_sum += part.nll_sum;
    const Var weighted = ops::scale(ctx.tape, part.loss, share);
    result.loss = result.loss.defined() ? ops::add(ctx.tape, result.loss, weighted) : weighted;
  }
  return result;
}

}  // namespace carousel::nn
