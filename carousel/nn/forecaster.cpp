#include "carousel/nn/forecaster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/regression.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// Checked before the stack is built.
StackConfig stack_config(const ForecasterConfig& config) {
  if (config.patch < 1 || config.window < 1 || config.horizon < 1 || config.window % config.patch != 0)
    throw ConfigError(
        fmt::format("[forecaster] window must be a multiple of patch; got window = {} and patch = {}. Set patch to one "
                    "of its divisors.",
                    config.window, config.patch));
  if (config.decoding == "autoregressive" && config.horizon % config.patch != 0)
    throw ConfigError(
        fmt::format("[forecaster] with decoding = autoregressive horizon must be a multiple of patch; got horizon = {} "
                    "and patch = {}. Set patch to one of its divisors.",
                    config.horizon, config.patch));
  return config.stack;
}

Packing equal_lengths(int64_t sequences, int64_t steps) {
  return Packing::make(std::vector<int64_t>(static_cast<size_t>(sequences), steps));
}

/// Rows [B, pieces * patch], from column `from` on, as `pieces` pieces packed step after step: [pieces * B, patch].
void cut(const Tensor& rows, int64_t from, int64_t pieces, int64_t patch, float* out) {
  const int64_t batch = rows.dim(0), width = rows.dim(1);
  for (int64_t t = 0; t < pieces; ++t)
    for (int64_t b = 0; b < batch; ++b, out += patch)
      std::copy_n(rows.data<float>() + b * width + from + t * patch, patch, out);
}

}  // namespace

void ForecasterConfig::options(OptionTable& table) {
  table
      .add("window", &window,
           "Values that the forecast is made from; auto: from the season and the length of the data.")
      .range(1, 65536)
      .automatic();
  table.add("horizon", &horizon, "Values that are forecast; auto: a season, or 24.").range(1, 65536).automatic();
  table
      .add("patch", &patch,
           "Values that the network reads in one step, a divisor of window; auto: up to 24, a divisor of the season.")
      .range(1, 65536)
      .automatic();
  table
      .add("decoding", &decoding,
           "direct: all values of the horizon at once; autoregressive: piece by piece, each read before the next.")
      .one_of({"direct", "autoregressive"});
  table
      .add("output", &output,
           "What the network says of each value: a point, mean and deviation of a Gaussian, or the median and two "
           "quantiles.")
      .one_of({"point", "gaussian", "quantile"});
  table.add("loss", &loss, "Error that training and the choice of the model look at: mae (absolute) or mse (squared).")
      .one_of({"mae", "mse"});
  table.add("coverage", &coverage, "Probability with which a value lies in its interval.").range(0.01, 0.999);
  stack.options(table);
  table.add("output_dropout", &output_dropout, "Dropout before the last layer.").range(0, 0.95).automatic();
}

int64_t ForecasterConfig::parameters() const {
  return output == "point" ? 1 : output == "gaussian" ? 2 : 3;
}

Forecaster::Forecaster(const ForecasterConfig& config, uint64_t seed)
    : config_(config), stack_(stack_config(config), config.patch, seed) {
  config_.stack.cell = stack_.cell().options();
  if (config.decoding == "autoregressive") stack_.require_streaming();
  child("rnn", stack_);
  const int64_t values = (config.decoding == "direct" ? config.horizon : config.patch) * config.parameters();
  weight_ = parameter("output.weight", glorot_init(values, stack_.output_size(), Rng(seed, 1)));
  bias_ = parameter("output.bias", Tensor::zeros({values}));
}

Var Forecaster::head(Context& ctx, const Var& states) {
  const uint64_t stream = ctx.next_stream();
  const double drop = std::max(0.0, config_.output_dropout);
  return ops::linear(ctx.tape, ctx.training ? ops::dropout(ctx.tape, states, drop, ctx.seed, stream) : states, weight_,
                     bias_);
}

Var Forecaster::forward(Context& ctx, const Tensor& windows) {
  if (config_.decoding == "autoregressive") return free_running(ctx, windows);
  const Packing packing = equal_lengths(windows.dim(0), pieces());
  Tensor x = Tensor::empty({packing.rows(), config_.patch});
  cut(windows, 0, pieces(), config_.patch, x.data<float>());
  return head(ctx, stack_.last(ctx.tape, packing, stack_.forward(ctx, packing, Var(x)).y));
}

Var Forecaster::free_running(Context& ctx, const Tensor& windows) {
  const int64_t batch = windows.dim(0), patch = config_.patch, horizon = config_.horizon;
  Packing packing = equal_lengths(batch, pieces());
  Tensor x = Tensor::empty({packing.rows(), patch});
  cut(windows, 0, pieces(), patch, x.data<float>());
  Tensor all = Tensor::empty({batch, config_.parameters() * horizon});
  StackState state;
  for (int64_t done = 0; done < horizon; done += patch) {
    const auto out = stack_.forward(ctx, packing, Var(x), state.empty() ? nullptr : &state);
    const Tensor piece = head(ctx, stack_.last(ctx.tape, packing, out.y)).value();
    state = RecurrentStack::final_state(packing, out);
    if (done == 0) {
      packing = equal_lengths(batch, 1);
      x = Tensor::empty({batch, patch});
    }
    for (int64_t b = 0; b < batch; ++b) {
      const float* from = piece.data<float>() + b * piece.dim(1);
      std::copy_n(from, patch, x.data<float>() + b * patch);
      for (int64_t k = 0; k < config_.parameters(); ++k)
        std::copy_n(from + k * patch, patch, all.data<float>() + b * all.dim(1) + k * horizon + done);
    }
  }
  return Var(all);
}

Var Forecaster::loss(Context& ctx, const Tensor& windows, const Tensor& targets) {
  if (config_.decoding == "direct") return loss_of(ctx.tape, forward(ctx, windows), targets);
  const int64_t batch = windows.dim(0), patch = config_.patch, answers = config_.horizon / patch;
  const Packing packing = equal_lengths(batch, pieces() + answers - 1);
  Tensor x = Tensor::empty({packing.rows(), patch}), wanted = Tensor::empty({answers * batch, patch});
  cut(windows, 0, pieces(), patch, x.data<float>());
  cut(targets, 0, answers - 1, patch, x.data<float>() + pieces() * batch * patch);
  cut(targets, 0, answers, patch, wanted.data<float>());
  const Var y = stack_.forward(ctx, packing, Var(x)).y;
  return loss_of(ctx.tape, head(ctx, ops::slice_rows(ctx.tape, y, (pieces() - 1) * batch, packing.rows())), wanted);
}

Var Forecaster::loss_of(Tape* tape, const Var& answer, const Tensor& targets) const {
  const int64_t n = targets.dim(1);
  const auto part = [&](int64_t k) { return ops::slice_columns(tape, answer, k * n, (k + 1) * n); };
  if (config_.output == "gaussian") return ops::gaussian_nll(tape, part(0), part(1), targets);
  if (config_.output == "quantile") {
    const double outside = (1 - config_.coverage) / 2;
    Var sum = ops::pinball(tape, part(0), targets, 0.5);
    sum = ops::add(tape, sum, ops::pinball(tape, part(1), targets, outside));
    return ops::add(tape, sum, ops::pinball(tape, part(2), targets, 1 - outside));
  }
  return config_.loss == "mse" ? ops::squared_error(tape, answer, targets) : ops::absolute_error(tape, answer, targets);
}

}  // namespace carousel::nn
