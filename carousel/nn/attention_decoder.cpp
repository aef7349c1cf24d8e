#include "carousel/nn/attention_decoder.h"

#include <omp.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/parallel.h"
#include "carousel/autograd/weights.h"
#include "carousel/nn/shards.h"

namespace carousel::nn {

namespace {

/// The widths of a decoder.
struct Sizes {
  int64_t hidden, embed, width, dim, gates, fed;  // H, E, M, A, G*H, M when the context is fed and 0 otherwise
};

Sizes sizes_of(const Cell& cell, const Tensor& embedded, const DecoderInput& in, const DecoderWeights& w,
               const DecoderOptions& options) {
  Sizes s{};
  s.hidden = w.w_hh.value().dim(1);
  s.embed = embedded.dim(1);
  s.width = in.memory.value().dim(1);
  s.dim = in.keys.value().dim(1);
  s.gates = cell.num_gates() * s.hidden;
  s.fed = options.feed_context ? s.width : 0;
  ops::require_equal("decoder", "the rows of w_hh (gates times hidden_size)", w.w_hh.value().dim(0), s.gates);
  ops::require_equal("decoder", "the rows of w_ih (gates times hidden_size)", w.w_ih.value().dim(0), s.gates);
  ops::require_equal("decoder", "the columns of w_ih (embedding and fed context)", w.w_ih.value().dim(1),
                     s.embed + s.fed);
  if (is_additive(options.score)) {
    ops::require_equal("decoder", "the rows of w_query (width of a key)", w.w_query.value().dim(0), s.dim);
    ops::require_equal("decoder", "the columns of w_query (hidden_size)", w.w_query.value().dim(1), s.hidden);
  } else if (options.score != Score::none && s.dim != s.hidden) {
    throw ShapeError(
        fmt::format("[attention] the score '{}' needs keys as wide as the decoder state; got {} and {}. Use attention "
                    "= general, mlp or "
                    "additive, which project, or make the widths equal.",
                    name_of(options.score), s.dim, s.hidden));
  }
  return s;
}

template <class T>
T score_factor(Score score, int64_t hidden) {
  return score == Score::scaled_dot ? T(1) / std::sqrt(static_cast<T>(hidden)) : T(1);
}

template <class T>
AttentionRow<T> row_of(const Sizes& s, const DecoderOptions& options, const DecoderInput& in, const DecoderWeights& w,
                       SourceSpan source) {
  return {options.score,
          source.len,
          s.dim,
          s.width,
          in.keys.value().template data<T>() + source.begin * s.dim,
          in.memory.value().template data<T>() + source.begin * s.width,
          w.v.defined() ? w.v.value().template data<T>() : nullptr,
          score_factor<T>(options.score, s.hidden)};
}

/// One forward pass and what its backward needs.
template <class T>
class Decoder {
 public:
  Decoder(const Cell& cell, const Packing& packing, const DecoderInput& input, const DecoderWeights& weights,
          const DecoderOptions& options)
      : cell_(cell.fused<T>()),
        packing_(packing),
        in_(input),
        w_(weights),
        options_(options),
        s_(sizes_of(cell, input.embedded.value(), input, weights, options)) {
    const int64_t rows = packing.rows();
    const DType dtype = dtype_of<T>();
    gates_ = Tensor::empty({rows, s_.gates}, dtype);
    cells_ = Tensor::empty({rows, s_.hidden}, dtype);
    h_prev_ = Tensor::empty({rows, s_.hidden}, dtype);
    if (s_.fed) fed_ = Tensor::empty({rows, s_.width}, dtype);
    if (is_additive(options.score)) {
      query_ = Tensor::empty({rows, s_.dim}, dtype);
      if (options.current_query) h_now_ = Tensor::empty({rows, s_.hidden}, dtype);
    }
    offsets_.reserve(static_cast<size_t>(rows) + 1);
    offsets_.push_back(0);
    for (const int64_t running : packing.batch_sizes)
      for (int64_t j = 0; j < running; ++j)
        offsets_.push_back(offsets_.back() + in_.sources[static_cast<size_t>(j)].len);
    const int64_t work = rows * s_.gates * (s_.hidden + s_.width + s_.embed);
    threads_ = static_cast<int>(
        std::clamp<int64_t>(worthwhile_threads(work, 1 << 18), 1, std::max<int64_t>(1, packing.batch_size())));
    bounds_ = shard_boundaries(packing_, threads_);
  }

  const Sizes& sizes() const { return s_; }
  const std::vector<int64_t>& offsets() const { return offsets_; }

