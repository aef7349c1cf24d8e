// Rewrites the weights of a recurrent layer for other conventions of its cell, where that is exact.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "carousel/nn/cells/cell.h"

namespace carousel::nn {

/// Parameters of one direction of a layer by the names that Cell::parameters() uses: "weight_ih", "bias_hh", "norm_ih".
struct LayerTensors {
  std::vector<std::pair<std::string, Tensor>> tensors;

  /// Null when there is none of that name.
  const Tensor* find(const std::string& name) const;
};

/// The same function under the conventions of `to`:
///   update new <-> keep   z becomes 1 - z = sigmoid(-a): the rows of z are negated in weight_ih, weight_hh and the
///                         biases (with layer norm: in the gains and the biases)
///   biases 2 -> 1         b_ih + b_hh; refused for a GRU with reset = after whose b_hh of the candidate is not zero: r
///                         multiplies it
///   biases 1 -> 2, 0 -> n zeros are added
///   biases n -> 0         refused unless they are all zero
///   reset before <-> after  refused: U (r * h) and r * (U h) are different functions for all U that are not diagonal
/// Equal up to the rounding of the machine. Throws ConfigError with the reason, ShapeError for tensors that are no
/// layer of `from`.
LayerTensors convert_layer(const Cell& from, const Cell& to, const LayerTensors& layer);

}  // namespace carousel::nn
