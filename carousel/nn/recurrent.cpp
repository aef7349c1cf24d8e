#include "carousel/nn/recurrent.h"

#include <fmt/ranges.h>
#include <omp.h>

#include <memory>
#include <numeric>

#include "carousel/autograd/ops/dispatch.h"
#include "carousel/nn/cell_trace.h"
#include "carousel/nn/recurrent_inference.h"

namespace carousel::nn {

namespace {

/// One forward pass of a fused layer and what its backward needs.
template <class T>
class Layer {
 public:
  Layer(const Cell& cell, const Packing& packing, const Var& x, const std::vector<Direction>& directions)
      : packing_(packing), x_(x) {
    input_ = x.value().dim(1);
    const int64_t rows = packing.rows(), batch = packing.batch_size();
    for (const Direction& d : directions) {
      traces_.emplace_back(cell, d.weights, d.initial, std::vector<InputColumns>{{0, input_}},
                           typename CellTrace<T>::Sizes{rows, batch});
      reverse_.push_back(d.reverse);
      auto& states = last_.emplace_back();
      for (int64_t s = 0; s < cell.num_states(); ++s)
        states.push_back(Tensor::empty({batch, traces_[0].hidden()}, dtype_of<T>()));
    }
    const int64_t count = num_directions(), hidden = traces_[0].hidden();
    const int64_t work = rows * cell.num_gates() * hidden * (input_ + hidden) * count;
    threads_ = worthwhile_threads(work, 1 << 18);
    parts_ = (threads_ + count - 1) / count;
    shards_ = std::clamp<int64_t>(parts_, 1, std::max<int64_t>(batch, 1));
    bounds_ = shard_boundaries(packing_, shards_);
  }

  void forward(Tensor& y) {
    for (auto& trace : traces_) trace.pack_forward();
    ParallelGuard guard;
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      guard.run([&] { each_task(parts_, [&](size_t d, int64_t part) { input_product(traces_[d], part); }); });
      if (parts_ > 1) {
#pragma omp barrier
      }
      guard.run([&] { each_task(shards_, [&](size_t d, int64_t shard) { forward_loop(d, shard, y); }); });
    }
    guard.rethrow();
  }

  /// Before the tape keeps it.
  void rest() {
    for (auto& trace : traces_) trace.rest();
  }

  void backward(const Tensor& dy, const std::vector<std::vector<Var>>& states) {
    for (size_t d = 0; d < traces_.size(); ++d) traces_[d].pack_backward(gradients_of(states[d]), shards_);
    Var::GradTarget dx{};
    if (x_.requires_grad()) dx = x_.grad_target();
    ParallelGuard guard;
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      guard.run([&] { each_task(shards_, [&](size_t d, int64_t shard) { backward_loop(d, shard, dy); }); });
      if (parts_ > 1) {
#pragma omp barrier
      }
      guard.run([&] {
        each_task(parts_, [&](size_t d, int64_t part) {
          traces_[d].weight_gradients(part, parts_, {x_.value().template data<T>()});
        });
      });
#pragma omp barrier
      guard.run([&] {
        if (x_.requires_grad()) input_gradient(dx);
      });
    }
    guard.rethrow();
    for (auto& trace : traces_) trace.finish();
  }

  int64_t num_directions() const {
    return static_cast<int64_t>(traces_.size());
  }
  int64_t hidden() const {
    return traces_[0].hidden();
  }
  const std::vector<std::vector<Tensor>>& last_states() const {
    return last_;
  }

  /// Copies for inspection: gates, h and c of every row.
  void keep(const Tensor& y, RecurrentOutput& out) const {
    for (size_t d = 0; d < traces_.size(); ++d) {
      out.gates.push_back(traces_[d].activations());
      const int64_t n = hidden(), width = n * num_directions();
      Tensor h = Tensor::empty({packing_.rows(), n}, dtype_of<T>());
      for (int64_t i = 0; i < packing_.rows(); ++i)
        std::copy_n(y.data<T>() + i * width + static_cast<int64_t>(d) * n, n, h.data<T>() + i * n);
      out.sequences.push_back({h});
      if (traces_[d].cell_states()) out.sequences.back().push_back(traces_[d].cell_state_rows().clone());
    }
  }

