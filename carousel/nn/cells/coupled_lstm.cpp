// LSTM whose input gate is what the forget gate leaves.
#include "carousel/autograd/ops/functions.h"
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/step_ops.h"

namespace carousel::nn {

namespace {

/// Gates f, g, o; states h, c. A quarter fewer weights than the LSTM; c is a running mean of candidates, within [-1,
/// 1].
class CoupledLstmCell final : public Cell {
 public:
  explicit CoupledLstmCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override { return {"forget_gate", "candidate", "output_gate"}; }
  std::vector<std::string> state_names() const override { return {"h", "c"}; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const std::vector<Var> pre = preactivations(tape, input, weights, state[0], 3);
    const Var f = ops::sigmoid(tape, pre[0]), g = ops::tanh(tape, pre[1]), o = ops::sigmoid(tape, pre[2]);
    const Var i = ops::affine(tape, f, -1, 1);
    const Var c = ops::add(tape, ops::mul(tape, f, state[1]), ops::mul(tape, i, g));
    return {{ops::mul(tape, o, ops::tanh(tape, c)), c}, {f, g, o}};
  }

 protected:
  std::string formulas() const override {
    return "f = sigmoid(W_f x + U_f h + b_f)\n"
           "g = tanh(W_g x + U_g h + b_g)\n"
           "o = sigmoid(W_o x + U_o h + b_o)\n"
           "c' = f * c + (1 - f) * g\n"
           "h' = o * tanh(c')\n"
           "Coupled input and forget gate (CIFG): Greff et al. 2017; forget bias starts at 1";
  }
  double initial_bias(int64_t gate) const override { return gate == 0 ? 1 : 0; }
};

}  // namespace

namespace cells {
CellEntry coupled_lstm() {
  return {{}, make_as<CoupledLstmCell>};
}
}  // namespace cells

}  // namespace carousel::nn
