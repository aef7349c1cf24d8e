// The combinations that `compare` trains, decided before the first of them runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/engine/compare.h"
#include "carousel/nn/cells/cell.h"

namespace carousel::engine {

struct Combination {
  std::string cell;  ///< as the user wrote it: "gru:reset=after"
  nn::CellOptions options;
  int64_t num_layers = 0, hidden_size = 0, parameters = 0;

  /// "gru:reset=after, 2 layers of 64".
  std::string label() const;
};

struct Grid {
  std::vector<Combination> combinations;
  std::vector<std::string> notes;
};

/// The request that trains one combination.
TrainRequest request_of(const CompareRequest& request, const Combination& combination);

/// All combinations, each once, with their parameters and, for equal parameters, their widths. Throws ConfigError for
/// an empty grid, a cell that does not exist, and options in `base` that the grid would override.
Grid make_grid(const CompareRequest& request);

}  // namespace carousel::engine
