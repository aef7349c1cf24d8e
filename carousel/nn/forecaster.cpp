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

constexpr int64_t kKnownUnits = 16;  ///< of the network that reads what is known of a step

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
  table
      .add("quantiles", &quantiles,
           "Levels of quantiles, in percent with commas between, that are forecast besides: 10,50,90; none by default.")
      .range(1, 99);
  stack.options(table);
  table.add("output_dropout", &output_dropout, "Dropout before the last layer.").range(0, 0.95).automatic();
}

int64_t ForecasterConfig::parameters() const {
  return output == "point" ? 1 : output == "gaussian" ? 2 : 3 + static_cast<int64_t>(quantiles.size());
}

Forecaster::Forecaster(const ForecasterConfig& config, uint64_t seed)
    : config_(config), stack_(stack_config(config), config.patch * (1 + config.channels), seed) {
  config_.stack.cell = stack_.cell().options();
  if (config.decoding == "autoregressive") stack_.require_streaming();
  child("rnn", stack_);
  const int64_t values = (config.decoding == "direct" ? config.horizon : config.patch) * config.parameters();
  weight_ = parameter("output.weight", glorot_init(values, stack_.output_size(), Rng(seed, 1)));
  bias_ = parameter("output.bias", Tensor::zeros({values}));
  if (config.channels == 0 || config.decoding != "direct") return;
  const int64_t channels = config.channels, state = stack_.output_size();
  known_state_ = parameter("known.state.weight", glorot_init(kKnownUnits, state, Rng(seed, 2)));
  known_in_ = parameter("known.input.weight", glorot_init(kKnownUnits, channels, Rng(seed, 3)));
  known_bias_ = parameter("known.bias", Tensor::zeros({kKnownUnits}));
  known_out_ = parameter("known.output.weight", glorot_init(config.parameters(), kKnownUnits, Rng(seed, 4)));
  known_direct_ = parameter("known.direct.weight", Tensor::zeros({config.parameters(), channels}));
}

/// Pieces of `values` [B, ...] packed step after step, [pieces * B, input_size]: the values of a
/// piece, then what is known of its steps, or of those of the next piece where the answer is given piece by piece.
/// `first` is the place of the first value among the steps of `known`; behind its end stand zeros.
void Forecaster::read_pieces(const Tensor& values, int64_t pieces, int64_t first, const Tensor& known,
                             float* out) const {
  const int64_t batch = values.dim(0), width = values.dim(1), patch = config_.patch, channels = config_.channels;
  const int64_t shift = config_.decoding == "direct" ? 0 : patch, steps = config_.window + config_.horizon;
  for (int64_t t = 0; t < pieces; ++t)
    for (int64_t b = 0; b < batch; ++b) {
      out = std::copy_n(values.data<float>() + b * width + t * patch, patch, out);
      if (channels == 0) continue;
      const int64_t begin = first + t * patch + shift, there = std::clamp<int64_t>(steps - begin, 0, patch);
      if (there > 0) out = std::copy_n(known.data<float>() + (b * steps + begin) * channels, there * channels, out);
      out = std::fill_n(out, (patch - there) * channels, 0.0F);
    }
}

/// What the steps of the horizon add to the answer of a state [B, output_size]: out(tanh(state + known)) +
/// direct(known) for each, [B, parameters() * horizon].
Var Forecaster::of_known(Context& ctx, const Var& state, const Tensor& known) const {
  const int64_t batch = known.dim(0), horizon = config_.horizon, channels = config_.channels;
  Tensor future = Tensor::empty({batch * horizon, channels});
  std::vector<int64_t> of_row;
  for (int64_t b = 0; b < batch; ++b) {
    std::copy_n(known.data<float>() + (b * (config_.window + horizon) + config_.window) * channels, horizon * channels,
                future.data<float>() + b * horizon * channels);
    of_row.insert(of_row.end(), static_cast<size_t>(horizon), b);
  }
  const Var states = ops::gather_rows(ctx.tape, ops::linear(ctx.tape, state, known_state_, known_bias_), of_row);
  const Var hidden =
      ops::tanh(ctx.tape, ops::add(ctx.tape, states, ops::linear(ctx.tape, Var(future), known_in_, Var())));
  const Var rows = ops::add(ctx.tape, ops::linear(ctx.tape, hidden, known_out_, Var()),
                            ops::linear(ctx.tape, Var(future), known_direct_, Var()));
  std::vector<Var> parts;
  for (int64_t k = 0; k < config_.parameters(); ++k)
    parts.push_back(ops::reshape(ctx.tape, ops::slice_columns(ctx.tape, rows, k, k + 1), {batch, horizon}));
  return ops::concat_columns(ctx.tape, parts);
}

