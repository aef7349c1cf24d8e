#include "carousel/nn/seq2seq.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "carousel/autograd/ops/copy.h"
#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/nn/gradient_tap.h"
#include "carousel/nn/guided_attention.h"
#include "carousel/nn/init.h"
#include "carousel/nn/recurrent.h"

namespace carousel::nn {

void Seq2SeqConfig::options(OptionTable& table) {
  stack.options(table);
  for (Option& row : table.rows()) {
    if (row.name == "hidden_size")
      row.help =
          "Units of each encoder layer and direction: one number for all, or one for each; the decoder has the last.";
    if (row.name == "num_layers") row.help = "Encoder layers; auto: chosen, or as many as hidden_size has widths.";
    if (row.name == "bidirectional") row.help = "The encoder reads the source in both directions.";
    if (row.name == "dropout") {
      row.help = "Probability on embeddings, encoder states and readout.";
      row.automatic();
    }
  }
  table.add("embedding_size", &embedding_size, "Width of a symbol's embedding.").range(1, 65536).automatic();
  table.add("attention", &attention, "Score of decoder state and source state; none: the encoder's last states only.")
      .one_of(score_names());
  table
      .add("attention_size", &attention_size,
           "Width of keys and queries of additive and mlp scores; auto: that of the decoder.")
      .range(1, 65536)
      .automatic();
  table
      .add("context", &context,
           "How the source reaches the decoder's cell: its first state, an input at each step, or both.")
      .one_of({"init", "input", "both"});
  table
      .add("query", &query,
           "Decoder state that asks: previous (before the cell) or current (after it); auto: current where symbols are "
           "copied, else previous.")
      .one_of({"auto", "previous", "current"});
  table
      .add("copy", &copy,
           "The decoder may also copy symbols of the source (pointer-generator); auto looks at what targets have of "
           "their sources.")
      .one_of({"auto", "on", "off"});
  table
      .add(
          "readout_size", &readout_size,
          "Width of the layer between decoder and output; 0: the decoder's state, context and input go straight to the "
          "output; auto: chosen from the number of symbols.")
      .range(0, 65536)
      .automatic();
  table
      .add(
          "tie_weights", &tie_weights,
          "The output matrix is that of the target embedding; auto: where there is a readout as wide as the embedding.")
      .one_of({"auto", "on", "off"});
  table.add("label_smoothing", &label_smoothing, "Share of the target probability spread over all symbols.")
      .range(0, 0.9);
  table
      .add("guided_attention", &guided_attention,
           "Weight, at the start, of a prior that pulls attention to where it belongs; 0: off.")
      .range(0, 100)
      .automatic();
  table
      .add("guided_by", &guided_by,
           "Where that prior pulls: to the diagonal, or to where an alignment finds each symbol of the target, learnt "
           "from the pairs before training (of texts).")
      .one_of({"diagonal", "alignment"});
  table.add("guided_until", &guided_until, "Fraction of the run by which that prior has faded to nothing.").range(0, 1);
  table.add("guided_width", &guided_width, "Width of its diagonal, as a fraction of the sequence.").range(0.01, 10);
  noise.options(table);
}

void Seq2SeqConfig::check() const {
  make_cell(stack.cell);
  if (tie_weights == "on" && readout_size >= 0 && embedding_size > 0 && readout_size != embedding_size)
    throw ConfigError(
        fmt::format("[seq2seq] tie_weights = on needs a readout as wide as the embedding; got readout_size = {} and "
                    "embedding_size = {}. Set them alike, or tie_weights = off.",
                    readout_size, embedding_size));
  if (!stack.hidden_size.empty()) stack.widths();
  const Score score = score_of(attention);
  if (stack.bidirectional && (score == Score::dot || score == Score::scaled_dot))
    throw ConfigError(
        fmt::format("[seq2seq] attention = {} compares the decoder's state with encoder states of both directions, "
                    "which are twice as wide; got unequal widths. Use attention = general, mlp or additive, which "
                    "project, or bidirectional = false.",
                    attention));
  if (copy == "on" && score == Score::none)
    throw ConfigError(
        "[seq2seq] copy = on copies what attention points at; got attention = none. Use attention = additive, or "
        "copy = off.");
  if (guided_by == "alignment" && (score == Score::none || guided_attention == 0 || guided_until == 0))
    throw ConfigError(
        fmt::format("[seq2seq] guided_by = alignment needs an attention that is guided; got attention = {}, "
                    "guided_attention = {} and guided_until = {}. Leave these to the program, or leave guided_by out.",
                    attention, guided_attention < 0 ? "auto" : fmt::format("{}", guided_attention), guided_until));
}

/// What the encoder leaves: its states in packed order and the last states of both directions.
struct Seq2Seq::States {
  Packing packing;
  Var states;  // [rows, 2H]
  Var last;    // [B, 2H]: h of both directions, in packed order
};

namespace {

/// Checked before the encoder is built; a dropout that nobody chose is none.
StackConfig encoder_config(const Seq2SeqConfig& config) {
  if (config.embedding_size < 1)
    throw ConfigError(
        fmt::format("[seq2seq] embedding_size must be at least 1; got {}. Set it.", config.embedding_size));
  config.check();
  StackConfig stack = config.stack;
  stack.dropout = std::max(0.0, stack.dropout);
  return stack;
}

}  // namespace

Seq2Seq::Seq2Seq(const Seq2SeqConfig& config, const Vocabularies& vocabularies, uint64_t seed)
    : config_(config),
      score_(score_of(config.attention)),
      vocabularies_(vocabularies),
      encoder_(encoder_config(config), config.embedding_size, seed, "encoder.") {
  const Cell& cell = encoder_.cell();
  config_.stack.cell = cell.options();
  if (config_.query == "auto") config_.query = copies() ? "current" : "previous";
  const int64_t hidden = hidden_size(), embed = config.embedding_size, width = state_width();
  const int64_t state = cell.output_size(hidden);
  const int64_t dim = config.attention_size > 0 ? config.attention_size : hidden;
  if (reads_frames()) {
    projection_ = parameter("source_projection.weight", glorot_init(embed, vocabularies.frame_size, Rng(seed, 1)));
    projection_bias_ = parameter("source_projection.bias", Tensor::zeros({embed}));
  } else {
    source_embedding_ =
        parameter("source_embedding.weight", normal_init({vocabularies.source_size, embed}, 1.0, Rng(seed, 1)));
    source_embedding_.mutable_value().rows(vocabularies.source_unk, vocabularies.source_unk + 1).fill(0);
  }
  // Tied rows make logits too: they are small, and grow when they are read.
  const double spread = tied() ? 1 / std::sqrt(static_cast<double>(embed)) : 1.0;
  target_embedding_ =
      parameter("target_embedding.weight", normal_init({vocabularies.target_size, embed}, spread, Rng(seed, 2)));
  child("encoder", encoder_);
  if (config.context != "input") {
    int64_t bridged = 0;
    for (int64_t i = 0; i < cell.num_free_states(); ++i) bridged += cell.state_size(i, hidden);
    bridge_weight_ = parameter("bridge.weight", glorot_init(bridged, width, Rng(seed, 3)));
    bridge_bias_ = parameter("bridge.bias", Tensor::zeros({bridged}));
  }
  if (score_ == Score::general)
    key_weight_ = parameter("attention.key.weight", glorot_init(state, width, Rng(seed, 4)));
  if (is_additive(score_)) {
    key_weight_ = parameter("attention.key.weight", glorot_init(dim, width, Rng(seed, 4)));
    if (score_ == Score::additive) key_bias_ = parameter("attention.key.bias", Tensor::zeros({dim}));
    query_weight_ = parameter("attention.query.weight", glorot_init(dim, state, Rng(seed, 5)));
    score_vector_ = parameter("attention.score.weight", glorot_init(1, dim, Rng(seed, 6)).reshape({dim}));
  }
  const int64_t fed = config.context == "init" ? 0 : width;
  decoder_ = make_weights(cell, embed + fed, hidden, seed, 7, "_l0", [this](const std::string& name, Tensor value) {
    return parameter("decoder." + name, std::move(value));
  });
  int64_t last = state + width + embed;
  if (config.readout_size > 0) {
    readout_weight_ = parameter("readout.weight", glorot_init(config.readout_size, last, Rng(seed, 11)));
    readout_bias_ = parameter("readout.bias", Tensor::zeros({config.readout_size}));
    last = config.readout_size;
  }
  output_weight_ = tied() ? target_embedding_
                          : parameter("output.weight", glorot_init(vocabularies.target_size, last, Rng(seed, 9)));
  output_bias_ = parameter("output.bias", Tensor::zeros({vocabularies.target_size}));
  if (copies()) {
    copy_weight_ = parameter("copy.weight", glorot_init(1, state + width + embed, Rng(seed, 10)));
    copy_bias_ = parameter("copy.bias", Tensor::zeros({1}));
  }
}

DecoderWeights Seq2Seq::decoder_weights() const {
  return {decoder_, query_weight_, score_vector_};
}

DecoderOptions Seq2Seq::decoder_options() const {
  return {score_, config_.context != "init", config_.query == "current"};
}

Var Seq2Seq::drop(Context& ctx, const Var& x) {
  const uint64_t stream = ctx.next_stream();
  return ctx.training ? ops::dropout(ctx.tape, x, std::max(0.0, config_.stack.dropout), ctx.seed, stream) : x;
}

Var Seq2Seq::embed_target(Tape* tape, std::span<const int32_t> tokens) const {
  const Var rows = ops::embedding(tape, tokens, target_embedding_);
  return tied() ? ops::scale(tape, rows, std::sqrt(static_cast<double>(config_.embedding_size))) : rows;
}

Var Seq2Seq::hidden_readout(Tape* tape, const Var& joined) const {
  if (!readout_weight_.defined()) return joined;
  return ops::tanh(tape, ops::linear(tape, joined, readout_weight_, readout_bias_));
}

Seq2Seq::States Seq2Seq::run_encoder(Context& ctx, const std::vector<std::vector<int32_t>>& sources) {
  const Packing packing = Packing::of(sources);
  return run_encoder(ctx, packing, ops::embedding(ctx.tape, packing.pack(sources), source_embedding_));
}

Seq2Seq::States Seq2Seq::run_encoder(Context& ctx, const FrameBatch& frames) {
  const Var noisy(add_noise(ctx, frames, config_.noise));
  return run_encoder(ctx, frames.packing, ops::linear(ctx.tape, noisy, projection_, projection_bias_));
}

Seq2Seq::States Seq2Seq::run_encoder(Context& ctx, const Packing& packing, const Var& embedded) {
  States s;
  s.packing = packing;
  const RecurrentStack::Output out = encoder_.forward(ctx, s.packing, drop(ctx, embedded));
  std::vector<Var> h;
  for (const auto& states : out.states.back()) h.push_back(states[0]);
  s.last = ops::concat_columns(ctx.tape, h);
  s.states = drop(ctx, out.y);
  return s;
}

/// Memory, keys and first states for decoders in `order` (position -> index in the caller's batch).
DecoderInput Seq2Seq::bridge(Context& ctx, const States& s, const std::vector<int64_t>& order) {
  DecoderInput in;
  std::vector<int64_t> by_source(order.size());
  for (size_t i = 0; i < order.size(); ++i) by_source[i] = s.packing.position[static_cast<size_t>(order[i])];
  const Var last = ops::gather_rows(ctx.tape, s.last, by_source);
  if (score_ == Score::none) {
    for (size_t i = 0; i < order.size(); ++i) in.sources.push_back({static_cast<int64_t>(i), 1});
    in.memory = in.keys = last;
  } else {
    std::vector<int64_t> rows;
    for (const int64_t j : by_source) {
      const int64_t length = s.packing.lengths[static_cast<size_t>(j)];
      in.sources.push_back({static_cast<int64_t>(rows.size()), length});
      for (int64_t t = 0; t < length; ++t) rows.push_back(s.packing.row(t, j));
    }
    in.memory = ops::gather_rows(ctx.tape, s.states, std::move(rows));
    in.keys = key_weight_.defined() ? ops::linear(ctx.tape, in.memory, key_weight_, key_bias_) : in.memory;
  }
  first_states(ctx, last, in);
  return in;
}

/// The decoder's first states: tanh of an affine map of the encoder's last ones, or zeros.
void Seq2Seq::first_states(Context& ctx, const Var& last, DecoderInput& in) const {
  const int64_t bridged = config_.context == "input" ? 0 : cell().num_free_states();
  const Var all = bridged == 0 ? Var() : ops::tanh(ctx.tape, ops::linear(ctx.tape, last, bridge_weight_, bridge_bias_));
  int64_t at = 0;
  for (int64_t i = 0; i < cell().num_states(); ++i) {
    const int64_t width = cell().state_size(i, hidden_size());
    in.initial.push_back(i < bridged ? ops::slice_columns(ctx.tape, all, at, at + width)
                                     : Var(Tensor::zeros({last.value().dim(0), width}, last.value().dtype())));
    at += width;
  }
}

namespace {

/// What each attention weight of each target step stands for.
ops::CopyRows copy_rows(const Seq2SeqBatch& batch, const Packing& packing, std::vector<int64_t> offsets) {
  ops::require_equal("seq2seq", "the number of sources to copy from", static_cast<int64_t>(batch.copies.size()),
                     static_cast<int64_t>(batch.sources.size()));
  ops::CopyRows rows;
  rows.offsets = std::move(offsets);
  std::vector<int64_t> first;
  for (const int64_t source : packing.order) {
    const std::vector<int32_t>& symbols = batch.copies[static_cast<size_t>(source)];
    ops::require_equal("seq2seq", "the number of symbols to copy", static_cast<int64_t>(symbols.size()),
                       static_cast<int64_t>(batch.sources[static_cast<size_t>(source)].size()));
    first.push_back(static_cast<int64_t>(rows.symbols.size()));
    rows.symbols.insert(rows.symbols.end(), symbols.begin(), symbols.end());
  }
  for (const int64_t running : packing.batch_sizes)
    rows.first.insert(rows.first.end(), first.begin(), first.begin() + running);
  return rows;
}

}  // namespace

std::vector<double> Seq2Seq::attention_costs(const Seq2SeqBatch& batch, const Packing& packing,
                                             const std::vector<SourceSpan>& sources) const {
  std::vector<double> costs;
  for (int64_t t = 0; t < packing.seq_len(); ++t)
    for (int64_t j = 0; j < packing.batch_sizes[static_cast<size_t>(t)]; ++j) {
      const auto at = static_cast<size_t>(j);
      const AttentionPlace place{t, packing.lengths[at], sources[at].len};
      // An alignment says nothing of the end marker, the last step.
      if (batch.alignments.empty() || t + 1 == place.target_length) {
        add_diagonal_costs(place, config_.guided_width, costs);
        continue;
      }
      const std::vector<float>& rows = batch.alignments.at(static_cast<size_t>(packing.order[at]));
      ops::require_equal("seq2seq", "the numbers of an alignment", static_cast<int64_t>(rows.size()),
                         (place.target_length - 1) * place.source_length);
      for (int64_t s = 0; s < place.source_length; ++s)
        costs.push_back(1 - static_cast<double>(rows[static_cast<size_t>(t * place.source_length + s)]));
    }
  return costs;
}

Seq2SeqLoss Seq2Seq::loss(Context& ctx, const Seq2SeqBatch& batch, double guidance) {
  const States states = reads_frames() ? run_encoder(ctx, batch.frames) : run_encoder(ctx, batch.sources);
  std::vector<int64_t> lengths;
  for (const auto& target : batch.targets) lengths.push_back(static_cast<int64_t>(target.size()) + 1);
  const Packing packing = Packing::make(lengths);
  const DecoderInput bridged = bridge(ctx, states, packing.order);
  std::vector<int32_t> consumed, wanted;
  for (int64_t t = 0; t < packing.seq_len(); ++t) {
    for (int64_t j = 0; j < packing.batch_sizes[static_cast<size_t>(t)]; ++j) {
      const auto at = static_cast<size_t>(t);
      const auto& target = batch.targets[static_cast<size_t>(packing.order[static_cast<size_t>(j)])];
      consumed.push_back(t == 0 ? vocabularies_.bos : read(target[at - 1]));
      wanted.push_back(at < target.size() ? target[at] : vocabularies_.eos);
    }
  }
  DecoderInput in = bridged;
  in.embedded = drop(ctx, embed_target(ctx.tape, consumed));
  const DecoderOutput out = attention_decoder(ctx.tape, cell(), packing, in, decoder_weights(), decoder_options());
  const Var joined = ops::concat_columns(ctx.tape, {out.features, in.embedded});
  const Var readout = drop(ctx, hidden_readout(ctx.tape, joined));
  const double smoothing = ctx.training ? config_.label_smoothing : 0.0;
  ops::CrossEntropy ce;
  if (copies()) {
    const ops::CopyRows rows = copy_rows(batch, packing, out.weight_offsets);
    const Var gate = ops::linear(ctx.tape, joined, copy_weight_, copy_bias_);
    ce = ops::linear_copy_cross_entropy(ctx.tape, readout, output_weight_, output_bias_, gate, out.weights, rows,
                                        wanted, smoothing, !ctx.training);
  } else {
    ce = ops::linear_cross_entropy(ctx.tape, readout, output_weight_, output_bias_, wanted, smoothing, !ctx.training);
  }
  Seq2SeqLoss result{ce.loss, ce.nll_sum, packing.rows(), ce.correct};
  if (guidance > 0 && score_ != Score::none)
    result.loss = ops::add(
        ctx.tape, result.loss,
        ops::scale(
            ctx.tape,
            guided_attention_loss(ctx.tape, out.weights, attention_costs(batch, packing, in.sources), packing.rows()),
            guidance));
  return result;
}

Encoded Seq2Seq::encode(Context& ctx, const std::vector<std::vector<int32_t>>& sources) {
  return encoded(ctx, run_encoder(ctx, sources));
}

Encoded Seq2Seq::encode(Context& ctx, const FrameBatch& frames) {
  return encoded(ctx, run_encoder(ctx, frames));
}

Encoded Seq2Seq::encoded(Context& ctx, const States& states) {
  std::vector<int64_t> order(states.packing.order.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  return {bridge(ctx, states, order), static_cast<int64_t>(order.size())};
}

/// Runs the cell's specification beside the fused step, for people who look at one input.
void Seq2Seq::record_step(const Context& ctx, const Var& embedded, const DecoderState& before,
                          const DecoderState& after) const {
  std::vector<Var> input{embedded};
  // C_t is asked for before the cell, or after it; then the cell was fed the one before.
  if (config_.context != "init") input.emplace_back(config_.query == "current" ? before.context : after.context);
  std::vector<Var> state;
  for (const Tensor& s : before.states) state.emplace_back(s);
  const Var product = ops::linear(nullptr, ops::concat_columns(nullptr, input), decoder_.w_ih, Var());
  const Cell::Stepped stepped = cell().step(nullptr, product, decoder_, state);
  const std::vector<std::string> gates = cell().gate_names(), states = cell().state_names();
  for (size_t g = 0; g < gates.size(); ++g) ctx.record("decoder/" + gates[g], stepped.gates[g].value());
  for (size_t s = 0; s < states.size(); ++s) ctx.record("decoder/" + states[s], stepped.state[s].value());
}

Tensor Seq2Seq::step(const Context& ctx, const Encoded& encoded, const std::vector<SourceSpan>& rows,
                     std::span<const int32_t> tokens, DecoderState& state, Tensor* attention, Tensor* gate) {
  std::vector<int32_t> consumed;
  for (const int32_t token : tokens) consumed.push_back(read(token));
  const Var embedded = embed_target(nullptr, consumed);
  const DecoderState before = ctx.recorder ? state : DecoderState();
  Tensor features;
  attention_decoder_step(cell(), embedded.value(), encoded.input, rows, decoder_weights(), decoder_options(), state,
                         features, attention);
  if (ctx.recorder) record_step(ctx, embedded, before, state);
  const Var joined = ops::concat_columns(nullptr, {Var(features), embedded});
  if (gate && copies()) *gate = ops::linear(nullptr, joined, copy_weight_, copy_bias_).value();
  return ops::linear(nullptr, hidden_readout(nullptr, joined), output_weight_, output_bias_).value();
}

}  // namespace carousel::nn
