#include "carousel/nn/pooling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/autograd/parallel.h"
#include "carousel/base/options.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

void check(const char* op, const Packing& packing, const Var& y) {
  ops::require_rank(op, "y", y.value(), 2);
  ops::require_equal(op, "the rows of y", y.value().dim(0), packing.rows());
}

/// body(t, row) for each step of the sequence at packed position j.
template <class Body>
void each_step(const Packing& packing, int64_t j, Body body) {
  for (int64_t t = 0; t < packing.lengths[static_cast<size_t>(j)]; ++t) body(t, packing.row(t, j));
}

/// body(j) for each sequence, over threads.
template <class Body>
void each_sequence(const Packing& packing, int64_t columns, Body body) {
  const int64_t batch = packing.batch_size();
  parallel_for(batch, packing.rows() * columns / std::max<int64_t>(batch, 1), [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) body(j);
  });
}

/// Softmax over the steps of each sequence.
template <class T>
Tensor attention_weights(const Packing& packing, const Tensor& scores) {
  Tensor weights = Tensor::empty(scores.shape(), scores.dtype());
  const T* score = scores.data<T>();
  T* weight = weights.data<T>();
  each_sequence(packing, 8, [&](int64_t j) {
    T largest = score[packing.row(0, j)], total = 0;
    each_step(packing, j, [&](int64_t, int64_t row) { largest = std::max(largest, score[row]); });
    each_step(packing, j, [&](int64_t, int64_t row) {
      weight[row] = std::exp(score[row] - largest);
      total += weight[row];
    });
    each_step(packing, j, [&](int64_t, int64_t row) { weight[row] /= total; });
  });
  return weights;
}

}  // namespace

std::vector<std::string> pooling_names() {
  return {"last", "mean", "max", "attention"};
}

Var pool_mean(Tape* tape, const Packing& packing, const Var& y) {
  check("pool_mean", packing, y);
  const int64_t columns = y.value().dim(1);
  Var out(Tensor::zeros({packing.batch_size(), columns}, y.value().dtype()));
  ops::with_scalar(y.value().dtype(), [&]<class T>() {
    const T* in = y.value().data<T>();
    T* sums = out.mutable_value().data<T>();
    each_sequence(packing, columns, [&](int64_t j) {
      const T share = T(1) / static_cast<T>(packing.lengths[static_cast<size_t>(j)]);
      each_step(packing, j, [&](int64_t, int64_t row) {
        kernels::table<T>().axpy(columns, share, in + row * columns, sums + j * columns);
      });
    });
  });
  if (needs_tape(tape, {&y})) {
    tape->record({out}, {y}, [y, out, packing, columns]() {
      Tensor delta = Tensor::zeros(y.value().shape(), y.value().dtype());
      ops::with_scalar(delta.dtype(), [&]<class T>() {
        const T* d_out = out.grad().data<T>();
        T* d = delta.data<T>();
        each_sequence(packing, columns, [&](int64_t j) {
          const T share = T(1) / static_cast<T>(packing.lengths[static_cast<size_t>(j)]);
          each_step(packing, j, [&](int64_t, int64_t row) {
            kernels::table<T>().axpy(columns, share, d_out + j * columns, d + row * columns);
          });
        });
      });
      y.add_grad(delta);
    });
  }
  return out;
}

Var pool_max(Tape* tape, const Packing& packing, const Var& y) {
  check("pool_max", packing, y);
  const int64_t columns = y.value().dim(1);
  Var out(Tensor::empty({packing.batch_size(), columns}, y.value().dtype()));
  std::vector<int64_t> from(static_cast<size_t>(packing.batch_size() * columns));
  ops::with_scalar(y.value().dtype(), [&]<class T>() {
    const T* in = y.value().data<T>();
    T* most = out.mutable_value().data<T>();
    each_sequence(packing, columns, [&](int64_t j) {
      each_step(packing, j, [&](int64_t t, int64_t row) {
        for (int64_t c = 0; c < columns; ++c) {
          const T value = in[row * columns + c];
          // A value that is no number stays visible.
          if (t > 0 && (std::isnan(most[j * columns + c]) || value <= most[j * columns + c])) continue;
          most[j * columns + c] = value;
          from[static_cast<size_t>(j * columns + c)] = row;
        }
      });
    });
  });
  if (needs_tape(tape, {&y})) {
    tape->record({out}, {y}, [y, out, columns, from = std::move(from)]() {
      Tensor delta = Tensor::zeros(y.value().shape(), y.value().dtype());
      ops::with_scalar(delta.dtype(), [&]<class T>() {
        const T* d_out = out.grad().data<T>();
        T* d = delta.data<T>();
        for (size_t i = 0; i < from.size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          d[from[i] * columns + at % columns] += d_out[at];
        }
      });
      y.add_grad(delta);
    });
  }
  return out;
}

