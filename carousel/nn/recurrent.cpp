#include "carousel/nn/recurrent.h"

#include <omp.h>

#include <cstring>
#include <memory>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/autograd/parallel.h"
#include "carousel/autograd/weights.h"
#include "carousel/nn/shards.h"

namespace carousel::nn {

namespace {

/// What one direction keeps from forward to backward.
template <class T>
struct DirectionState {
  Direction weights;
  Tensor gates;   // [rows, G*H]: activations; after the reverse loop, pre-activation gradients
  Tensor cells;   // [rows, H]
  Tensor h_prev;  // [rows, H]: the state each row started from, dense for the products
  Tensor h0, c0;  // [B, H], zeros when the caller gave none
  Tensor h_n, c_n;
  Tensor carry_h, carry_c;               // [B, H]: gradients flowing to the step visited before
  std::vector<Var::GradTarget> targets;  // of w_ih, w_hh, bias; undefined where no gradient is wanted
};

template <class T>
class Layer {
 public:
  Layer(const Cell& cell, const Packing& packing, const Var& x, const std::vector<Direction>& directions)
      : cell_(cell.fused<T>()), packing_(packing), x_(x), gates_(cell.num_gates()) {
    hidden_ = directions[0].w_hh.value().dim(1);
    input_ = x.value().dim(1);
    const int64_t rows = packing.rows(), batch = packing.batch_size();
    const DType dtype = dtype_of<T>();
    for (const Direction& d : directions) {
      DirectionState<T> s;
      s.weights = d;
      s.gates = Tensor::empty({rows, gates_ * hidden_}, dtype);
      s.cells = Tensor::empty({rows, hidden_}, dtype);
      s.h_prev = Tensor::empty({rows, hidden_}, dtype);
      s.h0 = d.h0.defined() ? d.h0.value() : Tensor::zeros({batch, hidden_}, dtype);
      s.c0 = d.c0.defined() ? d.c0.value() : Tensor::zeros({batch, hidden_}, dtype);
      s.h_n = Tensor::empty({batch, hidden_}, dtype);
      s.c_n = Tensor::empty({batch, hidden_}, dtype);
      states_.push_back(std::move(s));
    }
    const auto count = static_cast<int64_t>(states_.size());
    const int64_t work = rows * gates_ * hidden_ * (input_ + hidden_) * count;
    threads_ = worthwhile_threads(work, 1 << 18);
    shards_ = std::clamp<int64_t>((threads_ + count - 1) / count, 1, std::max<int64_t>(batch, 1));
    bounds_ = shard_boundaries(packing_, shards_);
  }

  void forward(Tensor& y) {
    // Packed before the region: packing is not thread-safe.
    for (auto& s : states_) {
      packed_weight<T>(s.weights.w_ih, {.transposed = true});
      packed_weight<T>(s.weights.w_hh, {.transposed = true});
    }
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      each_task([&](size_t d, int64_t shard) { input_product(states_[d], shard); });
      if (shards_ > 1) {
#pragma omp barrier
      }
      each_task([&](size_t d, int64_t shard) { forward_loop(d, shard, y); });
    }
  }

  void backward(const Tensor& dy, const std::vector<Var>& h_n, const std::vector<Var>& c_n) {
    for (size_t d = 0; d < states_.size(); ++d) prepare_backward(states_[d], h_n[d], c_n[d]);
    Var::GradTarget dx{};
    if (x_.requires_grad()) dx = x_.grad_target();
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      each_task([&](size_t d, int64_t shard) { backward_loop(d, shard, dy); });
      if (shards_ > 1) {
#pragma omp barrier
      }
      each_task([&](size_t d, int64_t shard) { weight_gradients(d, shard); });
#pragma omp barrier
      if (x_.requires_grad()) input_gradient(dx);
    }
    for (auto& s : states_) {
      if (s.weights.h0.requires_grad()) s.weights.h0.add_grad(s.carry_h);
      if (s.weights.c0.requires_grad()) s.weights.c0.add_grad(s.carry_c);
    }
  }

  Tensor& h_n(size_t d) {
    return states_[d].h_n;
  }
  Tensor& c_n(size_t d) {
    return states_[d].c_n;
  }
  int64_t hidden() const {
    return hidden_;
  }