  void forward(Tensor& features, Tensor& attention) {
    pack(true);
    features_ = features.data<T>();
    attention_ = attention.data<T>();
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      for (int64_t shard = omp_get_thread_num(); shard < threads_; shard += omp_get_num_threads()) {
        const Range part = part_of(packing_.rows(), shard, threads_, 8);
        if (part.size() > 0)
          embed_weight(true).multiply(part.size(), in_.embedded.value().template data<T>() + part.begin * s_.embed,
                                      gates_.data<T>() + part.begin * s_.gates, false);
      }
#pragma omp barrier
      for (int64_t shard = omp_get_thread_num(); shard < threads_; shard += omp_get_num_threads())
        for (int64_t t = 0; t < packing_.seq_len(); ++t) forward_step(rows_of(t, shard));
    }
  }

  void backward(const Var& features, const Var& attention) {
    pack(false);
    prepare_gradients(features, attention);
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      for (int64_t shard = omp_get_thread_num(); shard < threads_; shard += omp_get_num_threads()) {
        std::vector<T> scratch;
        for (int64_t t = packing_.seq_len() - 1; t >= 0; --t) backward_step(rows_of(t, shard), shard, scratch);
      }
    }
    weight_gradients();
    give(in_.h0, carry_h_);
    give(in_.c0, carry_c_);
  }

 private:
  static void give(const Var& v, const Tensor& grad) {
    if (v.requires_grad()) v.add_grad(grad);
  }

  const kernels::Packed<T>& embed_weight(bool forward) const {
    return packed_weight<T>(w_.w_ih, {.transposed = forward, .begin = 0, .end = s_.embed});
  }
  const kernels::Packed<T>& context_weight(bool forward) const {
    return packed_weight<T>(w_.w_ih, {.transposed = forward, .begin = s_.embed, .end = s_.embed + s_.fed});
  }
  const kernels::Packed<T>& state_weight(bool forward) const {
    return packed_weight<T>(w_.w_hh, {.transposed = forward});
  }
  const kernels::Packed<T>& query_weight(bool forward) const {
    return packed_weight<T>(w_.w_query, {.transposed = forward});
  }

  /// Before a parallel region: packing is not thread-safe.
  void pack(bool forward) {
    embed_weight(forward);
    state_weight(forward);
    if (s_.fed) context_weight(forward);
    if (is_additive(options_.score)) query_weight(forward);
  }

  StepRows rows_of(int64_t t, int64_t shard) const {
    return step_rows(packing_, t, false, bounds_[static_cast<size_t>(shard)], bounds_[static_cast<size_t>(shard) + 1]);
  }
  int64_t feature_width() const {
    return s_.hidden + s_.width;
  }

  /// Attention of every row with queries [count, ldq] into the context half of the features.
  void attend(const StepRows& r, const T* queries, int64_t ldq) {
    for (int64_t j = r.first; j < r.last; ++j) {
      const int64_t i = j - r.first, row = r.row + i;
      row_of<T>(s_, options_, in_, w_, in_.sources[static_cast<size_t>(j)])
          .forward(queries + i * ldq, attention_ + offsets_[static_cast<size_t>(row)],
                   features_ + row * feature_width() + s_.hidden);
    }
  }

  void copy_context(const StepRows& r, int64_t from_row) {
    for (int64_t i = 0; i < r.count(); ++i)
      std::memcpy(fed_.data<T>() + (r.row + i) * s_.width, features_ + (from_row + i) * feature_width() + s_.hidden,
                  sizeof(T) * static_cast<size_t>(s_.width));
  }

