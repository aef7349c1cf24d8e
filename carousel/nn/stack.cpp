#include "carousel/nn/stack.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/norm.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/nn/dropout.h"
#include "carousel/nn/gradient_tap.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

void StackConfig::options(OptionTable& table) {
  cell.options(table);
  table.add("hidden_size", &hidden_size, "Units of each layer: one number for all, or one for each.")
      .range(1, 65536)
      .automatic();
  table.add("num_layers", &num_layers, "Recurrent layers; auto: as many as hidden_size has widths.")
      .range(1, 64)
      .automatic();
  table.add("bidirectional", &bidirectional, "Each layer reads the sequence in both directions; rules out streaming.");
  table.add("residual", &residual, "Each layer's input is added to its output.");
  table.add("layer_norm", &layer_norm, "Layer normalisation of each layer's output.");
  table.add("dropout", &dropout, "Probability that dropout zeroes a value between two layers.").range(0, 0.95);
  table.add("variational_dropout", &variational_dropout, "Dropout keeps one mask over all steps of a sequence.");
  table.add("recurrent_dropout", &recurrent_dropout, "Probability that a recurrent weight is zeroed for a pass.")
      .range(0, 0.95);
  table.add("zoneout", &zoneout, "Probability that a unit keeps its old state at a step.").range(0, 0.95);
}

std::vector<int64_t> StackConfig::widths() const {
  if (hidden_size.empty())
    throw ConfigError("[stack] hidden_size must be set; got no width. Set hidden_size, for example to 256.");
  const auto given = static_cast<int64_t>(hidden_size.size());
  if (given == 1) return std::vector<int64_t>(static_cast<size_t>(std::max<int64_t>(num_layers, 1)), hidden_size[0]);
  if (num_layers > 0 && num_layers != given)
    throw ConfigError(
        fmt::format("[stack] hidden_size must be one width, or one for each layer; got {} widths ({}) for num_layers = "
                    "{}. Leave num_layers out, or write {} widths.",
                    given, fmt::join(hidden_size, ", "), num_layers, num_layers));
  return hidden_size;
}

RecurrentStack::RecurrentStack(const StackConfig& config, int64_t input_size, uint64_t seed, std::string prefix)
    : config_(config), cell_(make_cell(config.cell)), prefix_(std::move(prefix)) {
  if (config.recurrent_dropout > 0 && !cell_->has_recurrent_weight())
    throw ConfigError(
        fmt::format("[stack] recurrent_dropout drops recurrent weights, and {} has none; got {}. Set recurrent_dropout "
                    "= 0.",
                    cell_->name(), config.recurrent_dropout));
  int64_t input = input_size;
  for (const int64_t width : config.widths()) {
    add_layer(input, width, seed);
    input = layers_.back().output;
  }
}

void RecurrentStack::add_layer(int64_t input, int64_t hidden, uint64_t seed) {
  const auto owner = [this](std::string name, Tensor value) { return parameter(std::move(name), std::move(value)); };
  const size_t index = layers_.size();
  const uint64_t stream = 100 + 10 * index;
  StackLayer layer;
  layer.hidden = hidden;
  layer.output = (config_.bidirectional ? 2 : 1) * cell_->output_size(hidden);
  layer.weights.push_back(make_weights(*cell_, input, hidden, seed, stream, fmt::format("_l{}", index), owner));
  if (config_.bidirectional)
    layer.weights.push_back(
        make_weights(*cell_, input, hidden, seed, stream + 5, fmt::format("_l{}_reverse", index), owner));
  if (config_.residual && input != layer.output)
    layer.shortcut =
        parameter(fmt::format("residual_l{}.weight", index), glorot_init(layer.output, input, Rng(seed, stream + 9)));
  if (config_.layer_norm) {
    layer.gain = parameter(fmt::format("norm_l{}.weight", index), Tensor::full({layer.output}, 1));
    layer.bias = parameter(fmt::format("norm_l{}.bias", index), Tensor::zeros({layer.output}));
  }
  layers_.push_back(std::move(layer));
}

int64_t RecurrentStack::output_size() const {
  return layers_.back().output;
}

int64_t RecurrentStack::state_bytes() const {
  int64_t values = 0;
  for (const auto& layer : layers_)
    for (int64_t s = 0; s < cell_->num_states(); ++s)
      values += cell_->state_size(s, layer.hidden) * static_cast<int64_t>(layer.weights.size());
  return values * static_cast<int64_t>(sizeof(float));
}

void RecurrentStack::require_streaming() const {
  if (!config_.bidirectional) return;
  throw UnsupportedError(
      "[stack] a stream is read from its beginning on, and the reverse direction begins at its end; got a "
      "bidirectional "
      "stack. Pass whole sequences, or train with bidirectional = false.");
}

