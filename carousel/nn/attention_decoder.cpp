#include "carousel/nn/attention_decoder.h"

#include <omp.h>

#include <cstring>
#include <memory>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/nn/attention_decoder_sizes.h"
#include "carousel/nn/cell_trace.h"

namespace carousel::nn {

namespace {

/// The inputs of the cell: the embedding and, when it is fed, the context.
std::vector<InputColumns> input_columns(const DecoderSizes& s) {
  if (s.fed == 0) return {{0, s.embed}};
  return {{0, s.embed}, {s.embed, s.embed + s.fed}};
}

constexpr size_t kEmbedding = 0, kContext = 1;

/// One forward pass and what its backward needs.
template <class T>
class Decoder {
 public:
  Decoder(const Cell& cell, const Packing& packing, const DecoderInput& input, const DecoderWeights& weights,
          const DecoderOptions& options)
      : packing_(packing),
        in_(input),
        w_(weights),
        options_(options),
        s_(decoder_sizes(cell, input.embedded.value(), input, weights, options)),
        trace_(cell, weights.cell, input.initial, input_columns(s_), {packing.rows(), packing.batch_size()}) {
    const int64_t rows = packing.rows();
    const DType dtype = dtype_of<T>();
    if (s_.fed) fed_ = Tensor::empty({rows, s_.width}, dtype);
    if (is_additive(options.score)) {
      query_ = Tensor::empty({rows, s_.dim}, dtype);
      if (options.current_query) h_now_ = Tensor::empty({rows, s_.state}, dtype);
    }
    offsets_.reserve(static_cast<size_t>(rows) + 1);
    offsets_.push_back(0);
    for (const int64_t running : packing.batch_sizes)
      for (int64_t j = 0; j < running; ++j)
        offsets_.push_back(offsets_.back() + in_.sources[static_cast<size_t>(j)].len);
    const int64_t work = rows * s_.gates * (s_.state + s_.width + s_.embed);
    threads_ = static_cast<int>(
        std::clamp<int64_t>(worthwhile_threads(work, 1 << 18), 1, std::max<int64_t>(1, packing.batch_size())));
    bounds_ = shard_boundaries(packing_, threads_);
  }

  const DecoderSizes& sizes() const { return s_; }
  const std::vector<int64_t>& offsets() const { return offsets_; }

  void forward(Tensor& features, Tensor& attention) {
    trace_.pack_forward();
    pack_query(true);
    features_ = features.data<T>();
    attention_ = attention.data<T>();
    const T* embedded = in_.embedded.value().template data<T>();
    ParallelGuard guard;
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      guard.run([&] {
        each_shard([&](int64_t shard) {
          const Range part = part_of(packing_.rows(), shard, threads_, 8);
          trace_.input_product(kEmbedding, part.begin, part.size(), embedded + part.begin * s_.embed, false);
        });
      });
#pragma omp barrier
      guard.run([&] {
        each_shard([&](int64_t shard) {
          for (int64_t t = 0; t < packing_.seq_len(); ++t) forward_step(rows_of(t, shard));
        });
      });
    }
    guard.rethrow();
  }

  /// Before the tape keeps it.
  void rest() {
    trace_.rest();
  }

  void backward(const Var& features, const Var& attention) {
    prepare_gradients(features, attention);
    ParallelGuard guard;
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      guard.run([&] {
        each_shard([&](int64_t shard) {
          std::vector<T> scratch;
          for (int64_t t = packing_.seq_len() - 1; t >= 0; --t) backward_step(rows_of(t, shard), shard, scratch);
        });
      });
#pragma omp barrier
      guard.run([&] { each_shard([&](int64_t shard) { cell_gradients(shard); }); });
    }
    guard.rethrow();
    if (w_.w_query.requires_grad())
      ops::accumulate_weight_gradient(w_.w_query, d_query_, options_.current_query ? h_now_ : trace_.h_before_rows());
    if (w_.v.requires_grad()) ops::accumulate_bias_gradient(w_.v, d_v_);
    trace_.finish();
  }

 private:
  template <class Body>
  void each_shard(Body body) {
    for (int64_t shard = omp_get_thread_num(); shard < threads_; shard += omp_get_num_threads()) body(shard);
  }

  /// Before a parallel region: packing is not thread-safe.
  void pack_query(bool forward) {
    if (is_additive(options_.score)) query_weight_ = &packed_weight<T>(w_.w_query, {.transposed = forward});
  }

  StepRows rows_of(int64_t t, int64_t shard) const {
    return step_rows(packing_, t, false, bounds_[static_cast<size_t>(shard)], bounds_[static_cast<size_t>(shard) + 1]);
  }