 private:
  /// body(direction, shard) for this thread's share.
  template <class Body>
  void each_task(Body body) {
    const auto tasks = static_cast<int64_t>(states_.size()) * shards_;
    for (int64_t task = omp_get_thread_num(); task < tasks; task += omp_get_num_threads())
      body(static_cast<size_t>(task / shards_), task % shards_);
  }

  void input_product(DirectionState<T>& s, int64_t shard) {
    const Range part = part_of(packing_.rows(), shard, shards_, 8);
    if (part.size() == 0) return;
    packed_weight<T>(s.weights.w_ih, {.transposed = true})
        .multiply(part.size(), x_.value().template data<T>() + part.begin * input_,
                  s.gates.template data<T>() + part.begin * gates_ * hidden_, false);
  }

  void forward_loop(size_t d, int64_t shard, Tensor& y) {
    DirectionState<T>& s = states_[d];
    const int64_t n = hidden_, width = n * static_cast<int64_t>(states_.size());
    const auto& recurrent_weight = packed_weight<T>(s.weights.w_hh, {.transposed = true});
    T *gates = s.gates.template data<T>(), *cells = s.cells.template data<T>(), *h_prev = s.h_prev.template data<T>();
    T* out = y.data<T>() + static_cast<int64_t>(d) * n;
    const T *h0 = s.h0.template data<T>(), *c0 = s.c0.template data<T>();
    const T* bias = s.weights.bias.defined() ? s.weights.bias.value().template data<T>() : nullptr;
    each_step(s.weights.reverse, [&](int64_t t) {
      const StepRows r = rows_of(t, s.weights.reverse, shard);
      if (r.count() == 0) return;
      for (int64_t j = r.first; j < r.last; ++j) {
        const T* from = j < r.continued ? out + (r.previous + j - r.first) * width : h0 + j * n;
        std::memcpy(h_prev + (r.row + j - r.first) * n, from, sizeof(T) * static_cast<size_t>(n));
      }
      if (r.continued > r.first || s.weights.h0.defined())
        recurrent_weight.multiply(r.count(), h_prev + r.row * n, gates + r.row * gates_ * n, true);
      const auto run = [&](int64_t first, int64_t last, const T* c_prev) {
        if (first == last) return;
        const int64_t row = r.row + first - r.first;
        cell_.forward(
            {last - first, n, gates + row * gates_ * n, bias, c_prev, cells + row * n, out + row * width, width});
      };
      run(r.first, r.continued, cells + r.previous * n);
      run(r.continued, r.last, c0 + r.continued * n);
    });
    T *h_n = s.h_n.template data<T>(), *c_n = s.c_n.template data<T>();
    for (int64_t j = bounds_[static_cast<size_t>(shard)]; j < bounds_[static_cast<size_t>(shard) + 1]; ++j) {
      const int64_t t = s.weights.reverse ? 0 : packing_.lengths[static_cast<size_t>(j)] - 1;
      std::memcpy(h_n + j * n, out + packing_.row(t, j) * width, sizeof(T) * static_cast<size_t>(n));
      std::memcpy(c_n + j * n, cells + packing_.row(t, j) * n, sizeof(T) * static_cast<size_t>(n));
    }
  }

  void prepare_backward(DirectionState<T>& s, const Var& h_n, const Var& c_n) {
    const auto start = [&](const Var& v) {
      return v.has_grad() ? v.grad().clone() : Tensor::zeros(s.h0.shape(), s.h0.dtype());
    };
    s.carry_h = start(h_n);
    s.carry_c = start(c_n);
    packed_weight<T>(s.weights.w_ih, {.transposed = false});
    packed_weight<T>(s.weights.w_hh, {.transposed = false});
    for (const Var& v : {s.weights.w_ih, s.weights.w_hh, s.weights.bias})
      s.targets.push_back(v.requires_grad() ? v.grad_target() : Var::GradTarget{});
  }

