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
  std::vector<int64_t> quantiles;   ///< levels of further quantiles, in percent
  double output_dropout = -1;       ///< before the last layer; negative: chosen
  int64_t channels = 0;             ///< numbers that are known of each step in advance; from the data, no option

  /// Adds rows to the table's present section.
  void options(OptionTable& table);
  /// Numbers for each forecast value: point 1; gaussian 2, mean and logarithm of the deviation; quantile 3, the median,
  /// the lower and the upper quantile, and then the further ones.
  int64_t parameters() const;
};

/// Windows [B, window] are cut into pieces of `patch` values, oldest first (Lin et al. 2023, "SegRNN"); the stack reads
/// one piece a step.
/// direct: one linear layer on the last state gives all `horizon` values at once.
/// autoregressive: a linear layer gives the next piece from each state; the piece (its point forecast) is read in turn.
/// In training the true pieces are read (teacher forcing). `patch` divides horizon then.
/// What is known in advance is read beside the pieces: direct: of the same steps, and of each step of the horizon a
/// small network of it and of the last state, which all steps share, adds to the answer; autoregressive: of the steps
/// of the next piece.
class Forecaster final : public Module {
 public:
  /// Everything of the config must be decided. Throws ConfigError.
  Forecaster(const ForecasterConfig& config, uint64_t seed);

  /// windows [B, window], known [B, (window + horizon) * channels], the channels of a step side by side ->
  /// [B, parameters() * horizon]: all points (means, medians) first, then the others.
  Var forward(Context& ctx, const Tensor& windows, const Tensor& known = {});
  /// Mean loss of `targets` [B, horizon] behind the windows.
  Var loss(Context& ctx, const Tensor& windows, const Tensor& targets, const Tensor& known = {});

  const ForecasterConfig& config() const { return config_; }
  const RecurrentStack& stack() const { return stack_; }

 private:
  int64_t pieces() const { return config_.window / config_.patch; }
  Var head(Context& ctx, const Var& states);
  Var free_running(Context& ctx, const Tensor& windows, const Tensor& known);
  Var of_known(Context& ctx, const Var& state, const Tensor& known) const;
  int64_t input_size() const { return config_.patch * (1 + config_.channels); }
  void read_pieces(const Tensor& values, int64_t pieces, int64_t first, const Tensor& known, float* out) const;
  Var loss_of(Tape* tape, const Var& answer, const Tensor& targets) const;

  ForecasterConfig config_;
  RecurrentStack stack_;
  Var weight_, bias_;
  Var known_state_, known_in_, known_bias_, known_out_, known_direct_;  ///< of of_known()
};

}  // namespace carousel::nn
