// Gradients of a recurrent layer's states, step by step, for people who want to see how far an error flows back.
#pragma once

#include <string>
#include <vector>

#include "carousel/nn/context.h"
#include "carousel/nn/recurrent.h"

namespace carousel::nn {

/// A recurrent layer as a part of a model: recurrent() under the name `layer` ("layer.0"), with everything that the
/// context asks for. A recorder gets "layer.0/forget_gate" [rows, H] for each gate and "layer.0/h", "layer.0/c" [rows,
/// width] for each state; a gradient sink gets the gradients of the states after each step. Names of a reverse
/// direction end in ".reverse". With a sink the layer runs step by step on the tape, and all sequences must have one
/// length (ShapeError).
RecurrentOutput recurrent_layer(Context& ctx, const std::string& layer, const Cell& cell, const Packing& packing,
                                const Var& x, const std::vector<Direction>& directions, RecurrentOptions options = {});

}  // namespace carousel::nn