 private:
  /// body(direction, index below `of`) for this thread's share.
  template <class Body>
  void each_task(int64_t of, Body body) {
    const int64_t tasks = num_directions() * of;
    for (int64_t task = omp_get_thread_num(); task < tasks; task += omp_get_num_threads())
      body(static_cast<size_t>(task / of), task % of);
  }

  void input_product(CellTrace<T>& trace, int64_t index) {
    const Range part = part_of(packing_.rows(), index, parts_, 8);
    trace.input_product(0, part.begin, part.size(), x_.value().template data<T>() + part.begin * input_, false);
  }

  void forward_loop(size_t d, int64_t shard, Tensor& y) {
    CellTrace<T>& trace = traces_[d];
    const int64_t n = hidden(), width = n * num_directions();
    T* out = y.data<T>() + static_cast<int64_t>(d) * n;
    each_step(reverse_[d], [&](int64_t t) {
      const StepRows r = rows_of(t, reverse_[d], shard);
      if (r.count() == 0) return;
      trace.start(r, out, width);
      trace.advance(r, out, width);
    });
    for (int64_t j = bounds_[static_cast<size_t>(shard)]; j < bounds_[static_cast<size_t>(shard) + 1]; ++j) {
      const int64_t t = reverse_[d] ? 0 : packing_.lengths[static_cast<size_t>(j)] - 1;
      trace.last_state(j, packing_.row(t, j), out, width, last_[d]);
    }
  }

  static std::vector<Tensor> gradients_of(const std::vector<Var>& states) {
    std::vector<Tensor> list;
    for (const Var& v : states)
      list.push_back(v.has_grad() ? v.grad().clone() : Tensor::zeros(v.value().shape(), dtype_of<T>()));
    return list;
  }

  void backward_loop(size_t d, int64_t shard, const Tensor& dy) {
    CellTrace<T>& trace = traces_[d];
    const int64_t n = hidden(), width = n * num_directions();
    const T* d_out = dy.defined() ? dy.data<T>() + static_cast<int64_t>(d) * n : nullptr;
    each_step(!reverse_[d], [&](int64_t t) {
      const StepRows r = rows_of(t, reverse_[d], shard);
      if (r.count() == 0) return;
      if (d_out)
        for (int64_t j = r.first; j < r.last; ++j)
          kernels::table<T>().axpy(n, T(1), d_out + (r.row + j - r.first) * width, trace.carry_h(j));
      trace.retreat(r, shard);
    });
  }

