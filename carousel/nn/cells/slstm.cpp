// The scalar cell of the xLSTM: exponential input gate, normaliser, stabiliser.
#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/functions.h"
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/step_ops.h"

namespace carousel::nn {

namespace {

/// Where nothing has been stored yet (n = 0, only before the first step) the stabiliser is as good as -infinity: were
/// it 0, a very negative input gate would vanish beside it and leave h' = 0 / 0.
Var empty_decay(const Var& n) {
  constexpr double kNothing = -1e30;
  Tensor shift = Tensor::zeros(n.value().shape(), n.value().dtype());
  ops::with_scalar(shift.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < shift.numel(); ++i)
      if (n.value().template data<T>()[i] == 0) shift.data<T>()[i] = static_cast<T>(kNothing);
  });
  return Var(shift);
}

/// Gates i, f, g, o; states h, c, normaliser n, stabiliser m. c and n are kept divided by exp(m), so that the
/// exponential input gate cannot overflow; h does not depend on m. All states start at zero. The gates shown are the
/// stabilised ones: what c is multiplied by, and what g is.
class SlstmCell final : public Cell {
 public:
  explicit SlstmCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override {
    return {"input_gate", "forget_gate", "candidate", "output_gate"};
  }
  /// The stabiliser makes the larger of i and f 1 at every step: that it is at an end says nothing.
  std::vector<GateRange> gate_ranges() const override {
    return {GateRange::unbounded, GateRange::unbounded, GateRange::symmetric, GateRange::unit};
  }
  std::vector<std::string> state_names() const override { return {"h", "c", "n", "m"}; }
  int64_t num_free_states() const override { return 1; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const std::vector<Var> pre = preactivations(tape, input, weights, state[0], 4);
    const Var before = ops::add(tape, state[3], empty_decay(state[2]));
    const Var decayed = ops::add(tape, ops::log_sigmoid(tape, pre[1]), before);
    const Var m = ops::maximum(tape, decayed, pre[0]);
    const Var i = ops::exp(tape, ops::sub(tape, pre[0], m)), f = ops::exp(tape, ops::sub(tape, decayed, m));
    const Var g = ops::tanh(tape, pre[2]), o = ops::sigmoid(tape, pre[3]);
    const Var c = ops::add(tape, ops::mul(tape, f, state[1]), ops::mul(tape, i, g));
    const Var n = ops::add(tape, ops::mul(tape, f, state[2]), i);
    return {{ops::mul(tape, o, ops::div(tape, c, n)), c, n, m}, {i, f, g, o}};
  }

 protected:
  std::string formulas() const override {
    return "a = W_i x + U_i h + b_i\n"
           "d = log sigmoid(W_f x + U_f h + b_f) + m\n"
           "m' = max(d, a), in the first step a\n"
           "i = exp(a - m'), f = exp(d - m')\n"
           "g = tanh(W_g x + U_g h + b_g)\n"
           "o = sigmoid(W_o x + U_o h + b_o)\n"
           "c' = f * c + i * g\n"
           "n' = f * n + i\n"
           "h' = o * c' / n'\n"
           "sLSTM: Beck et al. 2024 (xLSTM), one head, sigmoid forget gate; forget bias starts at 1";
  }
  double initial_bias(int64_t gate) const override { return gate == 1 ? 1 : 0; }
};

}  // namespace

namespace cells {
CellEntry slstm() {
  return {{}, make_as<SlstmCell>};
}
}  // namespace cells

}  // namespace carousel::nn