  void backward_loop(size_t d, int64_t shard, const Tensor& dy) {
    DirectionState<T>& s = states_[d];
    const int64_t n = hidden_, width = n * static_cast<int64_t>(states_.size());
    const auto& recurrent_weight = packed_weight<T>(s.weights.w_hh, {.transposed = false});
    T *gates = s.gates.template data<T>(), *carry_h = s.carry_h.template data<T>(),
      *carry_c = s.carry_c.template data<T>();
    const T *cells = s.cells.template data<T>(), *c0 = s.c0.template data<T>();
    const T* d_out = dy.defined() ? dy.data<T>() + static_cast<int64_t>(d) * n : nullptr;
    each_step(!s.weights.reverse, [&](int64_t t) {
      const StepRows r = rows_of(t, s.weights.reverse, shard);
      if (r.count() == 0) return;
      if (d_out)
        for (int64_t j = r.first; j < r.last; ++j)
          kernels::table<T>().axpy(n, T(1), d_out + (r.row + j - r.first) * width, carry_h + j * n);
      const auto run = [&](int64_t first, int64_t last, const T* c_prev) {
        if (first == last) return;
        const int64_t row = r.row + first - r.first;
        cell_.backward({last - first, n, gates + row * gates_ * n, cells + row * n, c_prev, carry_h + first * n, n,
                        carry_c + first * n});
      };
      run(r.first, r.continued, cells + r.previous * n);
      run(r.continued, r.last, c0 + r.continued * n);
      recurrent_weight.multiply(r.count(), gates + r.row * gates_ * n, carry_h + r.first * n, false);
    });
  }

  void weight_gradients(size_t d, int64_t shard) {
    DirectionState<T>& s = states_[d];
    const Range part = part_of(gates_ * hidden_, shard, shards_, 16);
    if (part.size() == 0) return;
    const T* gates = s.gates.template data<T>() + part.begin;
    const auto give = [&](Var::GradTarget& target, const Tensor& right) {
      if (!target.tensor.defined()) return;
      const int64_t columns = right.dim(1);
      kernels::table<T>().gemm({true, false, part.size(), columns, packing_.rows(), gates, gates_ * hidden_,
                                right.data<T>(), columns, target.tensor.template data<T>() + part.begin * columns,
                                columns, target.accumulate});
    };
    auto& targets = s.targets;
    give(targets[0], x_.value());
    give(targets[1], s.h_prev);
    if (targets[2].tensor.defined())
      kernels::table<T>().column_sums(packing_.rows(), part.size(), gates, gates_ * hidden_,
                                      targets[2].tensor.template data<T>() + part.begin, targets[2].accumulate);
  }

  void input_gradient(Var::GradTarget& dx) {
    const Range part = part_of(packing_.rows(), omp_get_thread_num(), omp_get_num_threads(), 8);
    if (part.size() == 0) return;
    bool accumulate = dx.accumulate;
    for (auto& s : states_) {
      packed_weight<T>(s.weights.w_ih, {.transposed = false})
          .multiply(part.size(), s.gates.template data<T>() + part.begin * gates_ * hidden_,
                    dx.tensor.template data<T>() + part.begin * input_, accumulate);
      accumulate = true;
    }
  }

  template <class Body>
  void each_step(bool descending, Body body) {
    const int64_t steps = packing_.seq_len();
    for (int64_t k = 0; k < steps; ++k) body(descending ? steps - 1 - k : k);
  }

  StepRows rows_of(int64_t t, bool reverse, int64_t shard) const {
    return step_rows(packing_, t, reverse, bounds_[static_cast<size_t>(shard)],
                     bounds_[static_cast<size_t>(shard) + 1]);
  }

  FusedCell<T> cell_;
  Packing packing_;
  Var x_;
  int64_t gates_, hidden_ = 0, input_ = 0;
  std::vector<DirectionState<T>> states_;
  int threads_ = 1;
  int64_t shards_ = 1;
  std::vector<int64_t> bounds_;
};

void check_shapes(const Cell& cell, const Packing& packing, const Var& x, const std::vector<Direction>& directions) {
  ops::require_rank("recurrent", "x", x.value(), 2);
  ops::require_equal("recurrent", "the rows of x", x.value().dim(0), packing.rows());
  if (directions.empty()) throw ShapeError("[recurrent] at least one direction is needed; got none. Pass one.");
  const int64_t hidden = directions[0].w_hh.value().dim(1);
  for (const Direction& d : directions) {
    ops::require_equal("recurrent", "the columns of w_hh (hidden_size)", d.w_hh.value().dim(1), hidden);
    ops::require_equal("recurrent", "the rows of w_hh (gates times hidden_size)", d.w_hh.value().dim(0),
                       cell.num_gates() * hidden);
    ops::require_equal("recurrent", "the rows of w_ih (gates times hidden_size)", d.w_ih.value().dim(0),
                       cell.num_gates() * hidden);
    ops::require_equal("recurrent", "the columns of w_ih (input_size)", d.w_ih.value().dim(1), x.value().dim(1));
    for (const Var& state : {d.h0, d.c0}) {
      if (!state.defined()) continue;
      ops::require_equal("recurrent", "the rows of an initial state (batch_size)", state.value().dim(0),
                         packing.batch_size());
      ops::require_equal("recurrent", "the columns of an initial state (hidden_size)", state.value().dim(1), hidden);
    }
  }
}

