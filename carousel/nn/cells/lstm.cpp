#include "carousel/nn/cells/lstm.h"

#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/step_ops.h"

namespace carousel::nn {

std::string LstmCell::formulas() const {
  return "i = sigmoid(W_i x + U_i h + b_i)\n"
         "f = sigmoid(W_f x + U_f h + b_f)\n"
         "g = tanh(W_g x + U_g h + b_g)\n"
         "o = sigmoid(W_o x + U_o h + b_o)\n"
         "c' = f * c + i * g\n"
         "h' = o * tanh(c')\n"
         "Hochreiter & Schmidhuber 1997; forget gate Gers, Schmidhuber & Cummins 2000; forget bias starts at 1";
}

Cell::Stepped LstmCell::step(Tape* tape, const Var& input, const CellWeights& weights,
                             const std::vector<Var>& state) const {
  const std::vector<Var> pre = preactivations(tape, input, weights, state[0], 4);
  const Var i = ops::sigmoid(tape, pre[0]), f = ops::sigmoid(tape, pre[1]);
  const Var g = ops::tanh(tape, pre[2]), o = ops::sigmoid(tape, pre[3]);
  const Var c = ops::add(tape, ops::mul(tape, f, state[1]), ops::mul(tape, i, g));
  return {{ops::mul(tape, o, ops::tanh(tape, c)), c}, {i, f, g, o}};
}

namespace {

template <class T>
FusedCell<T> fused_lstm() {
  const auto& k = kernels::table<T>();
  FusedCell<T> fused;
  fused.stages = {{0, 4, k.lstm_forward, k.lstm_backward}};
  fused.cell_state = true;
  return fused;
}

}  // namespace

FusedCell<float> LstmCell::fused_f32() const {
  return fused_lstm<float>();
}

FusedCell<double> LstmCell::fused_f64() const {
  return fused_lstm<double>();
}

namespace cells {
CellEntry lstm() {
  return {{}, make_as<LstmCell>};
}
}  // namespace cells

}  // namespace carousel::nn
