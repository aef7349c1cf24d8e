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

constexpr size_t kSampledRows = 200;
constexpr size_t kRowsLayout = 10;  ///< values that a row with a name in front must have to be a series of its own
constexpr int64_t kEvidentValues = 10;

constexpr std::array<std::string_view, 6> kMissing = {"na", "nan", "null", "none", "?", "n/a"};
constexpr std::array<std::string_view, 12> kTimeNames = {"time", "date", "timestamp", "datetime", "ds",   "t",
                                                         "step", "year", "month",     "week",     "hour", "day"};
constexpr std::array<std::string_view, 8> kSeriesNames = {"series", "series_id", "unique_id", "item_id",
                                                          "id",     "name",      "item",      "sensor"};
constexpr std::array<std::string_view, 5> kAnomalyNames = {"anomaly", "is_anomaly", "label", "labels", "outlier"};

/// What the cells of a column have in common.
struct Column {
  explicit Column(DateOrder order = DateOrder::year_first, char mark = '.') : dates(order), decimal(mark) {}

  void add(std::string_view cell) {
    cell = trim(cell);
    ++cells;
    if (is_missing(cell)) {
      ++missing;
      return;
    }
    double number = 0;
    const auto time = parse_time(cell, dates);
    if (parse_number(cell, number, decimal)) {
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

  DateOrder dates;
  char decimal;
  int64_t cells = 0, missing = 0, numbers = 0, times = 0, integers = 0, last = 0;
  bool increasing = true, binary = true;
  std::set<std::string> distinct;
};

using Rows = std::vector<std::vector<std::string>>;

Rows first_rows(const std::string& file, char separator, ReadOptions options) {
  options.on_bad_line = [](const DataError&) {};  // the reader will name them
  TableReader reader(file, separator, options);
  Rows rows;
  for (std::vector<std::string> cells; rows.size() < kSampledRows && reader.next(cells);) rows.push_back(cells);
  return rows;
}

/// How many lines have the character equally often, and how often that is.
std::pair<int64_t, int64_t> agreement(const std::vector<std::string>& lines, char separator) {
  std::map<int64_t, int64_t> counts;
  for (const std::string& line : lines)
    if (const auto n = std::count(line.begin(), line.end(), separator); n > 0) ++counts[n];
  std::pair<int64_t, int64_t> most;
  for (const auto& [n, agree] : counts) most = std::max(most, {agree, n});
  return most;
}

/// Whether commas stand nowhere but between digits, as in numbers.
bool commas_are_in_numbers(const std::vector<std::string>& lines) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (const std::string& line : lines)
    for (size_t at = line.find(','); at != std::string::npos; at = line.find(',', at + 1))
      if (at == 0 || at + 1 == line.size() || !digit(line[at - 1]) || !digit(line[at + 1])) return false;
  return true;
}

/// The character that stands equally often in most lines; not the comma where another one does in nearly all, and
/// commas may belong to numbers.
char find_separator(const std::vector<std::string>& lines) {
  char best = ',';
  std::pair<int64_t, int64_t> most;
  for (const char candidate : {',', '\t', ';'}) {
    const auto found = agreement(lines, candidate);
    const bool nearly_all = 10 * found.first >= 9 * static_cast<int64_t>(lines.size());
    if (found <= most && !(best == ',' && nearly_all && commas_are_in_numbers(lines))) continue;
    most = found;
    best = candidate;
  }
  return best;
}

/// `empty` has a column each, which tells how its cells are written.
std::vector<Column> columns_of(const Rows& rows, bool header, std::vector<Column> empty) {
  for (size_t r = header ? 1 : 0; r < rows.size(); ++r)
    for (size_t c = 0; c < std::min(empty.size(), rows[r].size()); ++c) empty[c].add(rows[r][c]);
  return empty;
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
bool has_header(const Rows& rows, const std::vector<Column>& empty) {
  if (rows.size() < 2) return false;
  const std::vector<Column> columns = columns_of(rows, true, empty);
  for (size_t c = 0; c < std::min(empty.size(), rows.front().size()); ++c) {
    Column first = empty[c];
    first.add(rows.front()[c]);
    if (first.filled() == 1 && first.is_text() && columns[c].filled() > 0 && !columns[c].is_text()) return true;
  }
  return false;
}

/// A comma where numbers have one that can only stand before a fraction, and it separates no columns.
char find_decimal(const Rows& rows, char separator) {
  if (separator == ',') return '.';
  int64_t points = 0, commas = 0;
  for (const auto& row : rows)
    for (const std::string& cell : row) {
      double number = 0;
      points += cell.find('.') != std::string::npos && parse_number(cell, number, '.');
      commas += cell.find(',') != std::string::npos && parse_number(cell, number, ',') && !may_group_digits(cell);
    }
  return commas > points ? ',' : '.';
}

/// The times of a column in an order of day and month.
struct OrderedDates {
  int64_t read = 0;
  std::vector<int64_t> times;

  OrderedDates(const std::vector<std::string>& cells, DateOrder order) {
    for (const std::string& cell : cells) {
      const auto time = parse_time(trim(cell), order);
      if (!time || time->style == TimeStyle::integer) continue;
      ++read;
      times.push_back(time->value);
    }
  }
  /// Places where another step lies between neighbours; a step back counts for all of them.
  int64_t irregular() const {
    int64_t count = step_of(times, TimeStyle::minutes).exceptions;
    for (size_t i = 1; i < times.size(); ++i)
      if (times[i] < times[i - 1]) count += static_cast<int64_t>(times.size());
    return count;
  }
};

/// How the dates of a column are written.
struct Dates {
  DateOrder order = DateOrder::year_first;
  std::string open;  ///< a date, where more than one order makes sense
};

/// The order in which more dates make sense, or else follow one another more regularly.
Dates find_dates(const std::vector<std::string>& cells) {
  const OrderedDates years(cells, DateOrder::year_first), days(cells, DateOrder::day_first),
      months(cells, DateOrder::month_first);
  if (std::max(days.read, months.read) <= years.read) return {};
  if (days.read != months.read) return {days.read > months.read ? DateOrder::day_first : DateOrder::month_first, ""};
  if (cells.back().find('.') < 3) return {DateOrder::day_first, ""};  // with dots nobody puts the month first
  if (days.times == months.times || days.irregular() < months.irregular()) return {DateOrder::day_first, ""};
  if (months.irregular() < days.irregular()) return {DateOrder::month_first, ""};
  return {DateOrder::day_first, cells.back()};
}

/// The cells of a column in at most so many rows.
std::vector<std::string> column_cells(const std::string& file, char separator, size_t column, size_t most) {
  ReadOptions options;
  options.on_bad_line = [](const DataError&) {};  // the reader will name them
  TableReader reader(file, separator, options);
  std::vector<std::string> cells;
  for (std::vector<std::string> row; cells.size() < most && reader.next(row);)
    if (column < row.size()) cells.push_back(row[column]);
  return cells;
}

std::vector<std::string> series_roles(const std::string& text) {
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
    plan_.decimal = wanted.decimal == "auto" ? find_decimal(rows_, plan_.separator)
                    : plan_.separator == ',' ? '.'
                                             : decimal_mark(wanted.decimal);
    std::vector<Column> empty;
    for (size_t c = 0; c < width_; ++c) {
      std::vector<std::string> cells;
      for (const auto& row : rows_)
        if (c < row.size()) cells.push_back(row[c]);
      dates_.push_back(wanted.dates == "auto" ? find_dates(cells) : Dates{date_order(wanted.dates), ""});
      empty.emplace_back(dates_.back().order, plan_.decimal);
    }
    plan_.header = wanted.header == "auto" ? has_header(rows_, empty) : wanted.header == "yes";
    columns_ = columns_of(rows_, plan_.header, empty);
    name_columns();
  }

  SeriesPlan make() {
    plan_.layout = wanted_.layout;
    if (wanted_.columns != "auto") {
      plan_.roles = series_roles(wanted_.columns);
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
    decide_dates();
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
    double number = 0;
    while (place.line == 0 && reader.next(cells)) {
      if (column >= cells.size() || is_missing(trim(cells[column])) ||
          parse_number(cells[column], number, plan_.decimal) || parse_time(trim(cells[column]), dates_[column].order))
        continue;
      place = reader.place(column);
      got = trim(cells[column]);
    }
    const bool grouped = plan_.separator != ',' && parse_number(got, number, ',') && may_group_digits(got);
    throw error_at(
        file_, place,
        fmt::format("[data] a column must hold numbers or times (such as 2024-05-01 06:00); got {} in {}. {}",
                    clip_quoted(got), plan_.names[column],
                    grouped ? "Take the commas out where they group digits, or say --set decimal=comma where fractions "
                              "stand behind them."
                            : "Skip it with --columns and a _ in its place, or write its times so."));
  }

  /// Those of the time; where the first rows leave its day and month open, all rows are asked.
  void decide_dates() {
    constexpr size_t kMostRows = 1000000;
    const size_t time = place_of(plan_.roles, "time");
    if (time >= dates_.size()) return;
    Dates found = dates_[time];
    if (!found.open.empty() && rows_.size() == kSampledRows)
      found = find_dates(column_cells(file_, plan_.separator, time, kMostRows));
    plan_.dates = found.order;
    plan_.open_date = found.open;
  }

  /// Two columns of numbers may be questions and answers; more of them, times or names over them hardly.
  void decide_evident() {
    if (wanted_.columns != "auto" || wanted_.layout != "auto") {
      plan_.evident = true;
      return;
    }
    const bool timed = std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return c.is_time(); });
    const bool enough = plan_.layout == "rows" || data_rows() >= kEvidentValues;
    plan_.evident = enough && (timed || plan_.header || width_ != 2);
  }

