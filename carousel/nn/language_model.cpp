#include "carousel/nn/language_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/nn/dropout.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

void LanguageModelConfig::options(OptionTable& table) {
  table
      .add("model", &model, "recurrent: a recurrent network reads all that came before; window: only the last symbols.")
      .one_of({"recurrent", "window"});
  table.add("window", &window, "Symbols that the window model sees; auto: 5.").range(1, 1024).automatic();
  stack.options(table);
  for (Option& row : table.rows())
    if (row.name == "dropout" || row.name == "recurrent_dropout") row.automatic();
  table.add("embedding_size", &embedding_size, "Width of a symbol's embedding; auto: that of the last layer.")
      .range(1, 65536)
      .automatic();
  table.add("tie_weights", &tie_weights, "The output matrix is the embedding matrix.");
  table.add("input_dropout", &input_dropout, "Probability of dropout on embeddings.").range(0, 0.95).automatic();
  table
      .add("embedding_dropout", &embedding_dropout,
           "Probability that a symbol of the input is left out wherever a batch has it (its embedding is zero there).")
      .range(0, 0.95)
      .automatic();
  table.add("output_dropout", &output_dropout, "Probability of dropout before the output matrix.")
      .range(0, 0.95)
      .automatic();
}

namespace {

/// Recurrent layers' options mean nothing to tanh layers over a window. New ones are refused until they are named here.
void refuse_recurrent_options(const StackConfig& stack) {
  StackConfig own;
  own.dropout = -1;
  own.recurrent_dropout = std::min(stack.recurrent_dropout, 0.0);  // chosen or off
  OptionTable table;
  own.options(table);
  own = stack;  // the rows point into it and remember the defaults
  for (const Option& row : table.rows()) {
    if (row.name == "hidden_size" || row.name == "num_layers" || row.name == "dropout") continue;
    const std::string value = row.value_text();
    if (value == (row.auto_text.empty() ? row.default_text : row.auto_text)) continue;
    throw ConfigError(
        fmt::format("[language model] a window model has no recurrent layers; got {} = {}, which is for them. Leave it "
                    "out, or set model = recurrent.",
                    row.name, value));
  }
}

/// Streams read side by side: equal lengths, so the caller's order.
Packing streams_of(int64_t batch_size, int64_t rows) {
  return Packing::make(std::vector<int64_t>(static_cast<size_t>(batch_size), rows / batch_size));
}

}  // namespace

void LanguageModelConfig::check() const {
  if (model == "window") {
    refuse_recurrent_options(stack);
  } else if (window != 0) {
    throw ConfigError(
        fmt::format("[language model] only a window model has a window; got window = {} for model = {}. Leave it out, "
                    "or set model = window.",
                    window, model));
  }
  make_cell(stack.cell);
  if (stack.bidirectional)
    throw ConfigError(
        "[language model] a language model must not see what it is to predict; got bidirectional = true. Set "
        "bidirectional = false.");
}

LanguageModel::LanguageModel(const LanguageModelConfig& config, int64_t vocab_size, int32_t begin, uint64_t seed)
    : config_(config), vocab_size_(vocab_size), begin_(begin) {
  const std::vector<int64_t> widths = config.stack.widths();
  config.check();
  if (config.embedding_size < 1 || (is_window() && config.window < 1))
    throw ConfigError(
        fmt::format("[language model] embedding_size and window must be at least 1; got {} and {}. Set them.",
                    config.embedding_size, config.window));
  const int64_t embed = config.embedding_size;
  // Small, because the same rows make logits when tied.
  embedding_ = parameter("embedding.weight", normal_init({vocab_size, embed}, 0.1, Rng(seed, 1)));
  int64_t width = 0;
  if (is_window()) {
    int64_t input = config.window * embed;
    for (size_t l = 0; l < widths.size(); ++l) {
      weights_.push_back(
          parameter(fmt::format("hidden.{}.weight", l), glorot_init(widths[l], input, Rng(seed, 100 + 2 * l))));
      biases_.push_back(parameter(fmt::format("hidden.{}.bias", l), Tensor::zeros({widths[l]})));
      input = widths[l];
    }
    width = input;
  } else {
    stack_ = std::make_unique<RecurrentStack>(config.stack, embed, seed);
    child("rnn", *stack_);
    width = stack_->output_size();
  }
  if (config.tie_weights && width != embed) {
    projection_ = parameter("projection.weight", glorot_init(embed, width, Rng(seed, 2)));
    width = embed;
  }
  if (!config.tie_weights) output_weight_ = parameter("output.weight", glorot_init(vocab_size, width, Rng(seed, 3)));
  output_bias_ = parameter("output.bias", Tensor::zeros({vocab_size}));
}

Var LanguageModel::drop(Context& ctx, const Var& x, double probability, int64_t batch_size) const {
  const uint64_t stream = ctx.next_stream();
  if (!ctx.training || probability <= 0) return x;
  return config_.stack.variational_dropout
             ? sequence_dropout(ctx.tape, streams_of(batch_size, x.value().dim(0)), x, probability, ctx.seed, stream)
             : ops::dropout(ctx.tape, x, probability, ctx.seed, stream);
}

