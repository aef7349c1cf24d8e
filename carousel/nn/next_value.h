// What comes next at each step of a sequence, and how well a piece of it can be told again from a few numbers: the two
// networks of the detection of anomalies.
#pragma once

#include <cstdint>
#include <memory>

#include "carousel/nn/module.h"
#include "carousel/nn/stack.h"
#include "carousel/nn/stream.h"

namespace carousel::nn {

/// Frames -> recurrent stack -> one number behind each: the value that is expected next (Malhotra et al. 2015, "LSTM
/// networks for anomaly detection in time series").
class NextValue final : public Module {
 public:
  /// `features` values in a frame. Throws ConfigError, and UnsupportedError for a stack that reads backwards.
  NextValue(const StackConfig& config, int64_t features, uint64_t seed);

  /// x [rows, features], packed; [rows, 1].
  Var forward(Context& ctx, const Packing& packing, const Var& x);
  StreamNetwork stream_network() const;
  const RecurrentStack& stack() const { return stack_; }

 private:
  int64_t features_;
  RecurrentStack stack_;
  Var weight_, bias_;
};

/// A window is read by a recurrent stack; its last state becomes a code of a few numbers, from which a second stack,
/// that reads the code at every step, tells the window again (Malhotra et al. 2016, "LSTM-based encoder-decoder for
/// multi-sensor anomaly detection"; the decoder reads the code and not what it told before).
class SequenceAutoencoder final : public Module {
 public:
  SequenceAutoencoder(const StackConfig& config, int64_t code_size, uint64_t seed);

  /// windows [B, window]; the same shape.
  Var forward(Context& ctx, const Tensor& windows);
  const RecurrentStack& encoder() const { return encoder_; }

 private:
  RecurrentStack encoder_;
  Var code_weight_, code_bias_;
  RecurrentStack decoder_;
  Var weight_, bias_;
};

}  // namespace carousel::nn