  void describe() {
    const char* separator = plan_.separator == ',' ? "comma" : plan_.separator == ';' ? "semicolon" : "tab";
    std::string text = width_ == 1 ? "one column" : fmt::format("{}-separated columns", separator);
    if (plan_.header) text += " under a row of names";
    if (plan_.decimal == ',') text += ", fractions behind commas";
    if (plan_.dates != DateOrder::year_first)
      text += plan_.dates == DateOrder::day_first ? ", dates with the day first" : ", dates with the month first";
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
  std::vector<Dates> dates_;  // of each column
  std::vector<Column> columns_;
};

}  // namespace

void SeriesFormat::options(OptionTable& table) {
  table.add(
      "columns", &columns,
      "Roles of the columns, with commas between: time, series (its name), value, known (known before its time comes: "
      "for forecasts), label (1 for an anomaly), and _ for one to skip; auto looks at them.");
  table.add("header", &header, "Whether the first row names the columns; auto looks for texts above numbers.")
      .one_of({"auto", "yes", "no"});
  options_of_cells(table);
}

void SeriesFormat::options_of_cells(OptionTable& table) {
  std::vector<std::string> layouts = series_layouts();
  layouts.insert(layouts.begin(), "auto");
  table
      .add("layout", &layout,
           "How series lie in a table: wide (a column for each), long (a row for each series and time) or rows (a row "
           "for each); auto looks at it.")
      .one_of(layouts);
  table
      .add("missing", &missing,
           "Empty cells, NA and NaN: refuse them, or interpolate on a straight line between the neighbours.")
      .one_of({"refuse", "interpolate"});
  table
      .add("dates", &dates,
           "How dates are written: year_first (2020-12-31), day_first (31.12.2020) or month_first (12/31/2020); auto "
           "takes the order in which they make sense and follow one another.")
      .one_of({"auto", "year_first", "day_first", "month_first"});
  table
      .add("decimal", &decimal,
           "What stands before the fraction of a number: point or comma; auto looks at them where commas separate no "
           "columns.")
      .one_of({"auto", "point", "comma"});
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

void SeriesPlan::decide(SeriesFormat& format) const {
  if (dates != DateOrder::year_first) format.dates = dates == DateOrder::day_first ? "day_first" : "month_first";
  if (decimal != '.') format.decimal = "comma";
}

DateOrder date_order(const std::string& name) {
  return name == "day_first"     ? DateOrder::day_first
         : name == "month_first" ? DateOrder::month_first
                                 : DateOrder::year_first;
}

char decimal_mark(const std::string& name) {
  return name == "comma" ? ',' : '.';
}

bool may_group_digits(std::string_view cell) {
  cell = trim(cell);
  if (!cell.empty() && (cell.front() == '+' || cell.front() == '-')) cell.remove_prefix(1);
  const size_t comma = cell.find(',');
  if (comma == 0 || comma > 3 || cell.front() == '0') return false;
  return cell.size() == comma + 4;  // three digits behind the only one
}

bool parse_number(std::string_view cell, double& number, char decimal) {
  cell = trim(cell);
  if (cell.starts_with('+')) cell.remove_prefix(1);
  std::string with_point;
  if (decimal != '.') {
    if (cell.find('.') != std::string_view::npos) return false;
    with_point = cell;
    std::replace(with_point.begin(), with_point.end(), decimal, '.');  // a second one ends the number
    cell = with_point;
  }
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return error == std::errc() && end == cell.data() + cell.size() && !cell.empty() && std::isfinite(number);
}

}  // namespace carousel::data
