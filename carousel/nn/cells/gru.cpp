// Gated recurrent unit, in the conventions of the papers and of the libraries.
#include "carousel/nn/cells/gru.h"

#include "carousel/autograd/ops/functions.h"
#include "carousel/nn/cells/entry.h"

namespace carousel::nn {

Var mix_past(Tape* tape, bool keep, const Var& z, const Var& past, const Var& candidate) {
  const Var other = ops::affine(tape, z, -1, 1);
  return ops::add(tape, ops::mul(tape, keep ? z : other, past), ops::mul(tape, keep ? other : z, candidate));
}

std::string mix_formula(bool keep) {
  return keep ? "h' = z * h + (1 - z) * g" : "h' = (1 - z) * h + z * g";
}

namespace {

/// Gates r, z, g; state h. `reset`: r meets h before the product with U_g, or U_g h after it. `update`: z near 1 takes
/// the new candidate, or keeps the past.
class GruCell final : public Cell {
 public:
  explicit GruCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override { return {"reset_gate", "update_gate", "candidate"}; }
  std::vector<std::string> state_names() const override { return {"h"}; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const int64_t n = state[0].value().dim(1);
    const Var outer = add_bias(tape, input, weights.b_ih);
    const auto inner = [&](int64_t begin, int64_t end, const Var& operand) {
      return ops::linear(tape, operand, weight_block(tape, weights.w_hh, begin * n, end * n),
                         weight_block(tape, weights.b_hh, begin * n, end * n));
    };
    const Var gates = ops::add(tape, ops::slice_columns(tape, outer, 0, 2 * n), inner(0, 2, state[0]));
    const Var r = ops::sigmoid(tape, block(tape, gates, 0, n)), z = ops::sigmoid(tape, block(tape, gates, 1, n));
    const Var product = after() ? ops::mul(tape, r, inner(2, 3, state[0])) : inner(2, 3, ops::mul(tape, r, state[0]));
    const Var g = ops::tanh(tape, ops::add(tape, block(tape, outer, 2, n), product));
    return {{mix_past(tape, keep(), z, state[0], g)}, {r, z, g}};
  }

  FusedCell<float> fused_f32() const override { return fuse<float>(); }
  FusedCell<double> fused_f64() const override { return fuse<double>(); }

 protected:
  std::string formulas() const override {
    std::string candidate = "g = tanh(W_g x + U_g (r * h) + b_g)\n";
    if (after())
      candidate = options().biases == 2 ? "g = tanh(W_g x + b_ih_g + r * (U_g h + b_hh_g))\n"
                                        : "g = tanh(W_g x + r * (U_g h) + b_g)\n";
    return "r = sigmoid(W_r x + U_r h + b_r)\n"
           "z = sigmoid(W_z x + U_z h + b_z)\n" +
           candidate + mix_formula(keep()) + (keep() ? "\nCho et al. 2014" : "\nChung et al. 2014") +
           (after() ? ", reset after the product (cuDNN, PyTorch, Keras)" : ", reset before the product");
  }

 private:
  bool after() const { return options().reset == "after"; }
  bool keep() const { return options().update == "keep"; }

  template <class T>
  FusedCell<T> fuse() const {
    const auto& k = kernels::table<T>();
    FusedCell<T> fused;
    if (after()) {
      fused.stages = {{0, 3, k.gru_after_forward, k.gru_after_backward}};
      fused.apart = true;
    } else {
      fused.stages = {{0, 2, k.gru_before_reset_forward, k.gru_before_reset_backward},
                      {2, 3, k.gru_before_output_forward, k.gru_before_output_backward}};
    }
    fused.mixes_past = true;
    fused.keep = keep();
    return fused;
  }
};

}  // namespace

namespace cells {
CellEntry gru() {
  CellEntry entry{{}, make_as<GruCell>};
  entry.choices.reset = "before";
  entry.choices.update = "new";
  return entry;
}
}  // namespace cells

}  // namespace carousel::nn