  void forward_step(const StepRows& r) {
    if (r.count() == 0) return;
    const int64_t n = s_.hidden, m = r.count();
    const bool first = r.continued == r.first;  // forward direction: all rows continue, or all begin
    T* h_prev = h_prev_.data<T>() + r.row * n;
    for (int64_t i = 0; i < m; ++i) {
      const T* from = first ? in_.h0.value().template data<T>() + (r.first + i) * n
                            : features_ + (r.previous + i) * feature_width();
      std::memcpy(h_prev + i * n, from, sizeof(T) * static_cast<size_t>(n));
    }
    const bool additive = is_additive(options_.score);
    if (!options_.current_query) {
      T* query = additive ? query_.data<T>() + r.row * s_.dim : h_prev;
      if (additive) query_weight(true).multiply(m, h_prev, query, false);
      attend(r, query, additive ? s_.dim : n);
      if (s_.fed) copy_context(r, r.row);
    } else if (s_.fed) {
      if (first) {
        std::memset(fed_.data<T>() + r.row * s_.width, 0, sizeof(T) * static_cast<size_t>(m * s_.width));
      } else {
        copy_context(r, r.previous);
      }
    }
    T* gates = gates_.data<T>() + r.row * s_.gates;
    state_weight(true).multiply(m, h_prev, gates, true);
    if (s_.fed) context_weight(true).multiply(m, fed_.data<T>() + r.row * s_.width, gates, true);
    const T* c_prev = first ? in_.c0.value().template data<T>() + r.first * n : cells_.data<T>() + r.previous * n;
    cell_.forward({m, n, gates, w_.bias.defined() ? w_.bias.value().template data<T>() : nullptr, c_prev,
                   cells_.data<T>() + r.row * n, features_ + r.row * feature_width(), feature_width()});
    if (!options_.current_query) return;
    if (!additive) {
      attend(r, features_ + r.row * feature_width(), feature_width());
      return;
    }
    T* h_now = h_now_.data<T>() + r.row * n;
    for (int64_t i = 0; i < m; ++i)
      std::memcpy(h_now + i * n, features_ + (r.row + i) * feature_width(), sizeof(T) * static_cast<size_t>(n));
    query_weight(true).multiply(m, h_now, query_.data<T>() + r.row * s_.dim, false);
    attend(r, query_.data<T>() + r.row * s_.dim, s_.dim);
  }

  void prepare_gradients(const Var& features, const Var& attention) {
    const DType dtype = dtype_of<T>();
    const int64_t batch = packing_.batch_size();
    d_features_ = features.has_grad() ? features.grad().template data<T>() : nullptr;
    d_attention_ = attention.has_grad() ? attention.grad().template data<T>() : nullptr;
    carry_h_ = Tensor::zeros({batch, s_.hidden}, dtype);
    carry_c_ = Tensor::zeros({batch, s_.hidden}, dtype);
    d_context_ = Tensor::zeros({batch, s_.width}, dtype);
    d_memory_ =
        in_.memory.requires_grad() ? in_.memory.grad_or_zeros() : Tensor::zeros(in_.memory.value().shape(), dtype);
    if (in_.keys.same(in_.memory)) {
      d_keys_ = d_memory_;
    } else {
      d_keys_ = in_.keys.requires_grad() ? in_.keys.grad_or_zeros() : Tensor::zeros(in_.keys.value().shape(), dtype);
    }
    d_query_ = Tensor::empty({packing_.rows(), s_.dim}, dtype);
    d_v_ = Tensor::zeros({threads_, s_.dim}, dtype);
  }

  /// d_context_ rows hold dL/dC of this step; leaves dL/dquery in d_query_.
  void attention_step_backward(const StepRows& r, int64_t shard, std::vector<T>& scratch) {
    for (int64_t j = r.first; j < r.last; ++j) {
      const int64_t row = r.row + j - r.first;
      const SourceSpan source = in_.sources[static_cast<size_t>(j)];
      scratch.resize(std::max(scratch.size(), static_cast<size_t>(source.len)));
      const T* query = is_additive(options_.score) ? query_.data<T>() + row * s_.dim
                       : options_.current_query    ? features_ + row * feature_width()
                                                   : h_prev_.data<T>() + row * s_.hidden;
      const int64_t at = offsets_[static_cast<size_t>(row)];
      attention_backward<T>(row_of<T>(s_, options_, in_, w_, source), query, attention_ + at,
                            d_context_.data<T>() + j * s_.width, d_attention_ ? d_attention_ + at : nullptr,
                            scratch.data(),
                            {d_keys_.data<T>() + source.begin * s_.dim, d_memory_.data<T>() + source.begin * s_.width,
                             d_v_.data<T>() + shard * s_.dim, d_query_.data<T>() + row * s_.dim});
    }
  }

  /// carry_h_ += what the query passes back to the state it was made of.
  void query_to_state(const StepRows& r) {
    if (options_.score == Score::none) return;
    const T* d_query = d_query_.data<T>() + r.row * s_.dim;
    T* carry = carry_h_.data<T>() + r.first * s_.hidden;
    if (is_additive(options_.score)) {
      query_weight(false).multiply(r.count(), d_query, carry, true);
    } else {
      kernels::table<T>().axpy(r.count() * s_.hidden, T(1), d_query, carry);
    }
  }

