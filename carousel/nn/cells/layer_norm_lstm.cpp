// LSTM with layer normalisation.
#include "carousel/autograd/ops/norm.h"
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/lstm.h"
#include "carousel/nn/cells/step_ops.h"

namespace carousel::nn {

namespace {

/// As LstmCell with W x and U h each normalised over all 4*H values, and c over its H on the way out: gains "norm_ih"
/// and "norm_hh" [4*H], "norm_c" and "norm_c_bias" [H]. The shifts of the two products are the biases of the gates.
class LayerNormLstmCell final : public LstmCell {
 public:
  using LstmCell::LstmCell;

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const int64_t hidden = state[1].value().dim(1);
    const Var outer = ops::layer_norm(tape, input, weights.extra[0], weights.b_ih);
    const Var inner =
        ops::layer_norm(tape, ops::linear(tape, state[0], weights.w_hh, Var()), weights.extra[1], weights.b_hh);
    const Var pre = ops::add(tape, outer, inner);
    const Var i = ops::sigmoid(tape, block(tape, pre, 0, hidden)), f = ops::sigmoid(tape, block(tape, pre, 1, hidden));
    const Var g = ops::tanh(tape, block(tape, pre, 2, hidden)), o = ops::sigmoid(tape, block(tape, pre, 3, hidden));
    const Var c = ops::add(tape, ops::mul(tape, f, state[1]), ops::mul(tape, i, g));
    const Var out = ops::tanh(tape, ops::layer_norm(tape, c, weights.extra[2], weights.extra[3]));
    return {{ops::mul(tape, o, out), c}, {i, f, g, o}};
  }

  FusedCell<float> fused_f32() const override { return {}; }
  FusedCell<double> fused_f64() const override { return {}; }

  std::vector<CellParameter> extra_parameters(int64_t hidden_size, uint64_t /*seed*/,
                                              uint64_t /*stream*/) const override {
    return {{"norm_ih", Tensor::full({4 * hidden_size}, 1)},
            {"norm_hh", Tensor::full({4 * hidden_size}, 1)},
            {"norm_c", Tensor::full({hidden_size}, 1)},
            {"norm_c_bias", Tensor::zeros({hidden_size})}};
  }
  int64_t num_extra_parameters(int64_t hidden_size) const override { return 10 * hidden_size; }

 protected:
  std::string formulas() const override {
    return "(i, f, g, o) = LN(W x) + LN(U h) + b, each LN over all four gates, with a gain\n"
           "c' = sigmoid(f) * c + sigmoid(i) * tanh(g)\n"
           "h' = sigmoid(o) * tanh(LN(c')), with gain and bias\n"
           "LN(a) = (a - mean) / sqrt(variance + 1e-5)\n"
           "Ba, Kiros & Hinton 2016, equations 20 to 22; forget bias starts at 1";
  }
};

}  // namespace

namespace cells {
CellEntry layer_norm_lstm() {
  return {{}, make_as<LayerNormLstmCell>};
}
}  // namespace cells

}  // namespace carousel::nn