/// Taken only where it is used: models of before it was there draw what they drew.
uint64_t LanguageModel::embedding_stream(Context& ctx) const {
  return config_.embedding_dropout > 0 ? ctx.next_stream() : 0;
}

Var LanguageModel::embed(Context& ctx, std::span<const int32_t> ids, uint64_t stream) const {
  const Var x = ops::embedding(ctx.tape, ids, embedding_);
  return ctx.training && config_.embedding_dropout > 0
             ? embedding_dropout(ctx.tape, ids, x, config_.embedding_dropout, ctx.seed, stream)
             : x;
}

LanguageState LanguageModel::begin_state(int64_t batch_size) const {
  LanguageState state;
  if (is_window()) {
    state.recent.assign(static_cast<size_t>((config_.window - 1) * batch_size), begin_);
    return state;
  }
  const Cell& cell = stack_->cell();
  for (const int64_t hidden : config_.stack.widths()) {
    std::vector<Tensor> states;
    for (int64_t s = 0; s < cell.num_states(); ++s)
      states.push_back(Tensor::zeros({batch_size, cell.state_size(s, hidden)}, embedding_.value().dtype()));
    state.stack.push_back({std::move(states)});
  }
  return state;
}

Var LanguageModel::hidden_of_window(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size,
                                    LanguageState& state) {
  const auto before = static_cast<size_t>((config_.window - 1) * batch_size);
  if (state.recent.empty()) state.recent.assign(before, begin_);
  if (state.recent.size() != before)
    throw ShapeError(
        fmt::format("[language model] a state must hold {} symbols for {} streams; got {}. It belongs to another "
                    "model: begin anew.",
                    before, batch_size, state.recent.size()));
  std::vector<int32_t> all = state.recent;
  all.insert(all.end(), ids.begin(), ids.end());
  std::vector<Var> parts;
  const uint64_t stream = embedding_stream(ctx);
  for (int64_t k = 0; k < config_.window; ++k)
    parts.push_back(
        embed(ctx, std::span<const int32_t>(all).subspan(static_cast<size_t>(k * batch_size), ids.size()), stream));
  Var x = drop(ctx, ops::concat_columns(ctx.tape, parts), config_.input_dropout, batch_size);
  for (size_t l = 0; l < weights_.size(); ++l) {
    if (l > 0) x = drop(ctx, x, config_.stack.dropout, batch_size);
    x = ops::tanh(ctx.tape, ops::linear(ctx.tape, x, weights_[l], biases_[l]));
  }
  state.recent.assign(all.end() - static_cast<std::ptrdiff_t>(before), all.end());
  return x;
}

Var LanguageModel::hidden_of_stack(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size,
                                   LanguageState& state) {
  const Packing packing = streams_of(batch_size, static_cast<int64_t>(ids.size()));
  const Var x = drop(ctx, embed(ctx, ids, embedding_stream(ctx)), config_.input_dropout, batch_size);
  const RecurrentStack::Output out = stack_->forward(ctx, packing, x, state.stack.empty() ? nullptr : &state.stack);
  state.stack = RecurrentStack::final_state(packing, out);
  return out.y;
}

Var LanguageModel::readout(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size, LanguageState& state) {
  if (batch_size < 1 || ids.empty() || static_cast<int64_t>(ids.size()) % batch_size != 0)
    throw ShapeError(fmt::format("[language model] ids must be [steps, {}]; got {} of them. Give each stream as many.",
                                 batch_size, ids.size()));
  Var h = is_window() ? hidden_of_window(ctx, ids, batch_size, state) : hidden_of_stack(ctx, ids, batch_size, state);
  h = drop(ctx, h, config_.output_dropout, batch_size);
  return projection_.defined() ? ops::linear(ctx.tape, h, projection_, Var()) : h;
}

Var LanguageModel::forward(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size, LanguageState& state) {
  return ops::linear(ctx.tape, readout(ctx, ids, batch_size, state), output_weight(), output_bias_);
}

ops::CrossEntropy LanguageModel::loss(Context& ctx, const std::vector<int32_t>& ids, std::span<const int32_t> targets,
                                      int64_t batch_size, LanguageState& state) {
  return ops::linear_cross_entropy(ctx.tape, readout(ctx, ids, batch_size, state), output_weight(), output_bias_,
                                   targets, 0);
}

StreamNetwork LanguageModel::stream_network() const {
  if (is_window())
    throw UnsupportedError(
        "[language model] a stream goes on from a state, and a window model has none: it reads the last symbols anew "
        "each time; got such a model. Train with --set model=recurrent.");
  StreamNetwork network{embedding_, config_.embedding_size, stack_.get(), {}};
  if (projection_.defined()) network.linear.push_back({projection_, Var()});
  network.linear.push_back({output_weight(), output_bias_});
  return network;
}

}  // namespace carousel::nn
