#include "carousel/nn/recurrent_inference.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <deque>

#include "carousel/base/spin.h"
#include "carousel/nn/shards.h"
#include "carousel/nn/units_of_cell.h"

namespace carousel::nn {

namespace {

/// Units are dealt to threads in whole cache lines.
constexpr int64_t kUnits = 32;
/// Rows whose input product is done at once: enough for the full speed of products, few enough to stay in the cache.
constexpr int64_t kRowsAtOnce = 64;

/// Some sequences of one direction, and the units of their layer, all in one part or dealt to several.
class Group {
 public:
  Group(const Cell& cell, const Packing& packing, const Direction& direction, int64_t first, int64_t last,
        int64_t num_parts)
      : fused_(cell.fused<float>()), packing_(packing), reverse_(direction.reverse), first_(first), last_(last) {
    hidden_ = direction.weights.w_ih.value().dim(0) / cell.num_gates();
    input_ = direction.weights.w_ih.value().dim(1);
    const int64_t count = last - first;
    const int64_t rows = std::max(kRowsAtOnce, count);
    for (int64_t p = 0; p < num_parts; ++p) {
      parts_.emplace_back(fused_, direction.weights, hidden_, part_of(hidden_, p, num_parts, kUnits), rows, count);
    }
    for (size_t s = 0; s < states_.size(); ++s) {
      const size_t state = s == 0 ? 0 : s - 1;  // h twice: of the step before and of this one
      const bool given = state < direction.initial.size() && direction.initial[state].defined();
      has_past_ = has_past_ || given;
      states_[s] = Tensor::zeros({count, hidden_});
      if (given)
        std::copy_n(direction.initial[state].value().data<float>() + first * hidden_, count * hidden_,
                    states_[s].data<float>());
    }
    left_ = Tensor::empty({count, hidden_});
    if (count < packing.batch_size()) gathered_ = Tensor::empty({rows, input_});
  }

  int64_t num_parts() const { return static_cast<int64_t>(parts_.size()); }
  int64_t num_stages() const { return static_cast<int64_t>(fused_.stages.size()); }

  /// each(body) calls body(part) for the parts of the calling thread; threads that share the group then meet.
  template <class Each>
  void run(const float* x, float* y, int64_t width, const Each& each) {
    const int64_t steps = last_ > first_ ? packing_.lengths[static_cast<size_t>(first_)] : 0;
    for (int64_t done = 0; done < steps;) {
      int64_t chunk = 0, rows = 0;
      for (; done + chunk < steps; ++chunk) {
        const int64_t more = rows_at(step_at(done + chunk, steps)).count();
        if (chunk > 0 && rows + more > kRowsAtOnce) break;
        rows += more;
      }
      const int64_t lowest = reverse_ ? step_at(done + chunk - 1, steps) : done;
      each([&](int64_t p) { input_products(p, x, lowest, chunk, rows); });
      int64_t row = reverse_ ? rows : 0;  // products lie in the order of time
      for (const int64_t end = done + chunk; done < end; ++done) {
        const StepRows r = rows_at(step_at(done, steps));
        if (reverse_) row -= r.count();
        for (int64_t stage = 0; stage < num_stages(); ++stage)
          each([&](int64_t p) { step(p, done, r, row, static_cast<size_t>(stage), y, width); });
        if (!reverse_) row += r.count();
      }
    }
  }

  /// Copies the last states of the group's sequences to those of the direction, [B, H] each.
  void last_states(const float* y, int64_t width, std::vector<Var>& states) const {
    for (int64_t j = first_; j < last_; ++j) {
      const int64_t t = reverse_ ? 0 : packing_.lengths[static_cast<size_t>(j)] - 1;
      std::copy_n(y + packing_.row(t, j) * width, hidden_, states[0].mutable_value().data<float>() + j * hidden_);
    }
    if (fused_.cell_state)
      std::copy_n(states_[2].data<float>(), (last_ - first_) * hidden_,
                  states[1].mutable_value().data<float>() + first_ * hidden_);
  }

