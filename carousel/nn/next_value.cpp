#include "carousel/nn/next_value.h"

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

NextValue::NextValue(const StackConfig& config, int64_t features, uint64_t seed)
    : features_(features), stack_(config, features, seed) {
  stack_.require_streaming();
  child("rnn", stack_);
  weight_ = parameter("output.weight", glorot_init(1, stack_.output_size(), Rng(seed, 1)));
  bias_ = parameter("output.bias", Tensor::zeros({1}));
}

Var NextValue::forward(Context& ctx, const Packing& packing, const Var& x) {
  return ops::linear(ctx.tape, stack_.forward(ctx, packing, x).y, weight_, bias_);
}

StreamNetwork NextValue::stream_network() const {
  StreamNetwork network;
  network.input_size = features_;
  network.stack = &stack_;
  network.linear = {{weight_, bias_}};
  return network;
}

SequenceAutoencoder::SequenceAutoencoder(const StackConfig& config, int64_t code_size, uint64_t seed)
    : encoder_(config, 1, mix(seed, 2), "encoder."), decoder_(config, code_size, mix(seed, 3), "decoder.") {
  child("encoder", encoder_);
  code_weight_ = parameter("code.weight", glorot_init(code_size, encoder_.output_size(), Rng(seed, 4)));
  code_bias_ = parameter("code.bias", Tensor::zeros({code_size}));
  child("decoder", decoder_);
  weight_ = parameter("output.weight", glorot_init(1, decoder_.output_size(), Rng(seed, 5)));
  bias_ = parameter("output.bias", Tensor::zeros({1}));
}

Var SequenceAutoencoder::forward(Context& ctx, const Tensor& windows) {
  const int64_t batch = windows.dim(0), steps = windows.dim(1);
  const Packing packing = Packing::make(std::vector<int64_t>(static_cast<size_t>(batch), steps));
  Tensor x = Tensor::empty({packing.rows(), 1});
  for (int64_t t = 0; t < steps; ++t)
    for (int64_t b = 0; b < batch; ++b) x.data<float>()[t * batch + b] = windows.data<float>()[b * steps + t];
  const Var last = encoder_.last(ctx.tape, packing, encoder_.forward(ctx, packing, Var(x)).y);
  const Var code = ops::tanh(ctx.tape, ops::linear(ctx.tape, last, code_weight_, code_bias_));
  std::vector<int64_t> index(static_cast<size_t>(packing.rows()));
  for (size_t i = 0; i < index.size(); ++i) index[i] = static_cast<int64_t>(i) % batch;
  const Var read = ops::gather_rows(ctx.tape, code, std::move(index));
  const Var told = ops::linear(ctx.tape, decoder_.forward(ctx, packing, read).y, weight_, bias_);
  // [steps * B, 1], step after step -> [B, steps]
  std::vector<int64_t> turned(static_cast<size_t>(packing.rows()));
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t t = 0; t < steps; ++t) turned[static_cast<size_t>(b * steps + t)] = t * batch + b;
  return ops::reshape(ctx.tape, ops::gather_rows(ctx.tape, told, std::move(turned)), Shape({batch, steps}));
}

}  // namespace carousel::nn
