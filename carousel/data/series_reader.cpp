// Reads series of numbers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/series.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr double kMissingValue = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kNamesShown = 3;

/// Where a value that is not there stands.
struct Gap {
  int64_t line = 0, column = 0;
  std::string cell;
};

/// A series while its rows come in.
struct Growing {
  std::string name;
  std::vector<double> values;
  std::shared_ptr<std::vector<int64_t>> times;
  std::shared_ptr<std::vector<uint8_t>> labels;
  std::shared_ptr<KnownColumns> known;
  int64_t missing = 0;
  int64_t open = 0;  ///< rows at the end without any value: future ones, unless values follow
  Place open_at;     ///< of the first of them
};

std::string joined(std::vector<std::string> names) {
  const size_t all = names.size();
  if (all > kNamesShown) {
    names.resize(kNamesShown);
    names.push_back(fmt::format("... ({} in all)", all));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Of times that do not lie in equal steps; `step` is that of the first such series.
std::string note_on_steps(const TimeStep& step, TimeStyle style, int64_t exceptions, const std::string& series) {
  if (step.count == 0)
    return fmt::format(
        "the times are not regular: many rows{} have the time of the row before; the values are taken as if equally "
        "spaced{}",
        series,
        series.empty() ? ". Where they are of several series, give the column that names them the role series" : "");
  return fmt::format(
      "the times are not regular: another step than {} stands in {}{}; the values are taken as if equally spaced",
      describe(step, style), counted(exceptions, "place"), series);
}

constexpr double kLargestValue = 1e100;

/// Straight lines between the values on both sides; at the ends the nearest value.
void interpolate(std::vector<double>& values) {
  const size_t n = values.size();
  for (size_t i = 0; i < n;) {
    if (!std::isnan(values[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < n && std::isnan(values[end])) ++end;
    const bool before = i > 0, after = end < n;
    const double from = before ? values[i - 1] : values[end], to = after ? values[end] : from;
    const auto steps = static_cast<double>(end - i + 1);
    for (size_t k = i; k < end; ++k) values[k] = from + (to - from) * static_cast<double>(k - i + 1) / steps;
    i = end;
  }
}

class SeriesReader {
 public:
  SeriesReader(const std::string& file, const SeriesPlan& plan, const SeriesFormat& wanted, const ReadOptions& options)
      : file_(file),
        plan_(plan),
        fill_(wanted.missing == "interpolate"),
        options_(options),
        reader_(file, plan.separator, options) {
    for (size_t c = 0; c < plan.roles.size(); ++c) {
      if (plan.roles[c] == "time") time_ = c;
      if (plan.roles[c] == "series") name_ = c;
      if (plan.roles[c] == "label") label_ = c;
      if (plan.roles[c] == "value") values_.push_back(c);
      if (plan.roles[c] == "known") known_.push_back(c);
    }
  }

  SeriesSet read() {
    if (!plan_.open_date.empty() && time_ != kNone)
      throw DataError(
          file_, 0, 0,
          fmt::format("[data] it must be clear which number of a date is its month; got {} and others that "
                      "may be read both ways. Write them as 2020-01-31, or say it in training and to carousel data "
                      "with --set dates=day_first or --set dates=month_first.",
                      clip_quoted(plan_.open_date)));
    bool names = plan_.header;
    while (reader_.next(cells_)) {
      if (names) {
        names = false;
        continue;
      }
      try {
        if (plan_.layout == "rows") {
          read_series_row();
        } else {
          read_row();
        }
      } catch (const DataError& error) {
        if (!fault_) fault_ = error;
        options_.bad_line(error);
      }
    }
    return finished();
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  [[noreturn]] void refuse(size_t cell, const std::string& text) const {
    throw error_at(file_, reader_.place(cell), text);
  }

  double number_of(size_t cell) const {
    double number = 0;
    if (parse_number(cells_[cell], number, plan_.decimal)) {
      if (std::abs(number) > kLargestValue)
        refuse(cell,
               fmt::format("[data] a value must lie within {:g}, or its square would not be finite; got {}. Use a "
                           "larger unit.",
                           kLargestValue, clip_quoted(cells_[cell])));
      return number;
    }
    if (!is_missing(trim(cells_[cell])))
      refuse(cell, fmt::format("[data] a value must be a finite number, or be missing; got {}. Correct it, or skip its "
                               "column with --columns and a _ in its place.",
                               clip_quoted(cells_[cell])));
    if (!fill_)
      refuse(cell, fmt::format("[data] a value must not be missing; got {}. Fill it in, or have it filled in by a "
                               "straight line between its neighbours: --set missing=interpolate.",
                               clip_quoted(cells_[cell])));
    return kMissingValue;
  }

  double known_number_of(size_t cell) const {
    double number = 0;
    if (parse_number(cells_[cell], number, plan_.decimal) && std::abs(number) <= kLargestValue) return number;
    refuse(cell,
           fmt::format("[data] a column known in advance must have a number within {:g} in each row, those to be "
                       "forecast too; got {}. Fill it in, or skip its column with --columns and a _ in its place.",
                       kLargestValue, clip_quoted(cells_[cell])));
  }

  /// M4's form: name, value, value, ... Empty cells behind the last value are no values.
  void read_series_row() {
    size_t end = cells_.size();
    while (end > 1 && is_missing(trim(cells_[end - 1]))) --end;
    Growing series;
    series.name = trim(cells_.front());
    if (series.name.empty()) refuse(0, "[data] a series must have a name in the first column; got none. Name it.");
    if (places_.contains(series.name))
      refuse(0,
             fmt::format("[data] each series must stand in one row; got {} again. Name one of them otherwise, or say "
                         "how the file is made: --set layout=long.",
                         clip_quoted(series.name)));
    for (size_t c = 1; c < end; ++c) add_value(series, number_of(c));
    if (end < 2)
      refuse(0, fmt::format("[data] a series must have values; got none of {}. Remove its row.",
                            clip_quoted(series.name)));
    places_[series.name] = growing_.size();
    growing_.push_back(std::move(series));
  }

  void read_row() {
    if (cells_.size() != plan_.roles.size())
      throw error_at(file_, reader_.place_of_width(plan_.roles.size()),
                     fmt::format("[data] a row must have {}; got {}. Check its separators, or say what the columns are "
                                 "with --columns.",
                                 counted(static_cast<int64_t>(plan_.roles.size()), "cell"), cells_.size()));
    const int64_t time = time_ == kNone ? 0 : time_of(cells_[time_]);
    const uint8_t label = label_ == kNone ? uint8_t{0} : label_of(cells_[label_]);
    std::vector<double> numbers, known;
    numbers.reserve(values_.size());
    const bool open = !known_.empty() && std::all_of(values_.begin(), values_.end(),
                                                     [this](size_t c) { return is_missing(trim(cells_[c])); });
    for (const size_t c : values_) numbers.push_back(open ? kMissingValue : number_of(c));
    for (const size_t c : known_) known.push_back(known_number_of(c));
    if (values_.empty())
      throw DataError(
          file_, 0, 0,
          "[data] a table of numbers must have a column of values; got none beside times, names and labels. "
          "Check the file, or say what its columns are with --columns.");
    const size_t first = place_of(name_ == kNone ? std::string() : std::string(trim(cells_[name_])));
    if (!open)
      for (size_t k = 0; k < numbers.size(); ++k) close_gap(growing_[first + k]);
    add_time(growing_[first], time);
    if (label_ != kNone) growing_[first].labels->push_back(label);
    for (size_t k = 0; k < known.size(); ++k) growing_[first].known->values[k].push_back(known[k]);
    for (size_t k = 0; k < numbers.size(); ++k) {
      Growing& series = growing_[first + k];
      if (open && series.open++ == 0) series.open_at = reader_.place(values_[k]);
      add_value(series, numbers[k]);
    }
  }

  /// Rows without values that others with values follow are no future.
  void close_gap(Growing& series) {
    if (series.open == 0) return;
    series.missing += std::exchange(series.open, 0);
    if (fill_) return;
    throw error_at(file_, series.open_at,
                   "[data] rows without values must be the last of a series, its future; got one with values behind "
                   "them. Fill the values in, or have it done by straight lines: --set missing=interpolate.");
  }

  static void add_value(Growing& series, double value) {
    series.values.push_back(value);
    series.missing += std::isnan(value) && series.open == 0;
  }

  int64_t time_of(const std::string& cell) {
    const auto time = parse_time(trim(cell), plan_.dates);
    if (!time || (time->style == TimeStyle::integer) != (style_.value_or(time->style) == TimeStyle::integer))
      refuse(time_, fmt::format("[data] a time must be an integer or a date such as 2024-05-01 06:00; got {}. Write it "
                                "so, or skip the column with --columns and a _ in its place.",
                                clip_quoted(cell)));
    style_ = std::max(style_.value_or(time->style), time->style);
    zones_ = zones_ || time->zone;
    return time->value;
  }

  uint8_t label_of(const std::string& cell) const {
    double number = 0;
    if (!parse_number(cell, number) || (number != 0 && number != 1))
      refuse(label_,
             fmt::format("[data] a label must be 0, or 1 for an anomaly; got {}. Correct it, or skip the column "
                         "with --columns and a _ in its place.",
                         clip_quoted(cell)));
    return static_cast<uint8_t>(number);
  }

  void add_time(Growing& series, int64_t time) const {
    if (time_ == kNone) return;
    if (!series.times->empty() && time < series.times->back())
      refuse(time_, fmt::format("[data] times must not decrease; got {} after {}{}. Sort the rows by time.",
                                format_time({time, *style_}), format_time({series.times->back(), *style_}),
                                name_ == kNone ? "" : " in series " + clip_quoted(trim(cells_[name_]))));
    series.times->push_back(time);
  }

  std::string variable_of(size_t column) const {
    return column < plan_.names.size() ? plan_.names[column] : fmt::format("column {}", column + 1);
  }

  /// The first of the series of that name: one for each column of values, with times in common.
  size_t place_of(const std::string& name) {
    const auto [place, fresh] = places_.try_emplace(name, growing_.size());
    if (!fresh) return place->second;
    const auto times = time_ == kNone ? nullptr : std::make_shared<std::vector<int64_t>>();
    const auto labels = label_ == kNone ? nullptr : std::make_shared<std::vector<uint8_t>>();
    const auto known = known_.empty() ? nullptr : std::make_shared<KnownColumns>();
    for (const size_t c : known_) known->names.push_back(variable_of(c));
    if (known) known->values.resize(known_.size());
    for (const size_t c : values_) {
      Growing series;
      const std::string variable = variable_of(c);
      series.name = name_ == kNone ? variable : values_.size() > 1 ? fmt::format("{}/{}", name, variable) : name;
      series.times = times;
      series.labels = labels;
      series.known = known;
      growing_.push_back(std::move(series));
    }
    return place->second;
  }

  /// What a model remembers of a series it finds again by the name.
  void refuse_equal_names() const {
    std::set<std::string_view> names;
    for (const Growing& g : growing_)
      if (!names.insert(g.name).second)
        throw DataError(
            file_, 0, 0,
            fmt::format("[data] series must have different names; got {} twice. Rename one, or skip it with "
                        "--columns and a _ in its place.",
                        clip_quoted(g.name)));
  }

  SeriesSet finished() {
    SeriesSet set;
    set.file = file_;
    set.style = style_.value_or(TimeStyle::integer);
    set.zones = zones_;
    if (growing_.empty() && fault_) throw DataError(*fault_);
    if (growing_.empty())
      throw DataError(file_, 0, 0, "[data] there must be at least one value; got none. Check the file.");
    refuse_equal_names();
    std::vector<std::string> filled, constant, uneven;
    int64_t missing = 0, exceptions = 0;
    TimeStep uneven_step;
    for (Growing& g : growing_) {
      Series series;
      const size_t length = g.values.size() - static_cast<size_t>(g.open);
      g.values.resize(length);
      if (g.missing == static_cast<int64_t>(length) && (length > 0 || g.open == 0))
        throw DataError(file_, 0, 0,
                        fmt::format("[data] a series must have values; got none in {}. Skip its column with --columns "
                                    "and a _ in its place, or remove it.",
                                    clip_quoted(g.name)));
      if (g.missing > 0) {
        interpolate(g.values);
        filled.push_back(g.name);
        missing += g.missing;
      }
      if (g.values.size() > 1 && std::equal(g.values.begin() + 1, g.values.end(), g.values.begin()))
        constant.push_back(g.name);
      series.name = std::move(g.name);
      series.values = std::move(g.values);
      if (g.times) series.step = step_of(*g.times, set.style);
      series.known = g.known;
      if (series.step.exceptions > 0 && (set.series.empty() || set.series.back().times != g.times)) {
        if (uneven.empty()) uneven_step = series.step;
        uneven.push_back(series.name);
        exceptions += series.step.exceptions;
      }
      series.times = std::move(g.times);
      series.labels = std::move(g.labels);
      set.series.push_back(std::move(series));
    }
    if (zones_) set.notes.emplace_back("times with an offset are told in UTC");
    if (missing > 0)
      set.notes.push_back(fmt::format("{} filled in by straight lines, in {}",
                                      counted(missing, "missing value was", "missing values were"), joined(filled)));
    if (!constant.empty()) set.notes.push_back(fmt::format("constant: {}", joined(constant)));
    if (exceptions > 0)
      set.notes.push_back(
          note_on_steps(uneven_step, set.style, exceptions, name_ == kNone ? "" : " of " + joined(uneven)));
    return set;
  }

  const std::string& file_;
  const SeriesPlan& plan_;
  const bool fill_;
  ReadOptions options_;
  TableReader reader_;
  std::vector<std::string> cells_;
  size_t time_ = kNone, name_ = kNone, label_ = kNone;
  std::vector<size_t> values_, known_;
  std::optional<TimeStyle> style_;  // of the times so far
  bool zones_ = false;
  std::optional<DataError> fault_;  // of the first row that was left out
  std::vector<Growing> growing_;
  std::map<std::string, size_t> places_;  // of the first series of each name
};

}  // namespace

SeriesSet read_series(const std::string& file, const SeriesPlan& plan, const SeriesFormat& wanted,
                      const ReadOptions& options) {
  return SeriesReader(file, plan, wanted, options).read();
}

}  // namespace carousel::data
