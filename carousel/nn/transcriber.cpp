#include "carousel/nn/transcriber.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/ctc.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/base/error.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// Checked before the stack is built.
StackConfig stack_config(const TranscriberConfig& config, int64_t frame_size, int64_t vocab_size) {
  if (config.embedding_size < 1 || frame_size < 1 || vocab_size < 2)
    throw ConfigError(
        fmt::format("[transcriber] frames, their projection and the symbols, blank included, must have sizes from 1, 1 "
                    "and 2 on; got {}, {} and {}. Set embedding_size, or check the data.",
                    frame_size, config.embedding_size, vocab_size));
  return config.stack;
}

}  // namespace

void TranscriberConfig::options(OptionTable& table) {
  stack.options(table);
  table.add("embedding_size", &embedding_size, "Width that frames are projected to.").range(1, 65536).automatic();
  noise.options(table);
}

Transcriber::Transcriber(const TranscriberConfig& config, int64_t frame_size, int64_t vocab_size, uint64_t seed)
    : config_(config), stack_(stack_config(config, frame_size, vocab_size), config.embedding_size, seed) {
  config_.stack.cell = stack_.cell().options();
  projection_ = parameter("projection.weight", glorot_init(config.embedding_size, frame_size, Rng(seed, 1)));
  projection_bias_ = parameter("projection.bias", Tensor::zeros({config.embedding_size}));
  child("rnn", stack_);
  weight_ = parameter("output.weight", glorot_init(vocab_size, stack_.output_size(), Rng(seed, 2)));
  bias_ = parameter("output.bias", Tensor::zeros({vocab_size}));
}

Var Transcriber::drop(Context& ctx, const Var& x) const {
  const uint64_t stream = ctx.next_stream();
  return ctx.training ? ops::dropout(ctx.tape, x, config_.stack.dropout, ctx.seed, stream) : x;
}

Var Transcriber::forward(Context& ctx, const FrameBatch& frames) {
  const Var noisy(add_noise(ctx, frames, config_.noise));
  const Var projected = drop(ctx, ops::linear(ctx.tape, noisy, projection_, projection_bias_));
  const Var y = stack_.forward(ctx, frames.packing, projected).y;
  return ops::linear(ctx.tape, drop(ctx, y), weight_, bias_);
}

std::vector<std::vector<float>> Transcriber::log_probs(Context& ctx, const FrameBatch& frames) {
  const Tensor logits = forward(ctx, frames).value();
  const int64_t width = logits.dim(1);
  const Packing& packing = frames.packing;
  std::vector<std::vector<float>> all(static_cast<size_t>(packing.batch_size()));
  for (int64_t j = 0; j < packing.batch_size(); ++j) {
    const auto place = static_cast<size_t>(j);
    std::vector<float>& rows = all[static_cast<size_t>(packing.order[place])];
    for (int64_t t = 0; t < packing.lengths[place]; ++t) {
      const float* row = logits.data<float>() + packing.row(t, j) * width;
      const auto largest = static_cast<double>(*std::max_element(row, row + width));
      double total = 0;
      for (int64_t k = 0; k < width; ++k) total += std::exp(static_cast<double>(row[k]) - largest);
      for (int64_t k = 0; k < width; ++k)
        rows.push_back(static_cast<float>(static_cast<double>(row[k]) - largest - std::log(total)));
    }
  }
  return all;
}

TranscriberLoss Transcriber::loss(Context& ctx, const FrameBatch& frames,
                                  const std::vector<std::vector<int32_t>>& targets) {
  const ops::CrossEntropy ctc = ops::ctc_loss(ctx.tape, frames.packing, forward(ctx, frames), targets, kBlank);
  return {ctc.loss, ctc.nll_sum};
}

}  // namespace carousel::nn
