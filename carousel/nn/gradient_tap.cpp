#include "carousel/nn/gradient_tap.h"

#include <fmt/format.h>

#include <utility>

#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/autograd/watch.h"
#include "carousel/base/error.h"

namespace carousel::nn {

namespace {

std::string name_of(const std::string& layer, const Direction& direction, const std::string& part) {
  return layer + "/" + part + (direction.reverse ? ".reverse" : "");
}

std::vector<Var> first_states(const Cell& cell, const Direction& direction, int64_t batch, int64_t hidden,
                              DType dtype) {
  if (!direction.initial.empty()) return direction.initial;
  std::vector<Var> state;
  for (int64_t s = 0; s < cell.num_states(); ++s)
    state.emplace_back(Tensor::zeros({batch, cell.state_size(s, hidden)}, dtype));
  return state;
}

/// The specification with each state watched; step t of all sequences is rows [t B, (t + 1) B).
RecurrentOutput run_tapped(Context& ctx, const std::string& layer, const Cell& cell, const Packing& packing,
                           const Var& x, const std::vector<Direction>& directions) {
  const int64_t batch = packing.batch_size(), steps = packing.seq_len();
  if (packing.rows() != batch * steps)
    throw ShapeError(
        fmt::format("[{}] gradients of states are shown for sequences of one length; got {} to {} steps. Pass one "
                    "sequence, or cut them to one length.",
                    layer, packing.lengths.back(), packing.lengths.front()));
  const std::vector<std::string> names = cell.state_names();
  RecurrentOutput out;
  std::vector<Var> sides;
  for (const Direction& d : directions) {
    const Var input = ops::linear(ctx.tape, x, d.weights.w_ih, Var());
    const int64_t hidden = d.weights.w_ih.value().dim(0) / cell.num_gates();
    std::vector<Var> state = first_states(cell, d, batch, hidden, x.value().dtype());
    std::vector<Var> by_step(static_cast<size_t>(steps));
    for (int64_t k = 0; k < steps; ++k) {
      const int64_t t = d.reverse ? steps - 1 - k : k;
      const Var now = ops::slice_rows(ctx.tape, input, t * batch, (t + 1) * batch);
      state = cell.step(ctx.tape, now, d.weights, state).state;
      // The state itself is watched, so that its part in this step's own output counts too.
      size_t s = 0;
      for (const Var& v : state)
        watch_gradient(v, [name = name_of(layer, d, names[s++]), t, sink = ctx.gradients](const Tensor& gradient) {
          sink->state_gradient(name, t, gradient);
        });
      by_step[static_cast<size_t>(t)] = state[0];
    }
    sides.push_back(ops::concat_rows(ctx.tape, by_step));
    out.states.push_back(state);
  }
  out.y = ops::concat_columns(ctx.tape, sides);
  return out;
}

void record(const Context& ctx, const std::string& layer, const Cell& cell, const std::vector<Direction>& directions,
            const RecurrentOutput& out) {
  const std::vector<std::string> gates = cell.gate_names(), states = cell.state_names();
  for (size_t d = 0; d < directions.size(); ++d) {
    const int64_t width = out.gates[d].dim(1) / cell.num_gates();
    for (size_t g = 0; g < gates.size(); ++g) {
      const auto begin = static_cast<int64_t>(g) * width;
      ctx.record(name_of(layer, directions[d], gates[g]),
                 ops::slice_columns(nullptr, Var(out.gates[d]), begin, begin + width).value());
    }
    for (size_t s = 0; s < states.size(); ++s)
      ctx.record(name_of(layer, directions[d], states[s]), out.sequences[d][s]);
  }
}

}  // namespace

RecurrentOutput recurrent_layer(Context& ctx, const std::string& layer, const Cell& cell, const Packing& packing,
                                const Var& x, const std::vector<Direction>& directions, RecurrentOptions options) {
  options.keep = ctx.recorder != nullptr;
  if (options.keep || ctx.gradients == nullptr) {
    // With a sink the gradients come from the run below; this one is only looked at.
    RecurrentOutput out = recurrent(ctx.gradients ? nullptr : ctx.tape, cell, packing, x, directions, options);
    if (options.keep) record(ctx, layer, cell, directions, out);
    if (ctx.gradients == nullptr) return out;
  }
  return run_tapped(ctx, layer, cell, packing, x, directions);
}

}  // namespace carousel::nn
