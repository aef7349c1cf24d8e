// Finds out how series of numbers lie in a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/label_names.h"
#include "carousel/data/registry.h"
#include "carousel/data/series.h"
#include "carousel/data/table_reader.h"

namespace carousel::data {

namespace {

constexpr size_t kSampleRows = 200;
constexpr size_t kRowsLayout = 10;  ///< values that a row with a name in front must have to be a series of its own
constexpr int64_t kEvidentRows = 10;

constexpr std::array<std::string_view, 6> kMissing = {"na", "nan", "null", "none", "?", "n/a"};
constexpr std::array<std::string_view, 12> kTimeNames = {"time", "date", "timestamp", "datetime", "ds",   "t",
                                                         "step", "year", "month",     "week",     "hour", "day"};
constexpr std::array<std::string_view, 8> kSeriesNames = {"series", "series_id", "unique_id", "item_id",
                                                          "id",     "name",      "item",      "sensor"};
constexpr std::array<std::string_view, 5> kAnomalyNames = {"anomaly", "is_anomaly", "label", "labels", "outlier"};

/// What the cells of a column have in common.
struct Column {
  void add(std::string_view cell) {
    cell = trim(cell);
    ++cells;
    if (is_missing(cell)) {
      ++missing;
      return;
    }
    double number = 0;
    const auto time = parse_time(cell);
    if (parse_number(cell, number)) {
      ++numbers;
      binary = binary && (number == 0 || number == 1);
    }
    if (time) {
      times += time->style != TimeStyle::integer;
      integers += time->style == TimeStyle::integer;
      increasing = increasing && (numbers <= 1 || time->value > last);
      last = time->value;
    }
    distinct.emplace(cell);
  }
  int64_t filled() const { return cells - missing; }
  bool is_time() const { return filled() > 0 && times * 20 >= filled() * 19; }
  bool is_value() const { return numbers * 2 >= filled(); }
  bool is_counter() const { return filled() > 1 && integers == filled() && increasing; }
  bool is_text() const { return !is_time() && !is_value(); }
  bool repeats() const { return static_cast<int64_t>(distinct.size()) * 2 <= cells; }

  int64_t cells = 0, missing = 0, numbers = 0, times = 0, integers = 0, last = 0;
  bool increasing = true, binary = true;
  std::set<std::string> distinct;
};

using Rows = std::vector<std::vector<std::string>>;

Rows first_rows(const std::string& file, char separator, ReadOptions options) {
  options.on_bad_line = [](const DataError&) {};  // the reader will name them
  TableReader reader(file, separator, options);
  Rows rows;
  for (std::vector<std::string> cells; rows.size() < kSampleRows && reader.next(cells);) rows.push_back(cells);
  return rows;
}

/// The character that stands equally often in most lines.
char find_separator(const std::vector<std::string>& lines) {
  char best = ',';
  std::pair<int64_t, int64_t> most;  // lines that agree, separators in each
  for (const char candidate : {',', '\t', ';'}) {
    std::map<int64_t, int64_t> counts;
    for (const std::string& line : lines)
      if (const auto n = std::count(line.begin(), line.end(), candidate); n > 0) ++counts[n];
    for (const auto& [n, agree] : counts)
      if (std::pair(agree, n) > most) {
        most = {agree, n};
        best = candidate;
      }
  }
  return best;
}

std::vector<Column> columns_of(const Rows& rows, size_t width, bool header) {
  std::vector<Column> columns(width);
  for (size_t r = header ? 1 : 0; r < rows.size(); ++r)
    for (size_t c = 0; c < std::min(width, rows[r].size()); ++c) columns[c].add(rows[r][c]);
  return columns;
}

/// That of nearly all rows, so that a damaged one is told by itself; else that of the longest: a series in each row.
size_t width_of(const Rows& rows) {
  std::map<size_t, size_t> counts;
  for (const auto& row : rows) ++counts[row.size()];
  for (const auto& [width, count] : counts)
    if (10 * count >= 9 * rows.size()) return width;
  return counts.empty() ? 0 : counts.rbegin()->first;
}

/// A text above numbers or times is a name.
bool has_header(const Rows& rows, size_t width) {
  if (rows.size() < 2) return false;
  const std::vector<Column> columns = columns_of(rows, width, true);
  for (size_t c = 0; c < std::min(width, rows.front().size()); ++c) {
    Column first;
    first.add(rows.front()[c]);
    if (first.filled() == 1 && first.is_text() && columns[c].filled() > 0 && !columns[c].is_text()) return true;
  }
  return false;
}

std::vector<std::string> roles_of(const std::string& text) {
  std::vector<std::string> roles = split_roles(text);
  const auto times = [&](const char* role) { return std::count(roles.begin(), roles.end(), role); };
  int64_t roles_known = 0;
  for (const char* role : {"time", "series", "value", "known", "label", "_"}) roles_known += times(role);
  if (roles_known != static_cast<int64_t>(roles.size()) || times("time") > 1 || times("series") > 1 ||
      times("label") > 1 || times("value") == 0)
    throw ConfigError(
        fmt::format("[columns] the roles of columns must be value, at least once, time, series and label, at most once "
                    "each, known for what is known in advance, and _ for those to skip; got {}. Write for example "
                    "--columns time,value,_.",
                    clip_quoted(text)));
  return roles;
}

class Planner {
 public:
  Planner(const std::string& file, const SeriesFormat& wanted, const ReadOptions& options)
      : file_(file), wanted_(wanted) {
    plan_.separator = find_separator(take_sample(file, options).lines);
    rows_ = first_rows(file, plan_.separator, options);
    width_ = width_of(rows_);
    plan_.header = wanted.header == "auto" ? has_header(rows_, width_) : wanted.header == "yes";
    columns_ = columns_of(rows_, width_, plan_.header);
    name_columns();
  }