Var Forecaster::head(Context& ctx, const Var& states) {
  const uint64_t stream = ctx.next_stream();
  const double drop = std::max(0.0, config_.output_dropout);
  return ops::linear(ctx.tape, ctx.training ? ops::dropout(ctx.tape, states, drop, ctx.seed, stream) : states, weight_,
                     bias_);
}

Var Forecaster::forward(Context& ctx, const Tensor& windows, const Tensor& known) {
  if (config_.decoding == "autoregressive") return free_running(ctx, windows, known);
  const Packing packing = equal_lengths(windows.dim(0), pieces());
  Tensor x = Tensor::empty({packing.rows(), input_size()});
  read_pieces(windows, pieces(), 0, known, x.data<float>());
  const Var state = stack_.last(ctx.tape, packing, stack_.forward(ctx, packing, Var(x)).y);
  const Var answer = head(ctx, state);
  return config_.channels == 0 ? answer : ops::add(ctx.tape, answer, of_known(ctx, state, known));
}

Var Forecaster::free_running(Context& ctx, const Tensor& windows, const Tensor& known) {
  const int64_t batch = windows.dim(0), patch = config_.patch, horizon = config_.horizon;
  Packing packing = equal_lengths(batch, pieces());
  Tensor x = Tensor::empty({packing.rows(), input_size()});
  read_pieces(windows, pieces(), 0, known, x.data<float>());
  Tensor all = Tensor::empty({batch, config_.parameters() * horizon}), own = Tensor::empty({batch, patch});
  StackState state;
  for (int64_t done = 0; done < horizon; done += patch) {
    const auto out = stack_.forward(ctx, packing, Var(x), state.empty() ? nullptr : &state);
    const Tensor piece = head(ctx, stack_.last(ctx.tape, packing, out.y)).value();
    state = RecurrentStack::final_state(packing, out);
    if (done == 0) {
      packing = equal_lengths(batch, 1);
      x = Tensor::empty({batch, input_size()});
    }
    for (int64_t b = 0; b < batch; ++b) {
      const float* from = piece.data<float>() + b * piece.dim(1);
      std::copy_n(from, patch, own.data<float>() + b * patch);
      for (int64_t k = 0; k < config_.parameters(); ++k)
        std::copy_n(from + k * patch, patch, all.data<float>() + b * all.dim(1) + k * horizon + done);
    }
    read_pieces(own, 1, config_.window + done, known, x.data<float>());
  }
  return Var(all);
}

Var Forecaster::loss(Context& ctx, const Tensor& windows, const Tensor& targets, const Tensor& known) {
  if (config_.decoding == "direct") return loss_of(ctx.tape, forward(ctx, windows, known), targets);
  const int64_t batch = windows.dim(0), patch = config_.patch, answers = config_.horizon / patch;
  const Packing packing = equal_lengths(batch, pieces() + answers - 1);
  Tensor x = Tensor::empty({packing.rows(), input_size()}), wanted = Tensor::empty({answers * batch, patch});
  read_pieces(windows, pieces(), 0, known, x.data<float>());
  read_pieces(targets, answers - 1, config_.window, known, x.data<float>() + pieces() * batch * input_size());
  for (int64_t t = 0; t < answers; ++t)
    for (int64_t b = 0; b < batch; ++b)
      std::copy_n(targets.data<float>() + b * config_.horizon + t * patch, patch,
                  wanted.data<float>() + (t * batch + b) * patch);
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
    sum = ops::add(tape, sum, ops::pinball(tape, part(2), targets, 1 - outside));
    for (size_t k = 0; k < config_.quantiles.size(); ++k)
      sum = ops::add(tape, sum,
                     ops::pinball(tape, part(3 + static_cast<int64_t>(k)), targets,
                                  static_cast<double>(config_.quantiles[k]) / 100));
    return sum;
  }
  return config_.loss == "mse" ? ops::squared_error(tape, answer, targets) : ops::absolute_error(tape, answer, targets);
}

}  // namespace carousel::nn