void RecurrentStack::check(const StackState& state, int64_t batch_size) const {
  require_streaming();
  const auto refuse = [](const std::string& rule, const std::string& got) {
    throw ShapeError(
        fmt::format("[stack] a state must have {}; got {}. It belongs to another model: begin with none.", rule, got));
  };
  if (state.size() != layers_.size()) refuse(fmt::format("{} layers", layers_.size()), fmt::format("{}", state.size()));
  for (size_t l = 0; l < state.size(); ++l) {
    const auto states = static_cast<size_t>(cell_->num_states());
    if (state[l].size() != 1 || state[l][0].size() != states)
      refuse(fmt::format("the {} states {} of {} in each layer", states, fmt::join(cell_->state_names(), ", "),
                         cell_->name()),
             fmt::format("{} in layer {}", state[l].empty() ? 0 : state[l][0].size(), l));
    for (size_t s = 0; s < states; ++s) {
      const Shape wanted{batch_size, cell_->state_size(static_cast<int64_t>(s), layers_[l].hidden)};
      const Tensor& got = state[l][0][s];
      if (!got.defined() || got.shape() != wanted)
        refuse(fmt::format("the shape {} at {} of layer {}", wanted.str(), cell_->state_names()[s], l),
               got.defined() ? got.shape().str() : "none");
    }
  }
}

Var RecurrentStack::drop(Context& ctx, const Packing& packing, const Var& x) const {
  const uint64_t stream = ctx.next_stream();
  if (!ctx.training || config_.dropout == 0) return x;
  return config_.variational_dropout ? sequence_dropout(ctx.tape, packing, x, config_.dropout, ctx.seed, stream)
                                     : ops::dropout(ctx.tape, x, config_.dropout, ctx.seed, stream);
}

std::vector<Direction> RecurrentStack::directions(Context& ctx, const Packing& packing, size_t layer,
                                                  const StackState* initial) {
  std::vector<Direction> list;
  for (const CellWeights& weights : layers_[layer].weights) {
    Direction d;
    d.weights = weights;
    d.reverse = !list.empty();
    const uint64_t stream = ctx.next_stream();
    if (ctx.training && config_.recurrent_dropout > 0)
      d.weights.w_hh = ops::dropout(ctx.tape, weights.w_hh, config_.recurrent_dropout, ctx.seed, stream);
    if (initial)
      for (const Tensor& state : (*initial)[layer][list.size()])
        d.initial.push_back(ops::gather_rows(nullptr, Var(state), packing.order));
    list.push_back(std::move(d));
  }
  return list;
}

RecurrentStack::Output RecurrentStack::forward(Context& ctx, const Packing& packing, const Var& x,
                                               const StackState* initial) {
  if (initial) check(*initial, packing.batch_size());
  Output out;
  Var input = x;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const StackLayer& layer = layers_[l];
    RecurrentOptions options;
    options.zoneout = config_.zoneout;
    options.training = ctx.training;
    options.key = ctx.seed;
    options.stream = ctx.next_stream();
    RecurrentOutput run = recurrent_layer(ctx, fmt::format("{}{}", prefix_, l), *cell_, packing, input,
                                          directions(ctx, packing, l, initial), options);
    Var y = run.y;
    if (config_.residual)
      y = ops::add(ctx.tape, y, layer.shortcut.defined() ? ops::linear(ctx.tape, input, layer.shortcut, Var()) : input);
    if (config_.layer_norm) y = ops::layer_norm(ctx.tape, y, layer.gain, layer.bias);
    input = l + 1 < layers_.size() ? drop(ctx, packing, y) : y;
    out.states.push_back(std::move(run.states));
  }
  out.y = input;
  return out;
}

StackState RecurrentStack::final_state(const Packing& packing, const Output& output) {
  StackState state;
  for (const auto& layer : output.states) {
    state.emplace_back();
    for (const auto& direction : layer) {
      state.back().emplace_back();
      for (const Var& v : direction)
        state.back().back().push_back(ops::gather_rows(nullptr, v, packing.position).value());
    }
  }
  return state;
}

Var RecurrentStack::last(Tape* tape, const Packing& packing, const Var& y) const {
  std::vector<int64_t> first_rows, last_rows;
  for (int64_t j = 0; j < packing.batch_size(); ++j) {
    first_rows.push_back(packing.row(0, j));
    last_rows.push_back(packing.row(packing.lengths[static_cast<size_t>(j)] - 1, j));
  }
  Var forward = ops::gather_rows(tape, y, std::move(last_rows));
  if (!config_.bidirectional) return forward;
  const int64_t half = output_size() / 2;
  const Var reverse = ops::gather_rows(tape, y, std::move(first_rows));
  return ops::concat_columns(
      tape, {ops::slice_columns(tape, forward, 0, half), ops::slice_columns(tape, reverse, half, 2 * half)});
}

}  // namespace carousel::nn