  SeriesPlan make() {
    plan_.layout = wanted_.layout;
    if (wanted_.columns != "auto") {
      plan_.roles = roles_of(wanted_.columns);
      if (wanted_.layout == "auto") plan_.layout = has("series") ? "long" : "wide";
    } else if (wanted_.layout == "rows" || (wanted_.layout == "auto" && is_rows())) {
      plan_.layout = "rows";
      plan_.roles = {"series", "value"};
    } else {
      guess_roles();
      if (wanted_.layout == "auto") plan_.layout = has("series") ? "long" : "wide";
    }
    if (plan_.layout == "long" && !has("series"))
      throw DataError(file_, 0, 0,
                      "[data] in the layout long a column must name the series; got none. Say which: --columns "
                      "series,time,value.");
    if (plan_.layout == "rows" && has("known"))
      throw ConfigError(
          "[columns] in the layout rows there are no columns that could be known in advance; got the role known. Give "
          "a table with a row for each time.");
    decide_evident();
    describe();
    return plan_;
  }

 private:
  bool has(const char* role) const {
    return std::find(plan_.roles.begin(), plan_.roles.end(), role) != plan_.roles.end();
  }
  int64_t data_rows() const { return static_cast<int64_t>(rows_.size()) - plan_.header; }

  void name_columns() {
    for (size_t c = 0; c < width_; ++c) {
      std::string name;
      if (plan_.header && c < rows_.front().size()) name = trim(rows_.front()[c]);
      plan_.names.push_back(name.empty() ? fmt::format("column {}", c + 1) : name);
    }
  }

  /// A name of its own in front of many numbers.
  bool is_rows() const {
    if (width_ <= kRowsLayout || data_rows() < 1) return false;
    const Column& first = columns_.front();
    return first.is_text() && !first.repeats() &&
           std::none_of(columns_.begin() + 1, columns_.end(), [](const Column& c) { return c.is_text(); });
  }

  bool named(size_t column, const auto& names) const { return plan_.header && is_among(names, plan_.names[column]); }

  void guess_roles() {
    plan_.roles.assign(width_, "value");
    const auto give = [&](const char* role, auto fits) {
      for (size_t c = 0; c < width_; ++c)
        if (plan_.roles[c] == "value" && fits(c)) {
          plan_.roles[c] = role;
          return;
        }
    };
    give("time", [&](size_t c) { return columns_[c].is_time(); });
    give("series",
         [&](size_t c) { return columns_[c].repeats() && (columns_[c].is_text() || named(c, kSeriesNames)); });
    give("label", [&](size_t c) { return named(c, kAnomalyNames) && columns_[c].binary && !columns_[c].is_text(); });
    const auto values = std::count(plan_.roles.begin(), plan_.roles.end(), "value");
    if (!has("time") && values > 1) {
      give("time",
           [&](size_t c) { return named(c, kTimeNames) || (c == 0 && columns_[c].is_counter() && !has("series")); });
    }
    for (size_t c = 0; c < width_; ++c)
      if (plan_.roles[c] == "value" && columns_[c].is_text() && columns_[c].filled() > 0) refuse_text(c);
  }

