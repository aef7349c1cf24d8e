// The sequence driver: one recurrent layer over a packed batch as one op.
#pragma once

#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

/// One direction of a layer. Weights as PyTorch lays them out: w_ih [G*H, I], w_hh [G*H, H], bias [G*H] or undefined.
struct Direction {
  Var w_ih, w_hh, bias;
  bool reverse = false;  ///< runs each sequence from its own last step to its first
  Var h0, c0;            ///< [B, H] in packed order, or undefined for zeros
};

struct RecurrentOutput {
  Var y;                      ///< [rows, D*H], directions side by side
  std::vector<Var> h_n, c_n;  ///< per direction [B, H] in packed order: the state after its last step
};

/// Runs a layer over packed input x [rows, I] (see Packing), full back-propagation through time.
///
/// The input product of all steps is one product; the time loop does the recurrent product and the fused cell; backward
/// runs the loop in reverse and then one product each for dW, dU and dx. Directions and shards of the batch are split
/// over threads inside one parallel region; with the same number of threads the bits are the same every time.
/// Cells without a fused kernel run their step() on the tape. Throws ShapeError.
RecurrentOutput recurrent(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                          const std::vector<Direction>& directions);

/// The same made of the cell's step(), one op graph per time step: the specification that tests compare with.
RecurrentOutput recurrent_by_steps(Tape* tape, const Cell& cell, const Packing& packing, const Var& x,
                                   const std::vector<Direction>& directions);

}  // namespace carousel::nn