  /// Attention of every row with queries [count, ldq] into the context half of the features.
  void attend(const StepRows& r, const T* queries, int64_t ldq) {
    for (int64_t j = r.first; j < r.last; ++j) {
      const int64_t i = j - r.first, row = r.row + i;
      attention_row<T>(s_, options_, in_, w_, in_.sources[static_cast<size_t>(j)])
          .forward(queries + i * ldq, attention_ + offsets_[static_cast<size_t>(row)],
                   features_ + row * s_.features() + s_.state);
    }
  }

  void copy_context(const StepRows& r, int64_t from_row) {
    for (int64_t i = 0; i < r.count(); ++i)
      std::memcpy(fed_.data<T>() + (r.row + i) * s_.width, features_ + (from_row + i) * s_.features() + s_.state,
                  sizeof(T) * static_cast<size_t>(s_.width));
  }

  void forward_step(const StepRows& r) {
    if (r.count() == 0) return;
    const int64_t n = s_.state, m = r.count();
    const bool first = r.continued == r.first;  // forward direction: all rows continue, or all begin
    trace_.start(r, features_, s_.features());
    const bool additive = is_additive(options_.score);
    if (!options_.current_query) {
      const T* query = trace_.h_before(r.row);
      if (additive) {
        query_weight_->multiply(m, query, query_.data<T>() + r.row * s_.dim, false);
        query = query_.data<T>() + r.row * s_.dim;
      }
      attend(r, query, additive ? s_.dim : n);
      if (s_.fed) copy_context(r, r.row);
    } else if (s_.fed) {
      if (first) {
        std::memset(fed_.data<T>() + r.row * s_.width, 0, sizeof(T) * static_cast<size_t>(m * s_.width));
      } else {
        copy_context(r, r.previous);
      }
    }
    if (s_.fed) trace_.input_product(kContext, r.row, m, fed_.data<T>() + r.row * s_.width, true);
    trace_.advance(r, features_, s_.features());
    if (!options_.current_query) return;
    if (!additive) {
      attend(r, features_ + r.row * s_.features(), s_.features());
      return;
    }
    T* h_now = h_now_.data<T>() + r.row * n;
    for (int64_t i = 0; i < m; ++i)
      std::memcpy(h_now + i * n, features_ + (r.row + i) * s_.features(), sizeof(T) * static_cast<size_t>(n));
    query_weight_->multiply(m, h_now, query_.data<T>() + r.row * s_.dim, false);
    attend(r, query_.data<T>() + r.row * s_.dim, s_.dim);
  }

  void prepare_gradients(const Var& features, const Var& attention) {
    const DType dtype = dtype_of<T>();
    const int64_t batch = packing_.batch_size();
    d_features_ = features.has_grad() ? features.grad().template data<T>() : nullptr;
    d_attention_ = attention.has_grad() ? attention.grad().template data<T>() : nullptr;
    std::vector<Tensor> carry;
    for (int64_t i = 0; i < trace_.num_states(); ++i) carry.push_back(Tensor::zeros({batch, s_.state}, dtype));
    trace_.pack_backward(std::move(carry), threads_);
    pack_query(false);
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
    d_embedded_ = in_.embedded.requires_grad() ? in_.embedded.grad_target() : Var::GradTarget{};
  }

  /// d_context_ rows hold dL/dC of this step; leaves dL/dquery in d_query_.
  void attention_step_backward(const StepRows& r, int64_t shard, std::vector<T>& scratch) {
    for (int64_t j = r.first; j < r.last; ++j) {
      const int64_t row = r.row + j - r.first;
      const SourceSpan source = in_.sources[static_cast<size_t>(j)];
      scratch.resize(std::max(scratch.size(), static_cast<size_t>(source.len)));
      const T* query = is_additive(options_.score) ? query_.data<T>() + row * s_.dim
                       : options_.current_query    ? features_ + row * s_.features()
                                                   : trace_.h_before(row);
      const int64_t at = offsets_[static_cast<size_t>(row)];
      attention_backward<T>(attention_row<T>(s_, options_, in_, w_, source), query, attention_ + at,
                            d_context_.data<T>() + j * s_.width, d_attention_ ? d_attention_ + at : nullptr,
                            scratch.data(),
                            {d_keys_.data<T>() + source.begin * s_.dim, d_memory_.data<T>() + source.begin * s_.width,
                             d_v_.data<T>() + shard * s_.dim, d_query_.data<T>() + row * s_.dim});
    }
  }

