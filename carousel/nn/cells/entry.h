// What a cell's file hands to the registry.
#pragma once

#include <memory>

#include "carousel/nn/cells/cell.h"

namespace carousel::nn {

/// Which of the CellOptions a cell has, with the defaults of those; "" and false: it has no such choice.
struct CellChoices {
  std::string reset, update, activation;
  int64_t most_biases = 2;
  bool projection = false;
};

struct CellEntry {
  CellChoices choices;
  /// `resolved`: options.cell is the name, every choice the cell has is decided.
  std::shared_ptr<const Cell> (*make)(const CellOptions& resolved) = nullptr;
};

/// The factory of a Cell class whose constructor takes the resolved options.
template <class C>
std::shared_ptr<const Cell> make_as(const CellOptions& resolved) {
  return std::make_shared<C>(resolved);
}

}  // namespace carousel::nn
