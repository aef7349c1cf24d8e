// The attention decoder as a graph of small ops: the specification, and what cells without a fused kernel run through.
#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/nn/attention_decoder_sizes.h"

namespace carousel::nn {

DecoderSizes decoder_sizes(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                           const DecoderWeights& weights, const DecoderOptions& options) {
  DecoderSizes s{};
  const CellWeights& w = weights.cell;
  s.hidden = w.w_ih.value().dim(0) / cell.num_gates();
  s.state = cell.output_size(s.hidden);
  s.embed = embedded.dim(1);
  s.width = input.memory.value().dim(1);
  s.dim = input.keys.value().dim(1);
  s.gates = cell.num_gates() * s.hidden;
  s.fed = options.feed_context ? s.width : 0;
  ops::require_equal("decoder", "the rows of w_ih (gates times hidden_size)", w.w_ih.value().dim(0), s.gates);
  ops::require_equal("decoder", "the columns of w_ih (embedding and fed context)", w.w_ih.value().dim(1),
                     s.embed + s.fed);
  if (cell.has_recurrent_weight()) {
    ops::require_equal("decoder", "the rows of w_hh (gates times hidden_size)", w.w_hh.value().dim(0), s.gates);
    ops::require_equal("decoder", "the columns of w_hh (width of h)", w.w_hh.value().dim(1), s.state);
  }
  if (is_additive(options.score)) {
    ops::require_equal("decoder", "the rows of w_query (width of a key)", weights.w_query.value().dim(0), s.dim);
    ops::require_equal("decoder", "the columns of w_query (width of h)", weights.w_query.value().dim(1), s.state);
  } else if (options.score != Score::none && s.dim != s.state) {
    throw ShapeError(
        fmt::format("[attention] the score '{}' needs keys as wide as the decoder state; got {} and {}. Use attention "
                    "= general, mlp or additive, which project, or make the widths equal.",
                    name_of(options.score), s.dim, s.state));
  }
  return s;
}

namespace {

/// Decoders under way, one row each.
class Stepper {
 public:
  Stepper(Tape* tape, const Cell& cell, const DecoderInput& input, const DecoderWeights& weights,
          const DecoderOptions& options, const DecoderSizes& sizes)
      : tape_(tape), cell_(cell), in_(input), w_(weights), options_(options), s_(sizes) {
    if (s_.fed) context_weight_ = ops::slice_columns(tape_, w_.cell.w_ih, s_.embed, s_.embed + s_.fed);
  }

  struct State {
    std::vector<Var> states;
    Var context;
  };

  /// The embedded part of the cell's input product.
  Var embed(const Var& embedded) const {
    return ops::linear(tape_, embedded, ops::slice_columns(tape_, w_.cell.w_ih, 0, s_.embed), Var());
  }

  /// One step; returns features [m, P + M] and the weights of each row one after the other.
  std::pair<Var, Var> step(const Var& products, const std::vector<SourceSpan>& sources, State& state) const {
    Var weights;
    if (!options_.current_query) attend(sources, state, weights);
    Var input = products;
    if (s_.fed) input = ops::add(tape_, input, ops::linear(tape_, state.context, context_weight_, Var()));
    state.states = cell_.step(tape_, input, w_.cell, state.states).state;
    if (options_.current_query) attend(sources, state, weights);
    return {ops::concat_columns(tape_, {state.states[0], state.context}), weights};
  }

 private:
  /// state.context and `weights` of queries made of h.
  void attend(const std::vector<SourceSpan>& sources, State& state, Var& weights) const {
    const Var query =
        is_additive(options_.score) ? ops::linear(tape_, state.states[0], w_.w_query, Var()) : state.states[0];
    std::vector<int64_t> offsets{0};
    for (const SourceSpan& source : sources) offsets.push_back(offsets.back() + source.len);
    const DType dtype = query.value().dtype();
    const Var context(Tensor::empty({static_cast<int64_t>(sources.size()), s_.width}, dtype));
    const Var alpha(Tensor::empty({offsets.back()}, dtype));
    ops::with_scalar(dtype, [&]<class T>() {
      T *to = context.mutable_value().data<T>(), *share = alpha.mutable_value().data<T>();
      for (size_t i = 0; i < sources.size(); ++i)
        attention_row<T>(s_, options_, in_, w_, sources[i])
            .forward(query.value().data<T>() + static_cast<int64_t>(i) * query.value().dim(1), share + offsets[i],
                     to + static_cast<int64_t>(i) * s_.width);
    });
    if (tape_) {
      std::vector<Var> inputs{query, in_.memory, in_.keys};
      if (w_.v.defined()) inputs.push_back(w_.v);
      tape_->record({context, alpha}, inputs, [stepper = *this, sources, offsets, query, context, alpha]() {
        ops::with_scalar(query.value().dtype(),
                         [&]<class T>() { stepper.attend_backward<T>(sources, offsets, query, context, alpha); });
      });
    }
    state.context = context;
    weights = alpha;
  }