  void input_gradient(const Var::GradTarget& dx) {
    const Range part = part_of(packing_.rows(), omp_get_thread_num(), omp_get_num_threads(), 8);
    bool accumulate = dx.accumulate;
    Tensor to = dx.tensor;
    for (auto& trace : traces_) {
      trace.input_gradient(0, part.begin, part.size(), to.template data<T>() + part.begin * input_, accumulate);
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

  Packing packing_;
  Var x_;
  int64_t input_ = 0;
  std::vector<CellTrace<T>> traces_;  // one per direction
  std::vector<bool> reverse_;
  std::vector<std::vector<Tensor>> last_;  // [direction][state]
  int threads_ = 1;
  int64_t parts_ = 1;   // of each direction's products over all rows: time is no hindrance there
  int64_t shards_ = 1;  // of its batch, in the loops over time
  std::vector<int64_t> bounds_;
};

void check_weights(const Cell& cell, const CellWeights& w, int64_t input_size, int64_t hidden) {
  const int64_t gates = cell.num_gates() * hidden;
  ops::require_equal("recurrent", "the rows of w_ih (gates times hidden_size)", w.w_ih.value().dim(0), gates);
  ops::require_equal("recurrent", "the columns of w_ih (input_size)", w.w_ih.value().dim(1), input_size);
  if (cell.has_recurrent_weight()) {
    ops::require_equal("recurrent", "the rows of w_hh (gates times hidden_size)", w.w_hh.value().dim(0), gates);
    ops::require_equal("recurrent", "the columns of w_hh (width of h)", w.w_hh.value().dim(1),
                       cell.output_size(hidden));
  }
  for (const Var& b : {w.b_ih, w.b_hh})
    if (b.defined())
      ops::require_equal("recurrent", "the size of a bias (gates times hidden_size)", b.value().numel(), gates);
}

void check_state(const Cell& cell, const Packing& packing, const std::vector<Var>& initial, int64_t hidden) {
  if (initial.empty()) return;
  if (static_cast<int64_t>(initial.size()) != cell.num_states())
    throw ShapeError(fmt::format(
        "[recurrent] the initial state of a {} layer has {} tensors ({}); got {}. Pass the state of the same model.",
        cell.name(), cell.num_states(), fmt::join(cell.state_names(), ", "), initial.size()));
  for (size_t s = 0; s < initial.size(); ++s) {
    if (!initial[s].defined()) continue;
    const Shape want{packing.batch_size(), cell.state_size(static_cast<int64_t>(s), hidden)};
    if (initial[s].value().shape() != want)
      throw ShapeError(
          fmt::format("[recurrent] the initial state {} must have shape {} (batch_size, width); got {}. Pass the state "
                      "of the same model and batch.",
                      cell.state_names()[s], want.str(), initial[s].value().shape().str()));
  }
}

}  // namespace

void check_recurrent(const Cell& cell, const Packing& packing, const Var& x, const std::vector<Direction>& directions,
                     const RecurrentOptions& options) {
  if (!(options.zoneout >= 0 && options.zoneout < 1))
    throw ConfigError(
        fmt::format("[recurrent] the probability of zoneout must lie in [0, 1); got {}. Use 0 to switch "
                    "it off.",
                    options.zoneout));
  ops::require_rank("recurrent", "x", x.value(), 2);
  if (x.value().dim(0) != packing.rows())
    throw ShapeError(
        fmt::format("[recurrent] the lengths must add up to the rows of x; got {} steps in all and {} "
                    "rows. Pass the lengths of this data.",
                    packing.rows(), x.value().dim(0)));
  if (directions.empty()) throw ShapeError("[recurrent] at least one direction is needed; got none. Pass one.");
  const int64_t hidden = directions[0].weights.w_ih.value().dim(0) / cell.num_gates();
  for (const Direction& d : directions) {
    check_weights(cell, d.weights, x.value().dim(1), hidden);
    check_state(cell, packing, d.initial, hidden);
  }
}

namespace {

template <class T>
RecurrentOutput run_fused(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                          const std::vector<Direction>& directions, bool keep) {
  auto layer = std::make_shared<Layer<T>>(cell, packing, x, directions);
  RecurrentOutput out;
  out.y = Var(Tensor::empty({packing.rows(), layer->hidden() * layer->num_directions()}, dtype_of<T>()));
  layer->forward(out.y.mutable_value());
  if (keep) layer->keep(out.y.value(), out);
  std::vector<Var> inputs{x}, outputs{out.y};
  for (size_t d = 0; d < directions.size(); ++d) {
    auto& states = out.states.emplace_back();
    for (const Tensor& state : layer->last_states()[d]) outputs.push_back(states.emplace_back(state));
    for (const Var& v : directions[d].weights.all()) inputs.push_back(v);
    for (const Var& v : directions[d].initial)
      if (v.defined()) inputs.push_back(v);
  }
  if (tape) {
    layer->rest();
    tape->record(outputs, inputs, [layer, y = out.y, states = out.states]() { layer->backward(y.grad(), states); });
  }
  return out;
}

}  // namespace

RecurrentOutput recurrent(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                          const std::vector<Direction>& directions, const RecurrentOptions& options) {
  check_recurrent(cell, packing, x, directions, options);
  return ops::with_scalar(x.value().dtype(), [&]<class T>() {
    if (options.zoneout > 0 || !cell.fused<T>()) return recurrent_by_steps(tape, cell, packing, x, directions, options);
    if (!tape && !options.keep && has_inference(cell, x)) return recurrent_inference(cell, packing, x, directions);
    return run_fused<T>(tape, cell, packing, x, directions, options.keep);
  });
}

}  // namespace carousel::nn
