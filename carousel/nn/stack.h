// A stack of recurrent layers with what people put between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/context.h"
#include "carousel/nn/module.h"
#include "carousel/nn/recurrent.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

struct StackConfig {
  CellOptions cell;
  std::vector<int64_t> hidden_size;  ///< units of each layer; one number: of all layers
  int64_t num_layers = 0;            ///< 0: as many as hidden_size has widths
  bool bidirectional = false;
  bool residual = false;    ///< a layer's input is added to its output, through a projection where widths differ
  bool layer_norm = false;  ///< layer normalisation of each layer's output
  double dropout = 0;       ///< on the output of each layer but the last
  bool variational_dropout = false;  ///< dropout draws one mask per sequence for all its steps (Gal & Ghahramani 2016)
  double recurrent_dropout = 0;      ///< on the elements of U, one mask per pass: weight-drop (Merity et al. 2018)
  double zoneout = 0;                ///< probability that a unit of a state keeps its old value (Krueger et al. 2017)

  /// Adds rows to the table's present section.
  void options(OptionTable& table);
  /// Width of each layer. Throws ConfigError when hidden_size is missing or does not fit num_layers.
  std::vector<int64_t> widths() const;
};

/// States of a stack, [layer][direction][state], each [B, width], in the caller's order of sequences. Values only:
/// gradients end at them.
using StackState = std::vector<std::vector<std::vector<Tensor>>>;

/// Weights of one layer of a stack.
struct StackLayer {
  int64_t hidden = 0, output = 0;
  std::vector<CellWeights> weights;  ///< by direction
  Var shortcut;                      ///< [output, input]; undefined where the residual needs none
  Var gain, bias;                    ///< of layer_norm; undefined without
};

/// Layers 0 .. L-1, x -> y: h = layer(x); h += x (residual); h = norm(h) (layer_norm); y = dropout(h).
///
/// Parameters under PyTorch's names, `weight_ih_l0` ... `weight_hh_l1_reverse`; besides `residual_l0.weight` [D*H, I]
/// where a residual layer changes the width, and `norm_l0.weight`, `norm_l0.bias` [D*H].
class RecurrentStack final : public Module {
 public:
  /// `prefix` stands before the names of layers in what is recorded ("encoder." -> "encoder.0/forget_gate").
  /// Throws ConfigError.
  RecurrentStack(const StackConfig& config, int64_t input_size, uint64_t seed, std::string prefix = "layer.");

  struct Output {
    Var y;                                              ///< [rows, output_size], packed
    std::vector<std::vector<std::vector<Var>>> states;  ///< [layer][direction][state], [B, width] in packed order
  };
  /// x [rows, input_size], packed. `initial` continues sequences where an earlier pass left them: a stream read in
  /// chunks gives the bits that it gives in one piece, when nothing random is on; gradients end at it, which is
  /// truncated back-propagation through time. Null: zeros. Throws ShapeError for a state of another stack, and
  /// UnsupportedError for any state when the stack is bidirectional.
  Output forward(Context& ctx, const Packing& packing, const Var& x, const StackState* initial = nullptr);
  /// The states that an output ends in, detached, to be handed to the next forward().
  static StackState final_state(const Packing& packing, const Output& output);
  /// What each direction has seen of the whole sequence: y after the last step, and for the reverse direction after the
  /// first. [B, output_size] in packed order.
  Var last(Tape* tape, const Packing& packing, const Var& y) const;

  const StackConfig& config() const { return config_; }
  const Cell& cell() const { return *cell_; }
  int64_t num_layers() const { return static_cast<int64_t>(layers_.size()); }
  /// For those who run the layers themselves.
  const StackLayer& layer(int64_t index) const { return layers_[static_cast<size_t>(index)]; }
  int64_t output_size() const;
  /// Bytes of a StackState of one sequence in f32: fixed, however long the sequence.
  int64_t state_bytes() const;
  /// Throws UnsupportedError when sequences cannot be read in chunks.
  void require_streaming() const;

 private:
  void add_layer(int64_t input, int64_t hidden, uint64_t seed);
  void check(const StackState& state, int64_t batch_size) const;
  Var drop(Context& ctx, const Packing& packing, const Var& x) const;
  std::vector<Direction> directions(Context& ctx, const Packing& packing, size_t layer, const StackState* initial);

  StackConfig config_;
  std::shared_ptr<const Cell> cell_;
  std::string prefix_;
  std::vector<StackLayer> layers_;
};

}  // namespace carousel::nn
