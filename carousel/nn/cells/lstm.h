// Long short-term memory.
#pragma once

#include "carousel/nn/cells/cell.h"

namespace carousel::nn {

/// LSTM with one bias per gate and no peepholes; gates i, f, g, o.
class LstmCell final : public Cell {
 public:
  std::string name() const override { return "lstm"; }
  std::vector<std::string> gate_names() const override {
    return {"input_gate", "forget_gate", "candidate", "output_gate"};
  }
  std::string equations() const override;
  Tensor initial_bias(int64_t hidden_size) const override;
  std::vector<Var> step(Tape* tape, const Var& pre, const std::vector<Var>& state) const override;
  FusedCell<float> fused_f32() const override;
  FusedCell<double> fused_f64() const override;
};

}  // namespace carousel::nn
