// LSTM whose output is a projection of its units.
#include <fmt/format.h>

#include "carousel/base/error.h"
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/lstm.h"
#include "carousel/nn/cells/step_ops.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// As LstmCell with a weight "weight_hr" [P, H] behind it: h is P wide, c is H wide, U is [4*H, P]. PyTorch's
/// proj_size.
class ProjectedLstmCell final : public LstmCell {
 public:
  using LstmCell::LstmCell;
  int64_t state_size(int64_t state, int64_t hidden_size) const override {
    if (state > 0) return hidden_size;
    const int64_t chosen = options().projection_size;
    if (chosen >= hidden_size && hidden_size > 1)
      throw ConfigError(
          fmt::format("[cell] projection_size must be smaller than hidden_size; got {} and {}. Choose a smaller one, "
                      "or cell = lstm.",
                      chosen, hidden_size));
    return chosen > 0 ? chosen : (hidden_size + 1) / 2;
  }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    Stepped next = LstmCell::step(tape, input, weights, state);
    next.state[0] = ops::linear(tape, next.state[0], weights.extra[0], Var());
    return next;
  }

  FusedCell<float> fused_f32() const override { return {}; }
  FusedCell<double> fused_f64() const override { return {}; }

  std::vector<CellParameter> extra_parameters(int64_t hidden_size, uint64_t seed, uint64_t stream) const override {
    return {{"weight_hr", glorot_init(output_size(hidden_size), hidden_size, Rng(seed, mix(stream, 1)))}};
  }
  int64_t num_extra_parameters(int64_t hidden_size) const override { return output_size(hidden_size) * hidden_size; }

 protected:
  std::string formulas() const override {
    return "i = sigmoid(W_i x + U_i h + b_i)\n"
           "f = sigmoid(W_f x + U_f h + b_f)\n"
           "g = tanh(W_g x + U_g h + b_g)\n"
           "o = sigmoid(W_o x + U_o h + b_o)\n"
           "c' = f * c + i * g\n"
           "h' = W_r (o * tanh(c'))\n"
           "Sak, Senior & Beaufays 2014, the recurrent projection; forget bias starts at 1";
  }
};

}  // namespace

namespace cells {
CellEntry projected_lstm() {
  CellEntry entry{{}, make_as<ProjectedLstmCell>};
  entry.choices.projection = true;
  return entry;
}
}  // namespace cells

}  // namespace carousel::nn