template <class T>
RecurrentOutput run_fused(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                          const std::vector<Direction>& directions) {
  auto layer = std::make_shared<Layer<T>>(cell, packing, x, directions);
  RecurrentOutput out;
  out.y =
      Var(Tensor::empty({packing.rows(), layer->hidden() * static_cast<int64_t>(directions.size())}, dtype_of<T>()));
  layer->forward(out.y.mutable_value());
  std::vector<Var> inputs{x}, outputs{out.y};
  for (size_t d = 0; d < directions.size(); ++d) {
    out.h_n.emplace_back(layer->h_n(d));
    out.c_n.emplace_back(layer->c_n(d));
    outputs.push_back(out.h_n.back());
    outputs.push_back(out.c_n.back());
    for (const Var& v :
         {directions[d].w_ih, directions[d].w_hh, directions[d].bias, directions[d].h0, directions[d].c0})
      if (v.defined()) inputs.push_back(v);
  }
  if (tape) {
    tape->record(outputs, inputs,
                 [layer, y = out.y, h_n = out.h_n, c_n = out.c_n]() { layer->backward(y.grad(), h_n, c_n); });
  }
  return out;
}

}  // namespace

RecurrentOutput recurrent(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                          const std::vector<Direction>& directions) {
  check_shapes(cell, packing, x, directions);
  return ops::with_scalar(x.value().dtype(), [&]<class T>() {
    if (!cell.fused<T>()) return recurrent_by_steps(tape, cell, packing, x, directions);
    return run_fused<T>(tape, cell, packing, x, directions);
  });
}

RecurrentOutput recurrent_by_steps(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                                   const std::vector<Direction>& directions) {
  check_shapes(cell, packing, x, directions);
  const int64_t batch = packing.batch_size(), steps = packing.seq_len();
  RecurrentOutput out;
  std::vector<Var> sides;
  for (const Direction& d : directions) {
    const int64_t n = d.w_hh.value().dim(1);
    const auto initial = [&](const Var& v) {
      return v.defined() ? v : Var(Tensor::zeros({batch, n}, x.value().dtype()));
    };
    // The running state holds all sequences; a step takes the rows that are alive and puts them back.
    std::vector<Var> state{initial(d.h0), initial(d.c0)}, by_step(static_cast<size_t>(steps));
    for (int64_t k = 0; k < steps; ++k) {
      const int64_t t = d.reverse ? steps - 1 - k : k, alive = packing.batch_sizes[static_cast<size_t>(t)];
      std::vector<int64_t> now, kept, rows;
      for (int64_t j = 0; j < alive; ++j) now.push_back(j), rows.push_back(packing.row(t, j));
      for (int64_t j = alive; j < batch; ++j) kept.push_back(j);
      const Var h = ops::gather_rows(tape, state[0], now), c = ops::gather_rows(tape, state[1], now);
      const Var pre = ops::add(tape, ops::linear(tape, ops::gather_rows(tape, x, rows), d.w_ih, d.bias),
                               ops::linear(tape, h, d.w_hh, Var()));
      const std::vector<Var> next = cell.step(tape, pre, {h, c});
      by_step[static_cast<size_t>(t)] = next[0];
      for (size_t i = 0; i < 2; ++i)
        state[i] = kept.empty() ? next[i] : ops::concat_rows(tape, {next[i], ops::gather_rows(tape, state[i], kept)});
    }
    sides.push_back(ops::concat_rows(tape, by_step));
    out.h_n.push_back(state[0]);
    out.c_n.push_back(state[1]);
  }
  out.y = ops::concat_columns(tape, sides);
  return out;
}

}  // namespace carousel::nn
