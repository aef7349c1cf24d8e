#include "apps/cli/table_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <variant>

namespace carousel::cli {

namespace {

std::string flag_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

}  // namespace

void TableFlags::add_to(CLI::App* command) {
  for (const Option& row : table.rows()) {
    const bool fixed = row.auto_text.empty() && !row.default_text.empty();
    const std::string fallback = fixed ? " Default: " + row.default_text : "";
    const char* type = std::holds_alternative<int64_t*>(row.field)  ? "N"
                       : std::holds_alternative<double*>(row.field) ? "X"
                                                                    : "VALUE";
    command->add_option(flag_of(row.name), texts_[row.name], row.help + fallback)->type_name(type);
  }
}

void TableFlags::apply() {
  for (const auto& [name, text] : texts_)
    if (!text.empty()) table.set(name, text, flag_of(name));
}

}  // namespace carousel::cli
