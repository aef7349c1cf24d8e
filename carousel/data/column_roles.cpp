#include "carousel/data/column_roles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

std::vector<std::string> split_roles(const std::string& text) {
  std::vector<std::string> roles;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    roles.emplace_back(trim(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return roles;
}

std::vector<std::string> two_roles(const std::string& text, const char* first, const char* second,
                                   const char* example) {
  std::vector<std::string> roles = split_roles(text);
  const auto times = [&](const char* role) { return std::count(roles.begin(), roles.end(), role); };
  if (times(first) != 1 || times(second) != 1 || times("_") + 2 != static_cast<int64_t>(roles.size()))
    throw ConfigError(
        fmt::format("[columns] the roles of columns must be {} and {}, each once, and _ for those to skip; got {}. "
                    "Write for example --columns {}.",
                    first, second, clip_quoted(text), example));
  return roles;
}

size_t place_of(const std::vector<std::string>& roles, const char* role) {
  return static_cast<size_t>(std::find(roles.begin(), roles.end(), role) - roles.begin());
}

int64_t each_row(const std::string& file, const RoleTable& table, const ReadOptions& options,
                 const std::function<void(std::vector<std::string>& cells, const TableReader& row)>& take) {
  TableReader reader(file, table.separator, options);
  std::vector<std::string> cells;
  bool names = table.header;
  while (reader.next(cells)) {
    if (names) {
      names = false;
      continue;
    }
    try {
      if (cells.size() != table.columns.size())
        throw error_at(
            file, reader.place_of_width(table.columns.size()),
            fmt::format("[data] a row must have {} columns ({}); got {} in {}. {}, or say what the columns "
                        "are with --columns.",
                        table.columns.size(), fmt::join(table.columns, ","), cells.size(),
                        clip_quoted(fmt::format("{}", fmt::join(cells, std::string(1, table.separator)))),
                        table.separator == ',' ? "Put a cell that holds commas into double quotes" : "Check its tabs"));
      take(cells, reader);
    } catch (const DataError& error) {
      options.bad_line(error);
    }
  }
  return reader.blank_lines();
}

}  // namespace carousel::data
