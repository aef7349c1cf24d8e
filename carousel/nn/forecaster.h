// What follows a window of numbers: a recurrent stack over pieces of the window.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/nn/context.h"
#include "carousel/nn/module.h"
#include "carousel/nn/stack.h"

namespace carousel::nn {

struct ForecasterConfig {
  StackConfig stack;
  int64_t window = 0;               ///< values that are read; 0: chosen
  int64_t horizon = 0;              ///< values that are forecast; 0: chosen
  int64_t patch = 0;                ///< values that one step of the stack reads; divides window; 0: chosen
  std::string decoding = "direct";  ///< direct | autoregressive
  std::string output = "point";     ///< point | gaussian | quantile
  std::string loss = "mae";         ///< of the output point: mae | mse
  double coverage = 0.9;            ///< probability of the interval between the outer quantiles
  double output_dropout = -1;       ///< before the last layer; negative: chosen

  /// Adds rows to the table's present section.
  void options(OptionTable& table);
  /// Numbers for each forecast value: point 1; gaussian 2, mean and logarithm of the deviation; quantile 3, the median,
  /// the lower and the upper quantile.
  int64_t parameters() const;
};

/// Windows [B, window] are cut into pieces of `patch` values, oldest first (Lin et al. 2023, "SegRNN"); the stack reads
/// one piece a step.
/// direct: one linear layer on the last state gives all `horizon` values at once.
/// autoregressive: a linear layer gives the next piece from each state; the piece (its point forecast) is read in turn.
/// In training the true pieces are read (teacher forcing). `patch` divides horizon then.
class Forecaster final : public Module {
 public:
  /// Everything of the config must be decided. Throws ConfigError.
  Forecaster(const ForecasterConfig& config, uint64_t seed);

  /// [B, parameters() * horizon]: all points (means, medians) first, then the others.
  Var forward(Context& ctx, const Tensor& windows);
  /// Mean loss of `targets` [B, horizon] behind the windows.
  Var loss(Context& ctx, const Tensor& windows, const Tensor& targets);

  const ForecasterConfig& config() const { return config_; }
  const RecurrentStack& stack() const { return stack_; }

 private:
  int64_t pieces() const { return config_.window / config_.patch; }
  Var head(Context& ctx, const Var& states);
  Var free_running(Context& ctx, const Tensor& windows);
  Var loss_of(Tape* tape, const Var& answer, const Tensor& targets) const;

  ForecasterConfig config_;
  RecurrentStack stack_;
  Var weight_, bias_;
};

}  // namespace carousel::nn