  void add_feature_gradient(const StepRows& r, int64_t column, int64_t width, Tensor& to) {
    if (!d_features_) return;
    for (int64_t j = r.first; j < r.last; ++j)
      kernels::table<T>().axpy(width, T(1), d_features_ + (r.row + j - r.first) * feature_width() + column,
                               to.data<T>() + j * width);
  }

  void backward_step(const StepRows& r, int64_t shard, std::vector<T>& scratch) {
    if (r.count() == 0) return;
    const int64_t n = s_.hidden, m = r.count();
    const bool first = r.continued == r.first;
    T *carry_h = carry_h_.data<T>() + r.first * n, *d_context = d_context_.data<T>() + r.first * s_.width;
    add_feature_gradient(r, 0, n, carry_h_);
    if (options_.current_query) {
      // d_context_ carries dL/dC_t from the cell input of step t + 1.
      add_feature_gradient(r, n, s_.width, d_context_);
      attention_step_backward(r, shard, scratch);
      query_to_state(r);
    }
    T* gates = gates_.data<T>() + r.row * s_.gates;
    const T* c_prev = first ? in_.c0.value().template data<T>() + r.first * n : cells_.data<T>() + r.previous * n;
    cell_.backward({m, n, gates, cells_.data<T>() + r.row * n, c_prev, carry_h, n, carry_c_.data<T>() + r.first * n});
    if (s_.fed) {
      context_weight(false).multiply(m, gates, d_context, false);
    } else {
      std::memset(d_context, 0, sizeof(T) * static_cast<size_t>(m * s_.width));
    }
    state_weight(false).multiply(m, gates, carry_h, false);
    if (options_.current_query) return;
    add_feature_gradient(r, n, s_.width, d_context_);
    attention_step_backward(r, shard, scratch);
    query_to_state(r);
  }

  void weight_gradients() {
    const int64_t rows = packing_.rows(), columns = s_.embed + s_.fed;
    const T* gates = gates_.data<T>();
    if (w_.w_ih.requires_grad()) {
      auto [dw, accumulate] = w_.w_ih.grad_target();
      T* d = dw.template data<T>();
      product<T>({true, false, s_.gates, s_.embed, rows, gates, s_.gates, in_.embedded.value().template data<T>(),
                  s_.embed, d, columns, accumulate});
      if (s_.fed)
        product<T>({true, false, s_.gates, s_.width, rows, gates, s_.gates, fed_.data<T>(), s_.width, d + s_.embed,
                    columns, accumulate});
    }
    if (w_.w_hh.requires_grad()) ops::accumulate_weight_gradient(w_.w_hh, gates_, h_prev_);
    if (w_.bias.requires_grad()) ops::accumulate_bias_gradient(w_.bias, gates_);
    if (w_.w_query.requires_grad())
      ops::accumulate_weight_gradient(w_.w_query, d_query_, options_.current_query ? h_now_ : h_prev_);
    if (w_.v.requires_grad()) ops::accumulate_bias_gradient(w_.v, d_v_);
    if (in_.embedded.requires_grad()) {
      auto [dx, accumulate] = in_.embedded.grad_target();
      product<T>(embed_weight(false), rows, s_.gates, s_.embed, gates, dx.template data<T>(), accumulate);
    }
  }

  FusedCell<T> cell_;
  Packing packing_;
  DecoderInput in_;
  DecoderWeights w_;
  DecoderOptions options_;
  Sizes s_;
  Tensor gates_, cells_, h_prev_, h_now_, fed_, query_;
  std::vector<int64_t> offsets_;
  int threads_ = 1;
  std::vector<int64_t> bounds_;
  T *features_ = nullptr, *attention_ = nullptr;
  const T *d_features_ = nullptr, *d_attention_ = nullptr;
  Tensor carry_h_, carry_c_, d_context_, d_memory_, d_keys_, d_query_, d_v_;
};

template <class T>
DecoderOutput run(Tape* tape, const Cell& cell, const Packing& packing, const DecoderInput& input,
                  const DecoderWeights& weights, const DecoderOptions& options) {
  if (!cell.fused<T>())
    throw UnsupportedError(
        fmt::format("[decoder] the decoder needs a cell with a fused kernel; got '{}'. Use cell = lstm.", cell.name()));
  auto decoder = std::make_shared<Decoder<T>>(cell, packing, input, weights, options);
  DecoderOutput out;
  out.weight_offsets = decoder->offsets();
  out.features = Var(Tensor::empty({packing.rows(), decoder->sizes().hidden + decoder->sizes().width}, dtype_of<T>()));
  out.weights = Var(Tensor::empty({out.weight_offsets.back()}, dtype_of<T>()));
  decoder->forward(out.features.mutable_value(), out.weights.mutable_value());
  if (tape) {
    std::vector<Var> inputs;
    for (const Var& v : {input.embedded, input.memory, input.keys, input.h0, input.c0, weights.w_ih, weights.w_hh,
                         weights.bias, weights.w_query, weights.v})
      if (v.defined()) inputs.push_back(v);
    tape->record({out.features, out.weights}, inputs, [decoder, features = out.features, attention = out.weights]() {
      decoder->backward(features, attention);
    });
  }
  return out;
}

