// LSTM whose gates see the cell state.
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/lstm.h"
#include "carousel/nn/cells/step_ops.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// As LstmCell, and diagonal connections "peephole" [3*H] in the order i, f, o. Input and forget gate see the state
/// before the step, the output gate the one after it. The gradient runs through the peepholes in full; Gers et al. cut
/// it there.
class PeepholeLstmCell final : public LstmCell {
 public:
  using LstmCell::LstmCell;

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const std::vector<Var> pre = preactivations(tape, input, weights, state[0], 4);
    const int64_t hidden = state[1].value().dim(1);
    const auto peep = [&](int64_t k, const Var& c) {
      const Var p = ops::slice_rows(tape, weights.extra[0], k * hidden, (k + 1) * hidden);
      return ops::mul_row(tape, c, p);
    };
    const Var i = ops::sigmoid(tape, ops::add(tape, pre[0], peep(0, state[1])));
    const Var f = ops::sigmoid(tape, ops::add(tape, pre[1], peep(1, state[1])));
    const Var g = ops::tanh(tape, pre[2]);
    const Var c = ops::add(tape, ops::mul(tape, f, state[1]), ops::mul(tape, i, g));
    const Var o = ops::sigmoid(tape, ops::add(tape, pre[3], peep(2, c)));
    return {{ops::mul(tape, o, ops::tanh(tape, c)), c}, {i, f, g, o}};
  }

  FusedCell<float> fused_f32() const override { return with_peepholes(LstmCell::fused_f32()); }
  FusedCell<double> fused_f64() const override { return with_peepholes(LstmCell::fused_f64()); }

  std::vector<CellParameter> extra_parameters(int64_t hidden_size, uint64_t seed, uint64_t stream) const override {
    return {{"peephole", normal_init({3 * hidden_size}, 0.1, Rng(seed, mix(stream, 1)))}};
  }
  int64_t num_extra_parameters(int64_t hidden_size) const override { return 3 * hidden_size; }

 protected:
  std::string formulas() const override {
    return "i = sigmoid(W_i x + U_i h + p_i * c + b_i)\n"
           "f = sigmoid(W_f x + U_f h + p_f * c + b_f)\n"
           "g = tanh(W_g x + U_g h + b_g)\n"
           "c' = f * c + i * g\n"
           "o = sigmoid(W_o x + U_o h + p_o * c' + b_o)\n"
           "h' = o * tanh(c')\n"
           "Gers & Schmidhuber 2000; Gers, Schraudolph & Schmidhuber 2002; here with the whole gradient; forget bias "
           "starts at 1";
  }

 private:
  template <class T>
  static FusedCell<T> with_peepholes(FusedCell<T> fused) {
    fused.peephole = true;
    return fused;
  }
};

}  // namespace

namespace cells {
CellEntry peephole_lstm() {
  return {{}, make_as<PeepholeLstmCell>};
}
}  // namespace cells

}  // namespace carousel::nn