  template <class T>
  void attend_backward(const std::vector<SourceSpan>& sources, const std::vector<int64_t>& offsets, const Var& query,
                       const Var& context, const Var& alpha) const {
    const auto gradient = [](const Var& v) {
      return v.requires_grad() ? v.grad_or_zeros() : Tensor::zeros(v.value().shape(), dtype_of<T>());
    };
    Tensor d_memory = gradient(in_.memory), d_keys = in_.keys.same(in_.memory) ? d_memory : gradient(in_.keys);
    Tensor d_v = w_.v.defined() ? gradient(w_.v) : Tensor::zeros({s_.dim}, dtype_of<T>());
    Tensor d_query = Tensor::zeros(query.value().shape(), dtype_of<T>());
    const Tensor d_context =
        context.has_grad() ? context.grad() : Tensor::zeros(context.value().shape(), dtype_of<T>());
    std::vector<T> scratch;
    for (size_t i = 0; i < sources.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      const SourceSpan source = sources[i];
      scratch.resize(std::max(scratch.size(), static_cast<size_t>(source.len)));
      attention_backward<T>(
          attention_row<T>(s_, options_, in_, w_, source),
          query.value().template data<T>() + row * query.value().dim(1), alpha.value().template data<T>() + offsets[i],
          d_context.template data<T>() + row * s_.width,
          alpha.has_grad() ? alpha.grad().template data<T>() + offsets[i] : nullptr, scratch.data(),
          {d_keys.template data<T>() + source.begin * s_.dim, d_memory.template data<T>() + source.begin * s_.width,
           d_v.template data<T>(), d_query.template data<T>() + row * query.value().dim(1)});
    }
    if (query.requires_grad()) query.add_grad(d_query);
  }

  Tape* tape_;
  const Cell& cell_;
  DecoderInput in_;
  DecoderWeights w_;
  DecoderOptions options_;
  DecoderSizes s_;
  Var context_weight_;
};

}  // namespace

DecoderOutput attention_decoder_by_steps(Tape* tape, const Cell& cell, const Packing& packing,
                                         const DecoderInput& input, const DecoderWeights& weights,
                                         const DecoderOptions& options) {
  const DecoderSizes sizes = decoder_sizes(cell, input.embedded.value(), input, weights, options);
  const Stepper stepper(tape, cell, input, weights, options, sizes);
  const DType dtype = input.embedded.value().dtype();
  Stepper::State state{input.initial, Var(Tensor::zeros({packing.batch_size(), sizes.width}, dtype))};
  const Var products = stepper.embed(input.embedded);
  std::vector<Var> features, attention;
  DecoderOutput out;
  out.weight_offsets.push_back(0);
  for (int64_t t = 0; t < packing.seq_len(); ++t) {
    const int64_t alive = packing.batch_sizes[static_cast<size_t>(t)];
    const auto first = [&](const Var& v) { return ops::slice_rows(tape, v, 0, alive); };
    if (t > 0 && alive < packing.batch_sizes[static_cast<size_t>(t - 1)]) {
      for (Var& s : state.states) s = first(s);
      state.context = first(state.context);
    }
    const std::vector<SourceSpan> sources(input.sources.begin(), input.sources.begin() + alive);
    const auto [row, weight] =
        stepper.step(ops::slice_rows(tape, products, packing.row(t, 0), packing.row(t, alive)), sources, state);
    features.push_back(row);
    attention.push_back(ops::reshape(tape, weight, {weight.value().numel(), 1}));
    for (const SourceSpan& source : sources) out.weight_offsets.push_back(out.weight_offsets.back() + source.len);
  }
  out.features = ops::concat_rows(tape, features);
  out.weights = ops::reshape(tape, ops::concat_rows(tape, attention), {out.weight_offsets.back()});
  return out;
}

void attention_decoder_step_by_ops(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                                   const std::vector<SourceSpan>& sources, const DecoderWeights& weights,
                                   const DecoderOptions& options, DecoderState& state, Tensor& features,
                                   Tensor* attention) {
  const Stepper stepper(nullptr, cell, input, weights, options, decoder_sizes(cell, embedded, input, weights, options));
  Stepper::State running;
  for (const Tensor& s : state.states) running.states.emplace_back(s);
  running.context = Var(state.context);
  const auto [row, weight] = stepper.step(stepper.embed(Var(embedded)), sources, running);
  for (size_t i = 0; i < state.states.size(); ++i) state.states[i] = running.states[i].value();
  state.context = running.context.value();
  features = row.value();
  if (attention) *attention = weight.value();
}

}  // namespace carousel::nn
