// Update-gate recurrent network.
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/gru.h"

namespace carousel::nn {

namespace {

/// Gates z, g; state h. z near 1 keeps the past.
class UgrnnCell final : public Cell {
 public:
  explicit UgrnnCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override { return {"update_gate", "candidate"}; }
  std::vector<std::string> state_names() const override { return {"h"}; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const std::vector<Var> pre = preactivations(tape, input, weights, state[0], 2);
    const Var z = ops::sigmoid(tape, pre[0]), g = ops::tanh(tape, pre[1]);
    return {{mix_past(tape, true, z, state[0], g)}, {z, g}};
  }

 protected:
  std::string formulas() const override {
    return "z = sigmoid(W_z x + U_z h + b_z)\n"
           "g = tanh(W_g x + U_g h + b_g)\n"
           "h' = z * h + (1 - z) * g\n"
           "UGRNN: Collins, Sohl-Dickstein & Sussillo 2017; the bias of z starts at 1";
  }
  double initial_bias(int64_t gate) const override { return gate == 0 ? 1 : 0; }
};

}  // namespace

namespace cells {
CellEntry ugrnn() {
  return {{}, make_as<UgrnnCell>};
}
}  // namespace cells

}  // namespace carousel::nn