Var pool_attention(Tape* tape, const Packing& packing, const Var& y, const Var& scores, Tensor* weights) {
  check("pool_attention", packing, y);
  check("pool_attention", packing, scores);
  ops::require_equal("pool_attention", "the columns of scores", scores.value().dim(1), 1);
  const int64_t columns = y.value().dim(1);
  Var out(Tensor::zeros({packing.batch_size(), columns}, y.value().dtype()));
  Tensor attention;
  ops::with_scalar(y.value().dtype(), [&]<class T>() {
    attention = attention_weights<T>(packing, scores.value());
    const T *in = y.value().data<T>(), *a = attention.data<T>();
    T* sums = out.mutable_value().data<T>();
    each_sequence(packing, columns, [&](int64_t j) {
      each_step(packing, j, [&](int64_t, int64_t row) {
        kernels::table<T>().axpy(columns, a[row], in + row * columns, sums + j * columns);
      });
    });
  });
  if (weights) *weights = attention;
  if (needs_tape(tape, {&y, &scores})) {
    tape->record({out}, {y, scores}, [y, scores, out, packing, attention, columns]() {
      Tensor dy = Tensor::zeros(y.value().shape(), y.value().dtype());
      Tensor ds = Tensor::empty(scores.value().shape(), y.value().dtype());
      ops::with_scalar(dy.dtype(), [&]<class T>() {
        const T *in = y.value().data<T>(), *a = attention.data<T>(), *d_out = out.grad().data<T>();
        T *d = dy.data<T>(), *score = ds.data<T>();
        each_sequence(packing, columns, [&](int64_t j) {
          T mean = 0;
          each_step(packing, j, [&](int64_t, int64_t row) {
            kernels::table<T>().axpy(columns, a[row], d_out + j * columns, d + row * columns);
            score[row] = kernels::table<T>().dot(columns, d_out + j * columns, in + row * columns);
            mean += a[row] * score[row];
          });
          each_step(packing, j, [&](int64_t, int64_t row) { score[row] = a[row] * (score[row] - mean); });
        });
      });
      if (y.requires_grad()) y.add_grad(dy);
      if (scores.requires_grad()) scores.add_grad(ds);
    });
  }
  return out;
}

Pooling::Pooling(const std::string& kind, int64_t width, uint64_t seed) : kind_(kind) {
  const std::vector<std::string> names = pooling_names();
  if (std::find(names.begin(), names.end(), kind) == names.end()) {
    const std::string nearest = nearest_name(kind, names);
    throw ConfigError(fmt::format("[pooling] pooling must be one of {}; got '{}'. {}", fmt::join(names, ", "), kind,
                                  nearest.empty() ? "Choose one of them." : "Did you mean '" + nearest + "'?"));
  }
  if (kind != "attention") return;
  weight_ = parameter("attention.weight", glorot_init(width, width, Rng(seed, 40)));
  bias_ = parameter("attention.bias", Tensor::zeros({width}));
  score_ = parameter("attention.score.weight", glorot_init(1, width, Rng(seed, 41)));
}

Var Pooling::forward(Context& ctx, const Packing& packing, const Var& y, const Var& last) {
  Var pooled = last;
  if (kind_ == "mean") pooled = pool_mean(ctx.tape, packing, y);
  if (kind_ == "max") pooled = pool_max(ctx.tape, packing, y);
  if (kind_ == "attention") {
    const Var keys = ops::tanh(ctx.tape, ops::linear(ctx.tape, y, weight_, bias_));
    Tensor weights;
    pooled = pool_attention(ctx.tape, packing, y, ops::linear(ctx.tape, keys, score_, Var()), &weights);
    ctx.record("pooling/attention", weights);
  }
  return ops::gather_rows(ctx.tape, pooled, packing.position);
}

}  // namespace carousel::nn