  /// The carried dL/dh += what the query passes back to the state it was made of.
  void query_to_state(const StepRows& r) {
    if (options_.score == Score::none) return;
    const T* d_query = d_query_.data<T>() + r.row * s_.dim;
    T* carry = trace_.carry_h(r.first);
    if (is_additive(options_.score)) {
      query_weight_->multiply(r.count(), d_query, carry, true);
    } else {
      kernels::table<T>().axpy(r.count() * s_.state, T(1), d_query, carry);
    }
  }

  /// Adds the gradient of columns [column, column + width) of the features to rows of `to`, which begin at r.first.
  void add_feature_gradient(const StepRows& r, int64_t column, int64_t width, T* to) {
    if (!d_features_) return;
    for (int64_t i = 0; i < r.count(); ++i)
      kernels::table<T>().axpy(width, T(1), d_features_ + (r.row + i) * s_.features() + column, to + i * width);
  }

  void backward_step(const StepRows& r, int64_t shard, std::vector<T>& scratch) {
    if (r.count() == 0) return;
    T* d_context = d_context_.data<T>() + r.first * s_.width;
    add_feature_gradient(r, 0, s_.state, trace_.carry_h(r.first));
    if (options_.current_query) {
      // d_context_ carries dL/dC_t from the cell input of step t + 1.
      add_feature_gradient(r, s_.state, s_.width, d_context);
      attention_step_backward(r, shard, scratch);
      query_to_state(r);
    }
    trace_.retreat(r, shard);
    if (s_.fed) {
      trace_.input_gradient(kContext, r.row, r.count(), d_context, false);
    } else {
      std::memset(d_context, 0, sizeof(T) * static_cast<size_t>(r.count() * s_.width));
    }
    if (options_.current_query) return;
    add_feature_gradient(r, s_.state, s_.width, d_context);
    attention_step_backward(r, shard, scratch);
    query_to_state(r);
  }

  /// This shard's part of the gradients of the cell's weights and of the embedded input.
  void cell_gradients(int64_t shard) {
    std::vector<const T*> inputs{in_.embedded.value().template data<T>()};
    if (s_.fed) inputs.push_back(fed_.data<T>());
    trace_.weight_gradients(shard, threads_, inputs);
    if (!d_embedded_.tensor.defined()) return;
    const Range part = part_of(packing_.rows(), shard, threads_, 8);
    trace_.input_gradient(kEmbedding, part.begin, part.size(),
                          d_embedded_.tensor.template data<T>() + part.begin * s_.embed, d_embedded_.accumulate);
  }

  Packing packing_;
  DecoderInput in_;
  DecoderWeights w_;
  DecoderOptions options_;
  DecoderSizes s_;
  CellTrace<T> trace_;
  Tensor h_now_, fed_, query_;
  std::vector<int64_t> offsets_;
  int threads_ = 1;
  std::vector<int64_t> bounds_;
  const kernels::Packed<T>* query_weight_ = nullptr;
  T *features_ = nullptr, *attention_ = nullptr;
  const T *d_features_ = nullptr, *d_attention_ = nullptr;
  Tensor d_context_, d_memory_, d_keys_, d_query_, d_v_;
  Var::GradTarget d_embedded_{};
};

template <class T>
DecoderOutput run(Tape* tape, const Cell& cell, const Packing& packing, const DecoderInput& input,
                  const DecoderWeights& weights, const DecoderOptions& options) {
  auto decoder = std::make_shared<Decoder<T>>(cell, packing, input, weights, options);
  const DecoderSizes& s = decoder->sizes();
  DecoderOutput out;
  out.weight_offsets = decoder->offsets();
  out.features = Var(Tensor::empty({packing.rows(), s.features()}, dtype_of<T>()));
  out.weights = Var(Tensor::empty({out.weight_offsets.back()}, dtype_of<T>()));
  decoder->forward(out.features.mutable_value(), out.weights.mutable_value());
  if (tape) {
    decoder->rest();
    std::vector<Var> inputs = weights.cell.all();
    for (const Var& v : {input.embedded, input.memory, input.keys, weights.w_query, weights.v})
      if (v.defined()) inputs.push_back(v);
    inputs.insert(inputs.end(), input.initial.begin(), input.initial.end());
    tape->record({out.features, out.weights}, inputs, [decoder, features = out.features, attention = out.weights]() {
      decoder->backward(features, attention);
    });
  }
  return out;
}