 private:
  struct Part {
    Part(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden, Range units, int64_t rows,
         int64_t count)
        : cell(UnitsOfCell::borrowed(fused, weights, hidden, units)) {
      for (size_t stage = 0; stage < cell.num_stages(); ++stage)
        products.push_back(Tensor::empty({rows, cell.width(stage)}));
      of_step.resize(products.size());
      scratch = Tensor::empty({count, cell.scratch_size()});
    }
    UnitsOfCell cell;
    std::vector<Tensor> products;  // [stage]: W x of the rows at hand, then activations
    std::vector<float*> of_step;   // [stage]: where those of a step begin
    Tensor scratch;
  };

  /// The step that is visited as number `visited`.
  int64_t step_at(int64_t visited, int64_t steps) const { return reverse_ ? steps - 1 - visited : visited; }
  StepRows rows_at(int64_t t) const { return step_rows(packing_, t, reverse_, first_, last_); }

  /// W x of the rows of `chunk` steps from `lowest` on.
  void input_products(int64_t p, const float* x, int64_t lowest, int64_t chunk, int64_t rows) {
    const float* from = x + rows_at(lowest).row * input_;
    if (gathered_.defined()) {  // then there is one part
      float* to = gathered_.data<float>();
      for (int64_t t = lowest; t < lowest + chunk; ++t) {
        const StepRows r = rows_at(t);
        to = std::copy_n(x + r.row * input_, r.count() * input_, to);
      }
      from = gathered_.data<float>();
    }
    Part& part = parts_[static_cast<size_t>(p)];
    for (size_t stage = 0; stage < part.products.size(); ++stage)
      part.cell.input_product(stage, rows, from, part.products[stage].data<float>());
  }

  void step(int64_t p, int64_t visited, const StepRows& r, int64_t row, size_t stage, float* y, int64_t width) {
    Part& part = parts_[static_cast<size_t>(p)];
    const Range units = part.cell.units();
    for (size_t s = 0; s < part.products.size(); ++s)
      part.of_step[s] = part.products[s].data<float>() + row * part.cell.width(s);
    // Two places for h in turn. A sequence that begins later, as in reverse, finds its first state in both.
    const auto turn = static_cast<size_t>(visited % 2);
    const float* before = states_[turn].data<float>();
    float *after = states_[1 - turn].data<float>(), *c = fused_.cell_state ? states_[2].data<float>() : nullptr;
    UnitsOfCell::Data d{};
    d.before = before;
    d.operand = left_.data<float>();
    d.scratch = part.scratch.data<float>();
    d.h = after + units.begin;
    d.c = c ? c + units.begin : nullptr;
    d.left = left_.data<float>() + units.begin;
    d.past = visited > 0 || has_past_ ? before : nullptr;
    d.rows = r.count();
    d.state = hidden_;
    d.c_before = c;
    d.products = part.of_step.data();
    part.cell.run(stage, d);
    if (stage + 1 < part.products.size()) return;
    for (int64_t i = 0; i < r.count(); ++i)
      std::copy_n(after + i * hidden_ + units.begin, units.size(), y + (r.row + i) * width + units.begin);
  }

