#include "carousel/nn/cells/parse_cell.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "carousel/base/error.h"

namespace carousel::nn {

namespace {

void set_convention(OptionTable& table, const std::string& assignment, const std::string& text) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos)
    throw ConfigError(
        fmt::format("[cell] a convention is NAME=VALUE; got \"{:.60}\" in \"{:.60}\". Write it as in gru:reset=after.",
                    assignment, text));
  const std::string name = assignment.substr(0, equals);
  std::vector<std::string> names;
  for (const Option& row : table.rows())
    if (row.name != "cell") names.push_back(row.name);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::string near = nearest_name(name, names);
    throw ConfigError(fmt::format("[cell] a convention is one of {}; got \"{:.60}\" in \"{:.60}\". {}",
                                  fmt::join(names, ", "), name, text,
                                  near.empty() ? "Choose one of them." : fmt::format("Did you mean \"{}\"?", near)));
  }
  if (!table.find(name)->is_default())
    throw ConfigError(fmt::format(
        "[cell] each convention stands once; got {} twice in \"{:.60}\". Leave one of them out.", name, text));
  table.set(name, assignment.substr(equals + 1), "cell");
}

}  // namespace

CellOptions parse_cell(const std::string& text) {
  CellOptions options;
  OptionTable table;
  options.options(table);
  size_t end = std::min(text.find(':'), text.size());
  options.cell = text.substr(0, end);
  while (end < text.size()) {
    const size_t begin = end + 1;
    end = std::min(text.find(':', begin), text.size());
    set_convention(table, text.substr(begin, end - begin), text);
  }
  make_cell(options);
  return options;
}

}  // namespace carousel::nn