  /// The first cell of the column that is no number: where it stands is looked up only now.
  [[noreturn]] void refuse_text(size_t column) const {
    ReadOptions sampling;
    sampling.on_bad_line = [](const DataError&) {};
    TableReader reader(file_, plan_.separator, sampling);
    std::vector<std::string> cells;
    if (plan_.header) reader.next(cells);
    Place place;
    std::string got = *columns_[column].distinct.begin();
    while (place.line == 0 && reader.next(cells)) {
      double number = 0;
      if (column >= cells.size() || parse_number(cells[column], number) || is_missing(trim(cells[column]))) continue;
      place = reader.place(column);
      got = trim(cells[column]);
    }
    throw error_at(
        file_, place,
        fmt::format("[data] a column must hold numbers or times (such as 2024-05-01 06:00); got {} in {}. Skip it with "
                    "--columns and a _ in its place, or write its times so.",
                    clip_quoted(got), plan_.names[column]));
  }

  /// Two columns of numbers may be questions and answers; more of them, times or names over them hardly.
  void decide_evident() {
    if (wanted_.columns != "auto" || wanted_.layout != "auto") {
      plan_.evident = true;
      return;
    }
    const bool timed = std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return c.is_time(); });
    const bool enough = plan_.layout == "rows" || data_rows() >= kEvidentRows;
    plan_.evident = enough && (timed || plan_.header || width_ != 2);
  }

  void describe() {
    const char* separator = plan_.separator == ',' ? "comma" : plan_.separator == ';' ? "semicolon" : "tab";
    std::string text = width_ == 1 ? "one column" : fmt::format("{}-separated columns", separator);
    if (plan_.header) text += " under a row of names";
    if (plan_.layout == "rows") {
      plan_.reason = text + ": a series in each row, its name first";
      return;
    }
    std::vector<std::string> parts;
    for (const char* role : {"time", "series", "label"})
      for (size_t c = 0; c < std::min(width_, plan_.roles.size()); ++c)
        if (plan_.roles[c] == role) parts.push_back(fmt::format("{} is the {}", plan_.names[c], role));
    const auto count = [&](const char* role) { return std::count(plan_.roles.begin(), plan_.roles.end(), role); };
    parts.push_back(counted(count("value"), "column of values", "columns of values"));
    if (has("known")) parts.push_back(counted(count("known"), "column known in advance", "columns known in advance"));
    plan_.reason = fmt::format("{}: {}", text, fmt::join(parts, ", "));
  }

  const std::string& file_;
  const SeriesFormat& wanted_;
  SeriesPlan plan_;
  Rows rows_;
  size_t width_ = 0;
  std::vector<Column> columns_;
};

}  // namespace

void SeriesFormat::options(OptionTable& table) {
  std::vector<std::string> layouts = series_layouts();
  layouts.insert(layouts.begin(), "auto");
  table
      .add("layout", &layout,
           "How series lie in a table: wide (a column for each), long (a row for each series and time) or rows (a row "
           "for each); auto looks at it.")
      .one_of(layouts);
  table.add(
      "columns", &columns,
      "Roles of the columns, with commas between: time, series (its name), value, known (known before its time comes: "
      "for forecasts), label (1 for an anomaly), and _ for one to skip; auto looks at them.");
  table.add("header", &header, "Whether the first row names the columns; auto looks for texts above numbers.")
      .one_of({"auto", "yes", "no"});
  table
      .add("missing", &missing,
           "Empty cells, NA and NaN: refuse them, or interpolate on a straight line between the neighbours.")
      .one_of({"refuse", "interpolate"});
}

std::vector<std::string> series_layouts() {
  return {"wide", "long", "rows"};
}

std::string SeriesPlan::columns_text() const {
  return fmt::format("{}", fmt::join(roles, ","));
}

SeriesPlan plan_series(const std::string& file, const SeriesFormat& wanted, const ReadOptions& options) {
  return Planner(file, wanted, options).make();
}

bool is_missing(std::string_view cell) {
  return cell.empty() || is_among(kMissing, cell);
}

bool parse_number(std::string_view cell, double& number) {
  cell = trim(cell);
  if (cell.starts_with('+')) cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return error == std::errc() && end == cell.data() + cell.size() && !cell.empty() && std::isfinite(number);
}

}  // namespace carousel::data
