#include "carousel/tasks/detect_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/unicode.h"

namespace carousel::tasks {

namespace {

constexpr size_t kMostGroups = 100000;  ///< series that one stream may hold

}  // namespace

DetectRows::DetectRows(DetectModel& model, std::string name)
    : model_(model), name_(std::move(name)), roles_(model.parts().plan.roles), names_(model.parts().plan.names) {
  names_.resize(roles_.size());
}

void DetectRows::refuse(int64_t column, const std::string& text) const {
  throw DataError(name_, line_, column, text);
}

std::optional<data::Time> DetectRows::time_in(std::string_view cell) const {
  return data::parse_time(data::trim(cell), data::date_order(model_.options().format.dates));
}

bool DetectRows::number_in(std::string_view cell, double& number) const {
  const std::string& decimal = model_.options().format.decimal;
  if (data::parse_number(cell, number, data::decimal_mark(decimal))) return true;
  // Whole numbers in training say nothing of fractions.
  return decimal == "auto" && model_.parts().plan.separator != ',' && !data::may_group_digits(cell) &&
         data::parse_number(cell, number, ',');
}

/// A row of names has no number and no time where values and times stand.
bool DetectRows::is_names(const data::RowCells& row) const {
  double number = 0;
  for (size_t c = 0; c < row.cells.size(); ++c) {
    const std::string_view cell = data::trim(row.cells[c]);
    if (roles_[c] == "value" && (number_in(cell, number) || data::is_missing(cell))) return false;
    if (roles_[c] == "time" && time_in(cell)) return false;
  }
  return true;
}

/// The first row says whether labels are there; its names, if it has all of them, in which order columns stand.
void DetectRows::place_columns(const data::RowCells& row) {
  const auto label = std::find(roles_.begin(), roles_.end(), "label");
  if (label != roles_.end() && row.cells.size() + 1 == roles_.size()) {
    names_.erase(names_.begin() + (label - roles_.begin()));
    roles_.erase(label);
  }
  if (row.cells.size() != roles_.size()) return;  // whoever parses it will refuse it
  std::vector<std::string> roles, names;
  for (const std::string& cell : row.cells) {
    const std::string name(data::trim(cell));
    const auto place = std::find(names_.begin(), names_.end(), name);
    if (name.empty() || place == names_.end() || std::find(names.begin(), names.end(), name) != names.end()) return;
    names.push_back(name);
    roles.push_back(roles_[static_cast<size_t>(place - names_.begin())]);
  }
  roles_ = std::move(roles);
  names_ = std::move(names);
}

std::vector<std::string> DetectRows::columns() const {
  std::vector<std::string> columns;
  if (series_ != kNone) columns.emplace_back("series");
  if (time_ != kNone) columns.emplace_back("time");
  for (const size_t c : values_) columns.push_back(values_.size() == 1 ? "value" : names_[c]);
  for (const char* column : {"score", "alarm", values_.size() == 1 ? "expected" : "because"})
    columns.emplace_back(column);
  return columns;
}

bool DetectRows::read(std::string_view line, std::vector<FileAnswer::Cell>& answer) {
  ++line_;
  if (data::trim(line).empty()) return false;
  const data::RowCells row = data::cells_of_row(line, model_.parts().plan.separator, name_, line_);
  if (!begun_) {
    place_columns(row);
    for (size_t c = 0; c < roles_.size(); ++c) {
      if (roles_[c] == "time") time_ = c;
      if (roles_[c] == "series") series_ = c;
      if (roles_[c] == "value") values_.push_back(c);
    }
    begun_ = true;
    if (row.cells.size() == roles_.size() && is_names(row)) return false;
  }
  const Row parsed = parse(row);
  Group& group = group_of(parsed);
  const GroupDetector::Answer said = this->answer(group, parsed);
  answer.clear();
  if (series_ != kNone) answer.emplace_back(parsed.name);
  if (time_ != kNone) answer.emplace_back(std::string(data::trim(row.cells[time_])));
  for (const double value : parsed.values) {
    if (std::isnan(value)) {
      answer.emplace_back(std::string());
    } else {
      answer.emplace_back(value);
    }
  }
  answer.emplace_back(said.score);
  answer.emplace_back(int64_t{said.peak && said.score >= model_.threshold()});
  if (values_.size() == 1) {
    answer.emplace_back(said.expected);
  } else {
    answer.emplace_back(names_[values_[said.because]]);
  }
  return true;
}

DetectRows::Row DetectRows::parse(const data::RowCells& cells) {
  if (cells.cells.size() != roles_.size())
    refuse(cells.column_of_width(roles_.size()),
           fmt::format("[data] a row must have {}, as the data that the model was trained on; got {}. Check its "
                       "separators.",
                       counted(static_cast<int64_t>(roles_.size()), "cell"), cells.cells.size()));
  Row row;
  if (series_ != kNone) row.name = data::trim(cells.cells[series_]);
  if (time_ != kNone) {
    const std::string& cell = cells.cells[time_];
    const auto time = time_in(cell);
    const bool counts = model_.parts().style == data::TimeStyle::integer;
    if (!time || (time->style == data::TimeStyle::integer) != counts)
      refuse(cells.columns[time_],
             fmt::format("[data] a time must be {}, as in the data that the model was trained on; got {}. Write it so.",
                         counts ? "an integer" : "a date such as 2024-05-01 06:00", data::clip_quoted(cell)));
    row.time = time->value;
    row.time_column = cells.columns[time_];
  }
  for (const size_t c : values_) row.values.push_back(number(cells, c, row.missing));
  return row;
}

double DetectRows::number(const data::RowCells& row, size_t cell, bool& missing) const {
  double value = 0;
  const std::string& text = row.cells[cell];
  if (number_in(text, value) && std::abs(value) <= 1e100) return value;
  if (!data::is_missing(data::trim(text)))
    refuse(row.columns[cell],
           fmt::format("[data] a value must be a finite number within 1e+100, or be missing; got {}. "
                       "Correct it.",
                       data::clip_quoted(text)));
  if (model_.options().format.missing != "interpolate")
    refuse(row.columns[cell], fmt::format("[data] a value must not be missing; got {}. Fill it in, or train with --set "
                                          "missing=interpolate: such rows are then not scored.",
                                          data::clip_quoted(text)));
  missing = true;
  return std::numeric_limits<double>::quiet_NaN();
}

DetectRows::Group& DetectRows::group_of(const Row& row) {
  const auto place = groups_.find(row.name);
  if (place != groups_.end()) return place->second;
  if (groups_.size() >= kMostGroups)
    refuse(0, fmt::format("[data] a stream may hold {} series; got one more. Split it.", kMostGroups));
  Group& group = groups_[row.name];
  for (const size_t c : values_)
    group.names.push_back(series_ == kNone     ? names_[c]
                          : values_.size() > 1 ? fmt::format("{}/{}", row.name, names_[c])
                                               : row.name);
  return group;
}

/// The second row says how long a step is, where the model does not know; the first one is then no alarm.
GroupDetector::Answer DetectRows::answer(Group& group, const Row& row) {
  if (row.time) {
    if (!group.times.empty() && *row.time < group.times.back())
      refuse(row.time_column, fmt::format("[data] times must not decrease; got {} after {}. Sort the rows by time.",
                                          data::format_time({*row.time, model_.parts().style}),
                                          data::format_time({group.times.back(), model_.parts().style})));
    if (group.times.size() == 2) group.times.erase(group.times.begin());
    group.times.push_back(*row.time);
  }
  GroupDetector::Answer nothing;
  if (row.missing) {
    ++missing_;
    // The season goes on: the row is read with the values before it, and what is said of it forgotten.
    if (!group.detector) return nothing;
    std::vector<double> values = row.values;
    for (size_t c = 0; c < values.size(); ++c)
      if (std::isnan(values[c])) values[c] = group.last[c];
    group.detector->read(values);
    group.last = std::move(values);
    return nothing;
  }
  group.last = row.values;
  if (group.detector) return group.detector->read(row.values);
  const bool only_one = series_ == kNone && group.names.size() == 1;
  if (group.first.empty() && !model_.knows(group.names, only_one)) {
    group.first = row.values;
    nothing.expected = row.values.front();
    return nothing;
  }
  group.detector.emplace(model_.detector(group.names, group.times, model_.parts().style, only_one, &going_on_));
  if (!group.first.empty()) group.detector->read(group.first);
  return group.detector->read(row.values);
}

std::vector<std::string> DetectRows::notes() const {
  std::vector<std::string> notes;
  if (missing_ > 0)
    notes.push_back(counted(missing_, "row: a value is missing, it is not scored",
                            "rows: a value is missing in each, they are not scored"));
  if (going_on_ > 0)
    notes.push_back(fmt::format("{} where training ended: the last rows of that stand before it",
                                counted(going_on_, "series goes on", "series go on")));
  return notes;
}

std::unique_ptr<RowAnswers> DetectModel::open_rows(const std::string& name) {
  if (parts_.plan.layout == "rows") return nullptr;
  return std::make_unique<DetectRows>(*this, name);
}

}  // namespace carousel::tasks
