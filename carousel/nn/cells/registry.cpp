#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/nn/cells/entry.h"

/// Every cell there is, one line each: the name of the function in namespace cells that gives its CellEntry.
#define CAROUSEL_CELLS(CELL) \
  CELL(rnn)                  \
  CELL(lstm)                 \
  CELL(peephole_lstm)        \
  CELL(layer_norm_lstm)      \
  CELL(coupled_lstm)         \
  CELL(projected_lstm)       \
  CELL(gru)                  \
  CELL(layer_norm_gru)       \
  CELL(min_gru)              \
  CELL(slstm)

namespace carousel::nn {

namespace cells {
#define CAROUSEL_DECLARE(name) CellEntry name();
CAROUSEL_CELLS(CAROUSEL_DECLARE)
#undef CAROUSEL_DECLARE
}  // namespace cells

namespace {

struct Row {
  std::string name;
  CellEntry entry;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> list = {
#define CAROUSEL_ROW(name) {#name, cells::name()},
      CAROUSEL_CELLS(CAROUSEL_ROW)
#undef CAROUSEL_ROW
  };
  return list;
}

std::string did_you_mean(const std::string& text, const std::vector<std::string>& choices) {
  const std::string nearest = nearest_name(text, choices);
  return nearest.empty() ? "Choose one of them." : "Did you mean '" + nearest + "'?";
}

/// The cells that have a choice, for the text of an error.
std::string owners(bool (*has)(const CellChoices&)) {
  std::vector<std::string> names;
  for (const Row& row : rows())
    if (has(row.entry.choices)) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Decides one named convention of `cell`.
void resolve(const std::string& cell, const char* option, std::string& value, const std::string& own,
             const std::vector<std::string>& choices, const std::string& who_has_it) {
  if (value.empty()) {
    value = own;
    return;
  }
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    throw ConfigError(fmt::format("[cell] {} must be one of {}; got '{}'. {}", option, fmt::join(choices, ", "), value,
                                  did_you_mean(value, choices)));
  if (own.empty())
    throw ConfigError(
        fmt::format("[cell] {} is a choice of {}; got {} = {} for {}. Leave it out, or choose such a cell.", option,
                    who_has_it, option, value, cell));
}

CellOptions resolved(const Row& row, CellOptions o) {
  const CellChoices& own = row.entry.choices;
  resolve(row.name, "reset", o.reset, own.reset, {"before", "after"},
          owners([](const CellChoices& c) { return !c.reset.empty(); }));
  resolve(row.name, "update", o.update, own.update, {"new", "keep"},
          owners([](const CellChoices& c) { return !c.update.empty(); }));
  resolve(row.name, "activation", o.activation, own.activation, {"tanh", "relu"},
          owners([](const CellChoices& c) { return !c.activation.empty(); }));
  if (o.biases == -1) o.biases = 1;
  if (o.biases < 0 || o.biases > 2)
    throw ConfigError(fmt::format("[cell] biases must be 0, 1 or 2; got {}. Leave it out for 1.", o.biases));
  if (o.biases > own.most_biases)
    throw ConfigError(
        fmt::format("[cell] {} has no recurrent product and so at most {} bias; got biases = {}. Set biases = {}.",
                    row.name, own.most_biases, o.biases, own.most_biases));
  if (o.projection_size < 0)
    throw ConfigError(fmt::format(
        "[cell] projection_size must be at least 0; got {}. Leave it out for half of hidden_size.", o.projection_size));
  if (o.projection_size > 0 && !own.projection)
    throw ConfigError(
        fmt::format("[cell] projection_size is a choice of {}; got projection_size = {} for {}. Leave it out, or "
                    "choose such a cell.",
                    owners([](const CellChoices& c) { return c.projection; }), o.projection_size, row.name));
  return o;
}

}  // namespace

std::vector<std::string> cell_names() {
  std::vector<std::string> names;
  for (const Row& row : rows()) names.push_back(row.name);
  return names;
}

std::shared_ptr<const Cell> make_cell(const CellOptions& options) {
  for (const Row& row : rows())
    if (row.name == options.cell) return row.entry.make(resolved(row, options));
  throw ConfigError(fmt::format("[cell] there is no cell '{}'; got known cells {}. {}", options.cell,
                                fmt::join(cell_names(), ", "), did_you_mean(options.cell, cell_names())));
}

std::shared_ptr<const Cell> make_cell(const std::string& name) {
  CellOptions options;
  options.cell = name;
  return make_cell(options);
}

}  // namespace carousel::nn