  FusedCell<float> fused_;
  const Packing& packing_;
  bool reverse_;
  int64_t first_, last_;  // packed positions
  int64_t hidden_ = 0, input_ = 0;
  std::vector<Part> parts_;
  std::array<Tensor, 3> states_;  // [sequences, H]: h, h, c
  Tensor left_;                   // [sequences, H]: operand of a second stage
  Tensor gathered_;               // rows of x that do not lie together
  bool has_past_ = false;
};

class Inference {
 public:
  Inference(const Cell& cell, const Packing& packing, const Var& x, const std::vector<Direction>& directions)
      : x_(x), num_directions_(static_cast<int64_t>(directions.size())) {
    hidden_ = directions[0].weights.w_ih.value().dim(0) / cell.num_gates();
    const int64_t input = x.value().dim(1), batch = packing.batch_size();
    const int64_t work = packing.rows() * cell.num_gates() * hidden_ * (input + hidden_) * num_directions_;
    threads_ = worthwhile_threads(work, 1 << 18);
    if (shares_units(cell, packing, directions)) {
      const int64_t parts = std::min<int64_t>(threads_, (hidden_ + kUnits - 1) / kUnits);
      threads_ = static_cast<int>(parts);
      groups_.emplace_back(cell, packing, directions[0], 0, batch, parts);
      return;
    }
    const int64_t parts = (threads_ + num_directions_ - 1) / num_directions_;
    const auto bounds = shard_boundaries(packing, std::clamp<int64_t>(parts, 1, std::max<int64_t>(batch, 1)));
    for (const Direction& direction : directions)
      for (size_t s = 0; s + 1 < bounds.size(); ++s)
        groups_.emplace_back(cell, packing, direction, bounds[s], bounds[s + 1], 1);
  }

  RecurrentOutput run(const Cell& cell, const Packing& packing) {
    const int64_t width = hidden_ * num_directions_;
    Tensor y = Tensor::empty({packing.rows(), width});
    SpinBarrier meeting;
    ParallelGuard guard;
#pragma omp parallel num_threads(threads_)
    {
      const FlushDenormals flush;
      const int64_t thread = omp_get_thread_num(),
                    threads = omp_get_num_threads();  // there may be fewer than asked for
      if (groups_.size() == 1 && groups_[0].num_parts() > 1) {
        groups_[0].run(x_.value().data<float>(), y.data<float>(), width, [&](auto body) {
          guard.run([&] {
            for (int64_t p = thread; p < groups_[0].num_parts(); p += threads) body(p);
          });
          meeting.wait(static_cast<int>(threads));
        });
      } else {
        guard.run([&] {
          for (auto g = static_cast<size_t>(thread); g < groups_.size(); g += static_cast<size_t>(threads))
            groups_[g].run(x_.value().data<float>(), y.data<float>() + column_of(g), width, [](auto body) { body(0); });
        });
      }
    }
    guard.rethrow();
    RecurrentOutput out;
    out.y = Var(y);
    for (int64_t d = 0; d < num_directions_; ++d) {
      auto& states = out.states.emplace_back();
      for (int64_t s = 0; s < cell.num_states(); ++s)
        states.emplace_back(Tensor::empty({packing.batch_size(), hidden_}));
    }
    for (size_t g = 0; g < groups_.size(); ++g)
      groups_[g].last_states(y.data<float>() + column_of(g), width, out.states[direction_of(g)]);
    return out;
  }

 private:
  size_t direction_of(size_t group) const {
    return group * static_cast<size_t>(num_directions_) / groups_.size();
  }
  int64_t column_of(size_t group) const {
    return static_cast<int64_t>(direction_of(group)) * hidden_;
  }

  Var x_;
  int64_t num_directions_, hidden_ = 0;
  int threads_ = 1;
  std::deque<Group> groups_;  // the same number for each direction, one direction behind the other
};

}  // namespace

bool has_inference(const Cell& cell, const Var& x) {
  return x.value().dtype() == DType::f32 && cell.fused<float>();
}

bool shares_units(const Cell& cell, const Packing& packing, const std::vector<Direction>& directions) {
  if (directions.size() != 1 || omp_in_parallel() || packing.batch_size() >= num_threads()) return false;
  if (!cell.fused<float>().recurrent_product) return false;
  const Var& w = directions[0].weights.w_hh;
  const int64_t value_bytes = w.format() ? w.format()->code_bytes : int64_t{sizeof(float)};
  return w.value().numel() * value_bytes >= kWorthSharing;
}

RecurrentOutput recurrent_inference(const Cell& cell, const Packing& packing, const Var& x,
                                    const std::vector<Direction>& directions) {
  return Inference(cell, packing, x, directions).run(cell, packing);
}

}  // namespace carousel::nn