template <class T>
void step(const Cell& cell, const Tensor& embedded, const DecoderInput& input, const std::vector<SourceSpan>& sources,
          const DecoderWeights& w, const DecoderOptions& options, DecoderState& state, Tensor& features,
          Tensor* attention) {
  const Sizes s = sizes_of(cell, embedded, input, w, options);
  const int64_t rows = embedded.dim(0), n = s.hidden, feature_width = n + s.width;
  const DType dtype = dtype_of<T>();
  std::vector<int64_t> offsets{0};
  for (const SourceSpan& source : sources) offsets.push_back(offsets.back() + source.len);
  Tensor weights = Tensor::empty({offsets.back()}, dtype), gates = Tensor::empty({rows, s.gates}, dtype);
  features = Tensor::empty({rows, feature_width}, dtype);
  const auto attend = [&](const Tensor& h) {
    Tensor query = h;
    if (is_additive(options.score)) {
      query = Tensor::empty({rows, s.dim}, dtype);
      product<T>(packed_weight<T>(w.w_query, {.transposed = true}), rows, n, s.dim, h.data<T>(), query.data<T>(),
                 false);
    }
    parallel_for(rows, 64 * s.dim, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        row_of<T>(s, options, input, w, sources[static_cast<size_t>(i)])
            .forward(query.data<T>() + i * query.dim(1), weights.data<T>() + offsets[static_cast<size_t>(i)],
                     state.context.data<T>() + i * s.width);
    });
  };
  if (!options.current_query) attend(state.h);
  product<T>(packed_weight<T>(w.w_ih, {.transposed = true, .begin = 0, .end = s.embed}), rows, s.embed, s.gates,
             embedded.data<T>(), gates.data<T>(), false);
  product<T>(packed_weight<T>(w.w_hh, {.transposed = true}), rows, n, s.gates, state.h.data<T>(), gates.data<T>(),
             true);
  if (s.fed)
    product<T>(packed_weight<T>(w.w_ih, {.transposed = true, .begin = s.embed, .end = s.embed + s.fed}), rows, s.width,
               s.gates, state.context.data<T>(), gates.data<T>(), true);
  cell.fused<T>().forward({rows, n, gates.data<T>(), w.bias.defined() ? w.bias.value().template data<T>() : nullptr,
                           state.c.data<T>(), state.c.data<T>(), state.h.data<T>(), n});
  if (options.current_query) attend(state.h);
  for (int64_t i = 0; i < rows; ++i) {
    T* to = features.data<T>() + i * feature_width;
    std::memcpy(to, state.h.data<T>() + i * n, sizeof(T) * static_cast<size_t>(n));
    std::memcpy(to + n, state.context.data<T>() + i * s.width, sizeof(T) * static_cast<size_t>(s.width));
  }
  if (attention) *attention = weights;
}

}  // namespace

DecoderOutput attention_decoder(Tape* tape, const Cell& cell, const Packing& packing, const DecoderInput& input,
                                const DecoderWeights& weights, const DecoderOptions& options) {
  ops::require_rank("decoder", "embedded", input.embedded.value(), 2);
  ops::require_equal("decoder", "the rows of embedded", input.embedded.value().dim(0), packing.rows());
  ops::require_equal("decoder", "the number of sources", static_cast<int64_t>(input.sources.size()),
                     packing.batch_size());
  return ops::with_scalar(input.embedded.value().dtype(),
                          [&]<class T>() { return run<T>(tape, cell, packing, input, weights, options); });
}

void attention_decoder_step(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                            const std::vector<SourceSpan>& sources, const DecoderWeights& weights,
                            const DecoderOptions& options, DecoderState& state, Tensor& features, Tensor* attention) {
  ops::require_rank("decoder", "embedded", embedded, 2);
  ops::with_scalar(embedded.dtype(), [&]<class T>() {
    step<T>(cell, embedded, input, sources, weights, options, state, features, attention);
  });
}

}  // namespace carousel::nn
