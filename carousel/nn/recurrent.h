// The sequence driver: one recurrent layer over a packed batch as one op.
#pragma once

#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

/// One direction of a layer.
struct Direction {
  CellWeights weights;
  bool reverse = false;      ///< runs each sequence from its own last step to its first
  std::vector<Var> initial;  ///< one per state of the cell, [B, state_size] in packed order; empty: zeros
};

struct RecurrentOptions {
  bool keep = false;   ///< fill `gates` and `sequences` of the output, for inspection
  double zoneout = 0;  ///< probability in [0, 1) with which a unit of a state keeps its old value (Krueger et al. 2017)
  bool training = false;         ///< zoneout draws masks; otherwise it takes their expectation
  uint64_t key = 0, stream = 0;  ///< random numbers of zoneout: stream of its own
};

struct RecurrentOutput {
  Var y;                                 ///< [rows, D*output_size], directions side by side
  std::vector<std::vector<Var>> states;  ///< [direction][state], [B, state_size] in packed order, after the last step
  std::vector<Tensor> gates;  ///< only when kept: per direction activations [rows, G*H], gates in gate_names() order
  std::vector<std::vector<Tensor>> sequences;  ///< only when kept: [direction][state], [rows, state_size]
};

/// Runs a layer over packed input x [rows, I] (see Packing), full back-propagation through time.
///
/// The input product of all steps is one product; the time loop does the recurrent product and the fused cell; backward
/// runs the loop in reverse and then one product each for dW, dU and dx. Directions and shards of the batch are split
/// over threads inside one parallel region; with the same number of threads the bits are the same every time.
/// Cells without a fused kernel, and any cell with zoneout, run their step() on the tape. Throws ShapeError, also for
/// lengths that do not fit the data and for states of another model.
RecurrentOutput recurrent(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                          const std::vector<Direction>& directions, const RecurrentOptions& options = {});

/// The same made of the cell's step(), one op graph per time step: the specification that tests compare with.
RecurrentOutput recurrent_by_steps(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                                   const std::vector<Direction>& directions, const RecurrentOptions& options = {});

/// Throws what the functions above throw for arguments that do not fit each other.
void check_recurrent(const Cell& cell, const Packing& packing, const Var& x, const std::vector<Direction>& directions,
                     const RecurrentOptions& options);

}  // namespace carousel::nn
