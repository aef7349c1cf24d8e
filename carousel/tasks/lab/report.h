// What an experiment of the laboratory gives back: tables and curves, ready for a terminal, a picture or JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::tasks::lab {

/// A value of a table: text, a count, or a measured number.
using Cell = std::variant<std::string, int64_t, double>;

struct Table {
  std::string name;  ///< key in JSON: "adding"
  std::string title;
  std::vector<std::string> columns;  ///< snake_case with the unit where there is one: "seconds"
  std::vector<std::vector<Cell>> rows;
  /// A column of ascending counts, such as a distance, by which a terminal may thin many rows out; "": show all.
  std::string thinned_by = {};
};

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< ascending x; what is not finite is left out of a drawing
};

struct Plot {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;  ///< points at or below 0 are left out then
  std::vector<Series> series;
};

struct Report {
  std::string schema;  ///< "carousel/lab_memory@1"
  std::vector<Table> tables;
  std::vector<Plot> plots;
  std::vector<std::string> notes;  ///< what was found, in sentences
  bool interrupted = false;        ///< a stop was asked for: only what was finished is in the tables
};

/// What the caller of an experiment hears and decides. Both may be called from several threads, one at a time.
struct Observer {
  std::function<void(const std::string&)> say;  ///< one line about the work so far
  std::function<bool()> stop;                   ///< true: end soon with what there is
};

}  // namespace carousel::tasks::lab