/// One step of many decoders, their rows dealt to threads.
template <class T>
void step(const Cell& cell, const Tensor& embedded, const DecoderInput& input, const std::vector<SourceSpan>& sources,
          const DecoderWeights& w, const DecoderOptions& options, DecoderState& state, Tensor& features,
          Tensor* attention) {
  const DecoderSizes s = decoder_sizes(cell, embedded, input, w, options);
  const int64_t rows = embedded.dim(0), n = s.state;
  const DType dtype = dtype_of<T>();
  std::vector<int64_t> offsets{0};
  for (const SourceSpan& source : sources) offsets.push_back(offsets.back() + source.len);
  Tensor weights = Tensor::empty({offsets.back()}, dtype), context = Tensor::empty({rows, s.width}, dtype);
  Tensor h = Tensor::empty({rows, n}, dtype), query;
  features = Tensor::empty({rows, s.features()}, dtype);
  std::vector<Var> initial;
  for (const Tensor& value : state.states) initial.emplace_back(value);
  CellTrace<T> trace(cell, w.cell, initial, input_columns(s), {rows, rows});
  trace.pack_forward();
  const kernels::Packed<T>* query_weight = nullptr;
  if (is_additive(options.score)) {
    query_weight = &packed_weight<T>(w.w_query, {.transposed = true});
    query = Tensor::empty({rows, s.dim}, dtype);
  }
  std::vector<Tensor> next{h};
  for (size_t i = 1; i < state.states.size(); ++i) next.push_back(Tensor::empty({rows, n}, dtype));
  /// Contexts of rows [begin, end) asked for with their h.
  const auto attend = [&](const T* asking, int64_t begin, int64_t end) {
    if (query_weight) {
      query_weight->multiply(end - begin, asking, query.data<T>() + begin * s.dim, false);
      asking = query.data<T>() + begin * s.dim;
    }
    for (int64_t i = begin; i < end; ++i)
      attention_row<T>(s, options, input, w, sources[static_cast<size_t>(i)])
          .forward(asking + (i - begin) * s.dim, weights.data<T>() + offsets[static_cast<size_t>(i)],
                   context.data<T>() + i * s.width);
  };
  const int64_t cost = s.gates * (s.embed + s.fed + n) + 64 * s.dim;
  parallel_for(rows, cost, [&](int64_t begin, int64_t end) {
    const StepRows r{begin, begin, end, 0, begin};
    if (!options.current_query) attend(state.states[0].data<T>() + begin * n, begin, end);
    trace.input_product(kEmbedding, begin, end - begin, embedded.data<T>() + begin * s.embed, false);
    const Tensor& fed = options.current_query ? state.context : context;
    if (s.fed) trace.input_product(kContext, begin, end - begin, fed.data<T>() + begin * s.width, true);
    trace.start(r, nullptr, 0);
    trace.advance(r, features.data<T>(), s.features());
    for (int64_t i = begin; i < end; ++i) trace.last_state(i, i, features.data<T>(), s.features(), next);
    if (options.current_query) attend(h.data<T>() + begin * n, begin, end);
    for (int64_t i = begin; i < end; ++i)
      std::memcpy(features.data<T>() + i * s.features() + n, context.data<T>() + i * s.width,
                  sizeof(T) * static_cast<size_t>(s.width));
  });
  state = {std::move(next), context};
  if (attention) *attention = weights;
}

}  // namespace

DecoderOutput attention_decoder(Tape* tape, const Cell& cell, const Packing& packing, const DecoderInput& input,
                                const DecoderWeights& weights, const DecoderOptions& options) {
  ops::require_rank("decoder", "embedded", input.embedded.value(), 2);
  ops::require_equal("decoder", "the rows of embedded", input.embedded.value().dim(0), packing.rows());
  ops::require_equal("decoder", "the number of sources", static_cast<int64_t>(input.sources.size()),
                     packing.batch_size());
  ops::require_equal("decoder", "the number of first states", static_cast<int64_t>(input.initial.size()),
                     cell.num_states());
  return ops::with_scalar(input.embedded.value().dtype(), [&]<class T>() {
    if (!cell.fused<T>()) return attention_decoder_by_steps(tape, cell, packing, input, weights, options);
    return run<T>(tape, cell, packing, input, weights, options);
  });
}

void attention_decoder_step(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                            const std::vector<SourceSpan>& sources, const DecoderWeights& weights,
                            const DecoderOptions& options, DecoderState& state, Tensor& features, Tensor* attention) {
  ops::require_rank("decoder", "embedded", embedded, 2);
  ops::with_scalar(embedded.dtype(), [&]<class T>() {
    if (!cell.fused<T>()) {
      attention_decoder_step_by_ops(cell, embedded, input, sources, weights, options, state, features, attention);
      return;
    }
    step<T>(cell, embedded, input, sources, weights, options, state, features, attention);
  });
}

}  // namespace carousel::nn
