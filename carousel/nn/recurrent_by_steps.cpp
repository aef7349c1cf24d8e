// The sequence driver as a graph of small ops: the specification, and what cells without a fused kernel run through.
#include <fmt/format.h>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/functions.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/nn/recurrent.h"

namespace carousel::nn {

namespace {

/// One direction under way.
class Walk {
 public:
  Walk(Tape* tape, const Cell& cell, const Packing& packing, const Direction& direction,
       const RecurrentOptions& options, uint64_t number)
      : tape_(tape), cell_(cell), packing_(packing), direction_(direction), options_(options), number_(number) {}

  void run(const Var& x) {
    const Var products = ops::linear(tape_, x, direction_.weights.w_ih, Var());
    const int64_t steps = packing_.seq_len();
    const int64_t hidden = direction_.weights.w_ih.value().dim(0) / cell_.num_gates();
    for (int64_t s = 0; s < cell_.num_states(); ++s) {
      const auto at = static_cast<size_t>(s);
      const bool given = at < direction_.initial.size() && direction_.initial[at].defined();
      state_.push_back(
          given ? direction_.initial[at]
                : Var(Tensor::zeros({packing_.batch_size(), cell_.state_size(s, hidden)}, x.value().dtype())));
    }
    h_.resize(static_cast<size_t>(steps));
    kept_.resize(static_cast<size_t>(steps));
    for (int64_t k = 0; k < steps; ++k) step(direction_.reverse ? steps - 1 - k : k, products);
  }

  Var outputs() const { return ops::concat_rows(tape_, h_); }
  const std::vector<Var>& states() const { return state_; }

  /// Gates side by side and each state, of all rows.
  void keep(RecurrentOutput& out) const {
    const auto gates = static_cast<size_t>(cell_.num_gates()), states = state_.size();
    std::vector<Var> all;
    std::vector<std::vector<Var>> sequences(states);
    for (const Cell::Stepped& s : kept_) {
      all.push_back(ops::concat_columns(
          nullptr, std::vector<Var>(s.gates.begin(), s.gates.begin() + static_cast<std::ptrdiff_t>(gates))));
      for (size_t i = 0; i < states; ++i) sequences[i].push_back(s.state[i]);
    }
    out.gates.push_back(ops::concat_rows(nullptr, all).value());
    auto& list = out.sequences.emplace_back();
    for (const auto& sequence : sequences) list.push_back(ops::concat_rows(nullptr, sequence).value());
  }

 private:
  /// The running state holds all sequences; a step takes the rows that are alive and puts them back.
  void step(int64_t t, const Var& products) {
    const int64_t batch = packing_.batch_size(), alive = packing_.batch_sizes[static_cast<size_t>(t)];
    std::vector<int64_t> now, waiting, rows;
    for (int64_t j = 0; j < alive; ++j) now.push_back(j), rows.push_back(packing_.row(t, j));
    for (int64_t j = alive; j < batch; ++j) waiting.push_back(j);
    std::vector<Var> before;
    for (const Var& s : state_) before.push_back(waiting.empty() ? s : ops::gather_rows(tape_, s, now));
    const Var input = ops::gather_rows(tape_, products, rows);
    Cell::Stepped next = cell_.step(tape_, input, direction_.weights, before);
    if (options_.zoneout > 0) zone_out(t, before, next.state);
    h_[static_cast<size_t>(t)] = next.state[0];
    for (size_t i = 0; i < state_.size(); ++i)
      state_[i] = waiting.empty()
                      ? next.state[i]
                      : ops::concat_rows(tape_, {next.state[i], ops::gather_rows(tape_, state_[i], waiting)});
    if (options_.keep) kept_[static_cast<size_t>(t)] = std::move(next);
  }

  /// s' <- s + (1 - p) D(s' - s), where D drops with probability p and scales the rest by 1 / (1 - p): the old value
  /// with probability p, the new one otherwise; without D their expectation. States that a bridge may set: those that
  /// belong together in one formula (c, n and m of the slstm) cannot be mixed one by one.
  void zone_out(int64_t t, const std::vector<Var>& before, std::vector<Var>& next) const {
    for (size_t i = 0; i < static_cast<size_t>(cell_.num_free_states()); ++i) {
      Var change = ops::sub(tape_, next[i], before[i]);
      if (options_.training) {
        const uint64_t place = (static_cast<uint64_t>(t) * 64 + number_) * 8 + i;
        change = ops::dropout(tape_, change, options_.zoneout, options_.key, mix(options_.stream, place));
      }
      next[i] = ops::add(tape_, before[i], ops::scale(tape_, change, 1 - options_.zoneout));
    }
  }

  Tape* tape_;
  const Cell& cell_;
  const Packing& packing_;
  const Direction& direction_;
  const RecurrentOptions& options_;
  uint64_t number_;
  std::vector<Var> state_, h_;
  std::vector<Cell::Stepped> kept_;
};

}  // namespace

RecurrentOutput recurrent_by_steps(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                                   const std::vector<Direction>& directions, const RecurrentOptions& options) {
  check_recurrent(cell, packing, x, directions, options);
  RecurrentOutput out;
  std::vector<Var> sides;
  for (size_t d = 0; d < directions.size(); ++d) {
    Walk walk(tape, cell, packing, directions[d], options, d);
    walk.run(x);
    sides.push_back(
        packing.rows() > 0
            ? walk.outputs()
            : Var(Tensor::zeros({0, cell.output_size(directions[d].weights.w_ih.value().dim(0) / cell.num_gates())},
                                x.value().dtype())));
    out.states.push_back(walk.states());
    if (options.keep && packing.rows() > 0) walk.keep(out);
  }
  out.y = sides.size() == 1 ? sides[0] : ops::concat_columns(tape, sides);
  return out;
}

}  // namespace carousel::nn
