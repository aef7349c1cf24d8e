// Tables whose columns have roles: the text of --columns, and the rows that fit it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "carousel/data/table_reader.h"

namespace carousel::data {

/// "label, text" -> {"label", "text"}.
std::vector<std::string> split_roles(const std::string& text);

/// The roles in `text`: `first` and `second` once each, and "_". ConfigError otherwise; `example` is the list it shows.
std::vector<std::string> two_roles(const std::string& text, const char* first, const char* second, const char* example);

/// The first column that has the role.
size_t place_of(const std::vector<std::string>& roles, const char* role);

/// A table as far as its rows must fit it.
struct RoleTable {
  char separator = ',';
  std::vector<std::string> columns;  ///< role of each
  bool header = false;               ///< the first row holds names and is left out
};

/// Calls take(cells, row) for each row, whose places `row` tells; a DataError of it, and one for another number of
/// columns, goes to options.bad_line. Returns the number of blank lines. Throws what TableReader refuses.
int64_t each_row(const std::string& file, const RoleTable& table, const ReadOptions& options,
                 const std::function<void(std::vector<std::string>& cells, const TableReader& row)>& take);

}  // namespace carousel::data
