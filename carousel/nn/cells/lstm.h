// Long short-term memory, and what its variants share with it.
#pragma once

#include "carousel/nn/cells/cell.h"

namespace carousel::nn {

/// Gates i, f, g, o; states h, c; forget bias 1.
class LstmCell : public Cell {
 public:
  explicit LstmCell(const CellOptions& resolved) : Cell(resolved) {}
  std::vector<std::string> gate_names() const override {
    return {"input_gate", "forget_gate", "candidate", "output_gate"};
  }
  std::vector<std::string> state_names() const override { return {"h", "c"}; }
  Stepped step(Tape* tape, const Var& input, const CellWeights& weights, const std::vector<Var>& state) const override;
  FusedCell<float> fused_f32() const override;
  FusedCell<double> fused_f64() const override;

 protected:
  std::string formulas() const override;
  double initial_bias(int64_t gate) const override { return gate == 1 ? 1 : 0; }
};

}  // namespace carousel::nn
