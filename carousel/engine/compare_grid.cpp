#include "carousel/engine/compare_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/engine/run_options.h"
#include "carousel/nn/cells/parse_cell.h"

namespace carousel::engine {

namespace {

constexpr int64_t kWidest = 65536;

using Named = std::pair<std::string, std::string>;

/// The conventions that a cell of the grid names.
std::vector<Named> conventions_of(const nn::CellOptions& cell) {
  std::vector<Named> list;
  if (!cell.reset.empty()) list.emplace_back("reset", cell.reset);
  if (!cell.update.empty()) list.emplace_back("update", cell.update);
  if (cell.biases != -1) list.emplace_back("biases", fmt::format("{}", cell.biases));
  if (!cell.activation.empty()) list.emplace_back("activation", cell.activation);
  if (cell.projection_size != 0) list.emplace_back("projection_size", fmt::format("{}", cell.projection_size));
  return list;
}

/// What the grid decides may not be set for all of it as well: one of the two would be lost in silence.
void refuse_overridden(const CompareRequest& request, const std::vector<nn::CellOptions>& cells) {
  std::map<std::string, std::string> flags = {
      {"cell", "--cells"}, {"num_layers", "--num-layers"}, {"hidden_size", "--hidden-size"}};
  if (request.budget > 0) flags["max_seconds"] = "--budget";
  for (const nn::CellOptions& cell : cells)
    for (const Named& convention : conventions_of(cell))
      flags[convention.first] = fmt::format("--cells {}:{}=", cell.cell, convention.first);
  const auto task = tasks::make_task(request.base.task);
  const RunOptions options(*task, request.base);
  for (const auto& [name, flag] : flags) {
    const Option& row = options.row(name.c_str());
    if (!row.is_default())
      throw ConfigError(
          fmt::format("[{}] {} is what a comparison sets for each training; got {} = {} for all of them. "
                      "Use {} in place of it.",
                      row.origin, name, name, row.value_text(), flag));
  }
}

/// The width that brings the parameters of `c` nearest to `wanted`: no neighbour is nearer.
void match_parameters(const CompareRequest& request, Combination& c, int64_t wanted) {
  std::map<int64_t, int64_t> known;  // a count builds a model
  const auto count = [&](int64_t width) {
    const auto found = known.find(width);
    if (found != known.end()) return found->second;
    Combination tried = c;
    tried.hidden_size = width;
    return known[width] = count_parameters(request_of(request, tried));
  };
  // Parameters grow with the width: count(low) <= wanted < count(high), where 0 and kWidest + 1 stand for the ends.
  int64_t low = 0, high = kWidest + 1, next = c.hidden_size;
  for (int i = 0; high - low > 1; ++i) {
    next = std::clamp(next, low + 1, high - 1);
    (count(next) <= wanted ? low : high) = next;
    if (low == 0 || high > kWidest) {  // one side is open: with the square of the width they grow nearly, or less
      const double ratio = std::sqrt(static_cast<double>(wanted) / static_cast<double>(count(next)));
      const int64_t step = std::llround(static_cast<double>(next) * std::abs(ratio - 1)) + 1;
      next += (low == 0 ? -1 : 1) * (step << std::min(i, 16));
    } else if (i % 2 == 0) {
      next = (low + high) / 2;
    } else {
      const double share = static_cast<double>(wanted - count(low)) / static_cast<double>(count(high) - count(low));
      next = low + std::llround(share * static_cast<double>(high - low));
    }
  }
  if (low == 0) low = high;
  if (high > kWidest) high = low;
  c.hidden_size = std::abs(count(high) - wanted) < std::abs(count(low) - wanted) ? high : low;
  c.parameters = count(c.hidden_size);
}

/// What makes two combinations the same training, however their cells are written.
std::string key_of(const Combination& c) {
  const nn::CellOptions in_force = nn::make_cell(c.options)->options();
  std::string key = fmt::format("{} {} {}", in_force.cell, c.num_layers, c.hidden_size);
  for (const auto& [name, value] : conventions_of(in_force)) key += fmt::format(" {}={}", name, value);
  return key;
}

}  // namespace

std::string Combination::label() const {
  return fmt::format("{}, {} of {}", cell, counted(num_layers, "layer"), hidden_size);
}

TrainRequest request_of(const CompareRequest& request, const Combination& combination) {
  TrainRequest one = request.base;
  one.resume = false;
  one.settings.push_back({"cell", combination.options.cell, "--cells"});
  for (auto& [name, value] : conventions_of(combination.options)) one.settings.push_back({name, value, "--cells"});
  one.settings.push_back({"num_layers", fmt::format("{}", combination.num_layers), "--num-layers"});
  one.settings.push_back({"hidden_size", fmt::format("{}", combination.hidden_size), "--hidden-size"});
  if (request.budget > 0) one.settings.push_back({"max_seconds", fmt::format("{}", request.budget), "--budget"});
  return one;
}

Grid make_grid(const CompareRequest& request) {
  if (request.cells.empty() || request.num_layers.empty() || request.hidden_size.empty())
    throw ConfigError(
        fmt::format("[compare] a grid needs a cell, a depth and a width; got {}, {} and {}. Name at least one of each.",
                    request.cells.size(), request.num_layers.size(), request.hidden_size.size()));
  std::vector<nn::CellOptions> cells;
  for (const std::string& cell : request.cells) cells.push_back(nn::parse_cell(cell));
  refuse_overridden(request, cells);
  Grid grid;
  std::set<std::string> seen;
  for (const int64_t layers : request.num_layers) {
    for (const int64_t width : request.hidden_size) {
      int64_t wanted = 0;
      for (size_t i = 0; i < cells.size(); ++i) {
        Combination c{request.cells[i], cells[i], layers, width, 0};
        if (wanted > 0 && request.equal_parameters) {
          match_parameters(request, c, wanted);
        } else {
          c.parameters = count_parameters(request_of(request, c));
        }
        if (wanted == 0) wanted = c.parameters;
        if (seen.insert(key_of(c)).second) {
          grid.combinations.push_back(std::move(c));
        } else {
          grid.notes.push_back(fmt::format("{}: it stands in the grid more than once and is trained once", c.label()));
        }
      }
    }
  }
  return grid;
}

}  // namespace carousel::engine
