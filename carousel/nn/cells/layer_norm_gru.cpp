// Gated recurrent unit with layer normalisation.
#include "carousel/autograd/ops/norm.h"
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/gru.h"

namespace carousel::nn {

namespace {

/// Gates r, z, g; state h. W x and U h are normalised apart, r and z together over 2*H values and g over its H: gains
/// "norm_ih" and "norm_hh" [3*H]. The paper resets after the product; with reset = before LN(U_g (r * h)) takes the
/// place of r * LN(U_g h).
class LayerNormGruCell final : public Cell {
 public:
  explicit LayerNormGruCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override { return {"reset_gate", "update_gate", "candidate"}; }
  std::vector<std::string> state_names() const override { return {"h"}; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const int64_t n = state[0].value().dim(1);
    const auto norm = [&](const Var& x, const Var& gain, const Var& bias, int64_t begin, int64_t end) {
      return ops::layer_norm(tape, x, weight_block(tape, gain, begin * n, end * n),
                             weight_block(tape, bias, begin * n, end * n));
    };
    const auto outer = [&](int64_t begin, int64_t end) {
      return norm(ops::slice_columns(tape, input, begin * n, end * n), weights.extra[0], weights.b_ih, begin, end);
    };
    const auto inner = [&](int64_t begin, int64_t end, const Var& operand) {
      const Var u = weight_block(tape, weights.w_hh, begin * n, end * n);
      return norm(ops::linear(tape, operand, u, Var()), weights.extra[1], weights.b_hh, begin, end);
    };
    const Var gates = ops::add(tape, outer(0, 2), inner(0, 2, state[0]));
    const Var r = ops::sigmoid(tape, block(tape, gates, 0, n)), z = ops::sigmoid(tape, block(tape, gates, 1, n));
    const Var product = after() ? ops::mul(tape, r, inner(2, 3, state[0])) : inner(2, 3, ops::mul(tape, r, state[0]));
    const Var g = ops::tanh(tape, ops::add(tape, outer(2, 3), product));
    return {{mix_past(tape, keep(), z, state[0], g)}, {r, z, g}};
  }

  std::vector<CellParameter> extra_parameters(int64_t hidden_size, uint64_t /*seed*/,
                                              uint64_t /*stream*/) const override {
    return {{"norm_ih", Tensor::full({3 * hidden_size}, 1)}, {"norm_hh", Tensor::full({3 * hidden_size}, 1)}};
  }
  int64_t num_extra_parameters(int64_t hidden_size) const override { return 6 * hidden_size; }

 protected:
  std::string formulas() const override {
    std::string candidate = "g = tanh(LN(W_g x) + LN(U_g (r * h)) + b_g)\n";
    if (after())
      candidate = options().biases == 2 ? "g = tanh(LN(W_g x) + b_ih_g + r * (LN(U_g h) + b_hh_g))\n"
                                        : "g = tanh(LN(W_g x) + r * LN(U_g h) + b_g)\n";
    return "(r, z) = sigmoid(LN(W_rz x) + LN(U_rz h) + b_rz), each LN over both gates, with a gain\n" + candidate +
           mix_formula(keep()) +
           "\nLN(a) = (a - mean) / sqrt(variance + 1e-5)\n"
           "Ba, Kiros & Hinton 2016, equations 26 to 28" +
           (after() ? "" : ", but reset before the product");
  }

 private:
  bool after() const { return options().reset == "after"; }
  bool keep() const { return options().update == "keep"; }
};

}  // namespace

namespace cells {
CellEntry layer_norm_gru() {
  CellEntry entry{{}, make_as<LayerNormGruCell>};
  entry.choices.reset = "after";
  entry.choices.update = "new";
  return entry;
}
}  // namespace cells

}  // namespace carousel::nn
