// What a recurrent cell is to the sequence driver. A new cell is one file here and one line in registry.cpp; see
// docs/how-to-add/cell.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/base/options.h"
#include "carousel/kernels/table.h"

namespace carousel::nn {

/// What a user may choose of a cell. "", -1 and 0 stand for the cell's own default.
struct CellOptions {
  std::string cell = "lstm";
  std::string reset;            ///< before | after: reset gate applied to h before or after the recurrent product
  std::string update;           ///< new | keep: what an update gate near 1 does. new: h' = (1 - z) h + z g
  int64_t biases = -1;          ///< 0; 1: b_ih; 2: b_ih and b_hh, as PyTorch keeps them
  std::string activation;       ///< tanh | relu
  int64_t projection_size = 0;  ///< width of h where it is a projection; 0: half of hidden_size

  void options(OptionTable& table);
  bool operator==(const CellOptions&) const = default;
};

/// Weights of one direction of a layer, PyTorch's layout. Undefined where the cell or its options have none. The blocks
/// of rows are the gates in gate_names() order.
struct CellWeights {
  Var w_ih;                ///< [G*H, I]
  Var w_hh;                ///< [G*H, width of h]
  Var b_ih, b_hh;          ///< [G*H]
  std::vector<Var> extra;  ///< in the order of extra_parameters()

  /// Those that are defined.
  std::vector<Var> all() const;
};

/// A parameter with its first values.
struct CellParameter {
  std::string name;  ///< PyTorch's where it has one; a layer appends "_l0", "_l0_reverse"
  Tensor initial;    ///< f32
};

/// One pass of a fused cell over a time step: a block of gates whose products are done, then a kernel.
template <class T>
struct FusedStage {
  int64_t first_gate = 0, last_gate = 0;  ///< gates [first, last) of the canonical order
  kernels::CellForwardKernel<T> forward = nullptr;
  kernels::CellBackwardKernel<T> backward = nullptr;
};

/// Fused arithmetic of a cell. Empty: there is only the specification.
template <class T>
struct FusedCell {
  /// The first stage multiplies U by h_{t-1}; a second one by what the first left as operand.
  std::vector<FusedStage<T>> stages;
  bool recurrent_product = true;  ///< false: the cell has no U
  bool apart = false;             ///< U h + b_hh is handed over apart from W x + b_ih
  bool cell_state = false;        ///< a second state c beside h
  bool mixes_past = false;        ///< backward leaves a part of dL/dh_{t-1} in dh, to which the product is added
  bool peephole = false;          ///< extra[0] is the vector of peepholes
  bool relu = false, keep = false;
  explicit operator bool() const { return !stages.empty(); }
};

/// Where the activations of a gate lie.
enum class GateRange {
  unit,       ///< [0, 1]
  symmetric,  ///< [-1, 1]
  unbounded   ///< no ends, or none that say anything
};

/// A recurrent cell with its conventions fixed. Immutable; shared by layers and threads.
class Cell {
 public:
  virtual ~Cell() = default;
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  std::string name() const { return options_.cell; }
  /// The conventions in force: every choice the cell has is decided; the others stay "" and 0.
  const CellOptions& options() const { return options_; }
  /// Blocks of H rows in weight_ih and weight_hh, in order; also what a recorder calls them.
  virtual std::vector<std::string> gate_names() const = 0;
  /// The range of each, in the same order. By default those called "..._gate" lie in [0, 1], the others in [-1, 1].
  virtual std::vector<GateRange> gate_ranges() const;
  int64_t num_gates() const { return static_cast<int64_t>(gate_names().size()); }
  /// States carried from step to step, h (the output) first: {"h"}, {"h", "c"}, {"h", "c", "n", "m"}.
  virtual std::vector<std::string> state_names() const = 0;
  int64_t num_states() const { return static_cast<int64_t>(state_names().size()); }
  /// Width of state number `state` of a layer of `hidden_size` units.
  virtual int64_t state_size(int64_t state, int64_t hidden_size) const;
  /// Width of the output: that of h.
  int64_t output_size(int64_t hidden_size) const { return state_size(0, hidden_size); }
  /// How many states, counted from h, a bridge from another network may set; the others start at zero.
  virtual int64_t num_free_states() const { return num_states(); }
  /// The equations of the conventions in force, and the paper, for people.
  std::string equations() const;

  /// All parameters of a layer in their canonical order, with first values: weight_ih (Glorot for each gate), weight_hh
  /// (orthogonal for each gate), bias_ih (forget gates 1, others 0), bias_hh (0), then extra_parameters. A pure
  /// function of its arguments; streams `stream` and `stream + 1` of `seed` are used, and for the extra ones
  /// mix(stream, k). Throws ConfigError when the sizes do not fit the cell.
  std::vector<CellParameter> parameters(int64_t input_size, int64_t hidden_size, uint64_t seed, uint64_t stream) const;
  /// Number of values in parameters(), by formula: G H (I + P) + biases G H + extra, P the width of h.
  int64_t num_parameters(int64_t input_size, int64_t hidden_size) const;
  /// The same as a sum for people: "4 * 8 * (5 + 8) + 32 biases + 24 more = 472".
  std::string parameter_sum(int64_t input_size, int64_t hidden_size) const;

  /// One step of the cell and what people may look at.
  struct Stepped {
    std::vector<Var> state;  ///< new states, [m, state_size] each
    std::vector<Var> gates;  ///< activations in gate_names() order, [m, H] each
  };
  /// The specification: one step made of ops. `input` [m, G*H] is W x, without bias: a driver does it for all steps at
  /// once. state: as state_names(), [m, state_size] each.
  virtual Stepped step(Tape* tape, const Var& input, const CellWeights& weights,
                       const std::vector<Var>& state) const = 0;

  /// The same fused, or empty.
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

  /// False: the cell has no recurrent product, and no weight_hh.
  virtual bool has_recurrent_weight() const { return true; }
  /// Parameters beyond the four, for example {"peephole", [3*H]}.
  virtual std::vector<CellParameter> extra_parameters(int64_t hidden_size, uint64_t seed, uint64_t stream) const;
  /// Number of values in extra_parameters(), by formula.
  virtual int64_t num_extra_parameters(int64_t hidden_size) const;

 protected:
  /// The equations with one bias b, and the paper.
  virtual std::string formulas() const = 0;
  explicit Cell(CellOptions resolved) : options_(std::move(resolved)) {}
  /// First bias of gate number `gate`.
  virtual double initial_bias(int64_t gate) const;

 private:
  CellOptions options_;
};

/// A cell by name with conventions. Throws ConfigError: unknown cell or convention (with the nearest name), or a choice
/// that the cell does not have (with the reason).
std::shared_ptr<const Cell> make_cell(const CellOptions& options);
/// A cell with its own defaults.
std::shared_ptr<const Cell> make_cell(const std::string& name);
std::vector<std::string> cell_names();

/// Registers the parameters of a cell with its owner, each name followed by `suffix` ("_l0"), and gives them back in
/// their places. `owner` is called as Module::parameter.
CellWeights make_weights(const Cell& cell, int64_t input_size, int64_t hidden_size, uint64_t seed, uint64_t stream,
                         const std::string& suffix, const std::function<Var(std::string, Tensor)>& owner);

}  // namespace carousel::nn
