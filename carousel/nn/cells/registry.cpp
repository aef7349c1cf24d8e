#include <fmt/format.h>
#include <fmt/ranges.h>

#include "carousel/base/error.h"
#include "carousel/base/options.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/cells/lstm.h"

namespace carousel::nn {

namespace {

/// Every cell there is, one line each.
const std::vector<const Cell*>& cells() {
  static const LstmCell lstm;
  static const std::vector<const Cell*> list = {&lstm};
  return list;
}

}  // namespace

std::vector<std::string> cell_names() {
  std::vector<std::string> names;
  for (const Cell* cell : cells()) names.push_back(cell->name());
  return names;
}

const Cell& find_cell(const std::string& name) {
  for (const Cell* cell : cells())
    if (cell->name() == name) return *cell;
  const std::string nearest = nearest_name(name, cell_names());
  throw ConfigError(fmt::format("[cell] there is no cell '{}'; got known cells {}. {}", name,
                                fmt::join(cell_names(), ", "),
                                nearest.empty() ? "Choose one of them." : "Did you mean '" + nearest + "'?"));
}

}  // namespace carousel::nn
