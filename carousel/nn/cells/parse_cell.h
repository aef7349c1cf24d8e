// A cell and its conventions in one word, for lists of cells.
#pragma once

#include <string>

#include "carousel/nn/cells/cell.h"

namespace carousel::nn {

/// Reads "gru" or "gru:reset=after:update=keep": a cell, then conventions by the names of its options. What is not
/// named stays open, as in CellOptions. Throws ConfigError for what is no convention (with the nearest name), one given
/// twice, and what make_cell refuses.
CellOptions parse_cell(const std::string& text);

}  // namespace carousel::nn
