// The minimal gated recurrent unit whose gates do not see the past.
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/gru.h"

namespace carousel::nn {

namespace {

/// Gates z, g, both of the input alone, so that all products of a sequence are one product and only h = a h + b is left
/// to the time loop; state h; no weight_hh. The candidate is linear.
class MinGruCell final : public Cell {
 public:
  explicit MinGruCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override { return {"update_gate", "candidate"}; }
  std::vector<GateRange> gate_ranges() const override { return {GateRange::unit, GateRange::unbounded}; }
  std::vector<std::string> state_names() const override { return {"h"}; }
  bool has_recurrent_weight() const override { return false; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const int64_t n = state[0].value().dim(1);
    const Var pre = add_bias(tape, input, weights.b_ih);
    const Var z = ops::sigmoid(tape, block(tape, pre, 0, n)), g = block(tape, pre, 1, n);
    return {{mix_past(tape, keep(), z, state[0], g)}, {z, g}};
  }

  FusedCell<float> fused_f32() const override { return fuse<float>(); }
  FusedCell<double> fused_f64() const override { return fuse<double>(); }

 protected:
  std::string formulas() const override {
    return "z = sigmoid(W_z x + b_z)\n"
           "g = W_g x + b_g\n" +
           mix_formula(keep()) + "\nminGRU: Feng et al. 2024, \"Were RNNs all we needed?\"";
  }

 private:
  bool keep() const { return options().update == "keep"; }

  template <class T>
  FusedCell<T> fuse() const {
    const auto& k = kernels::table<T>();
    FusedCell<T> fused;
    fused.stages = {{0, 2, k.min_gru_forward, k.min_gru_backward}};
    fused.recurrent_product = false;
    fused.mixes_past = true;
    fused.keep = keep();
    return fused;
  }
};

}  // namespace

namespace cells {
CellEntry min_gru() {
  CellEntry entry{{}, make_as<MinGruCell>};
  entry.choices.update = "new";
  entry.choices.most_biases = 1;
  return entry;
}
}  // namespace cells

}  // namespace carousel::nn
