#include "carousel/nn/cells/lstm.h"

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/rows.h"

namespace carousel::nn {

std::string LstmCell::equations() const {
  return "i = sigmoid(W_i x + U_i h + b_i)\n"
         "f = sigmoid(W_f x + U_f h + b_f)\n"
         "g = tanh(W_g x + U_g h + b_g)\n"
         "o = sigmoid(W_o x + U_o h + b_o)\n"
         "c' = f * c + i * g\n"
         "h' = o * tanh(c')\n"
         "Hochreiter & Schmidhuber 1997; forget gate Gers, Schmidhuber & Cummins 2000; forget bias starts at 1";
}

Tensor LstmCell::initial_bias(int64_t hidden_size) const {
  Tensor bias = Tensor::zeros({4 * hidden_size});
  float* b = bias.data<float>();
  for (int64_t j = 0; j < hidden_size; ++j) b[hidden_size + j] = 1.0f;
  return bias;
}

std::vector<Var> LstmCell::step(Tape* tape, const Var& pre, const std::vector<Var>& state) const {
  const int64_t n = state[0].value().dim(1);
  const auto gate = [&](int64_t k) { return ops::slice_columns(tape, pre, k * n, (k + 1) * n); };
  const Var i = ops::sigmoid(tape, gate(0)), f = ops::sigmoid(tape, gate(1));
  const Var g = ops::tanh(tape, gate(2)), o = ops::sigmoid(tape, gate(3));
  const Var c = ops::add(tape, ops::mul(tape, f, state[1]), ops::mul(tape, i, g));
  return {ops::mul(tape, o, ops::tanh(tape, c)), c};
}

FusedCell<float> LstmCell::fused_f32() const {
  return {kernels::table<float>().lstm_forward, kernels::table<float>().lstm_backward};
}

FusedCell<double> LstmCell::fused_f64() const {
  return {kernels::table<double>().lstm_forward, kernels::table<double>().lstm_backward};
}

}  // namespace carousel::nn
