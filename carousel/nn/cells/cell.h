// What a recurrent cell is to the sequence driver. A new cell is one file here and one line in registry.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/base/rng.h"
#include "carousel/kernels/table.h"

namespace carousel::nn {

/// Fused arithmetic of a cell with two states h and c: the pointwise part of one time step.
template <class T>
struct FusedCell {
  void (*forward)(const kernels::LstmForward<T>&) = nullptr;
  void (*backward)(const kernels::LstmBackward<T>&) = nullptr;
  explicit operator bool() const { return forward && backward; }
};

class Cell {
 public:
  virtual ~Cell() = default;
  virtual std::string name() const = 0;
  /// Blocks of H rows in weight_ih and weight_hh, in order.
  virtual std::vector<std::string> gate_names() const = 0;
  int64_t num_gates() const { return static_cast<int64_t>(gate_names().size()); }
  /// Equations and paper, for people.
  virtual std::string equations() const = 0;
  /// First bias [G*H].
  virtual Tensor initial_bias(int64_t hidden_size) const = 0;
  /// The specification: one step made of ops. `pre` [m, G*H] is W x + U h + b; state {h, c}, each [m, H]; returns the
  /// new {h, c}.
  virtual std::vector<Var> step(Tape* tape, const Var& pre, const std::vector<Var>& state) const = 0;
  /// The same fused, or empty when there is only the specification.
  virtual FusedCell<float> fused_f32() const { return {}; }
  virtual FusedCell<double> fused_f64() const { return {}; }
  template <class T>
  FusedCell<T> fused() const {
    if constexpr (sizeof(T) == 8) {
      return fused_f64();
    } else {
      return fused_f32();
    }
  }
};

/// A cell by name; ConfigError with the nearest name otherwise.
const Cell& find_cell(const std::string& name);
std::vector<std::string> cell_names();

}  // namespace carousel::nn
