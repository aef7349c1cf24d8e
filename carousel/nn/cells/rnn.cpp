// Elman's recurrent network.
#include "carousel/autograd/ops/functions.h"
#include "carousel/nn/cells/entry.h"
#include "carousel/nn/cells/step_ops.h"

namespace carousel::nn {

namespace {

/// One block of units; state h.
class RnnCell final : public Cell {
 public:
  explicit RnnCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override { return {"activation"}; }
  std::vector<GateRange> gate_ranges() const override {
    return {is_relu() ? GateRange::unbounded : GateRange::symmetric};
  }
  std::vector<std::string> state_names() const override { return {"h"}; }

  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override {
    const Var pre = preactivations(tape, input, weights, state[0], 1)[0];
    const Var h = is_relu() ? ops::relu(tape, pre) : ops::tanh(tape, pre);
    return {{h}, {h}};
  }

  FusedCell<float> fused_f32() const override { return fuse<float>(); }
  FusedCell<double> fused_f64() const override { return fuse<double>(); }

 protected:
  std::string formulas() const override {
    return (is_relu() ? "h' = max(W x + U h + b, 0)\n" : "h' = tanh(W x + U h + b)\n") + std::string("Elman 1990");
  }

 private:
  bool is_relu() const { return options().activation == "relu"; }

  template <class T>
  FusedCell<T> fuse() const {
    const auto& k = kernels::table<T>();
    FusedCell<T> fused;
    fused.stages = {{0, 1, k.rnn_forward, k.rnn_backward}};
    fused.relu = is_relu();
    return fused;
  }
};

}  // namespace

namespace cells {
CellEntry rnn() {
  CellEntry entry{{}, make_as<RnnCell>};
  entry.choices.activation = "tanh";
  return entry;
}
}  // namespace cells

}  // namespace carousel::nn
