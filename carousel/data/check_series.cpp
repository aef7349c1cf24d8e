#include "carousel/data/check_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/series.h"
#include "carousel/data/series_folder.h"

namespace carousel::data {

namespace {

/// How a file holds series of numbers, when it can hardly be anything else.
std::optional<SeriesPlan> find_series(const std::vector<std::string>& files, const ReadOptions& options) {
  if (files.size() != 1) return std::nullopt;
  try {
    SeriesPlan plan = plan_series(files.front(), {}, options);
    if (plan.evident) return plan;
  } catch (const DataError&) {  // no table of numbers
  }
  return std::nullopt;
}

int64_t runs_of(const std::vector<uint8_t>& labels) {
  int64_t runs = 0;
  for (size_t i = 0; i < labels.size(); ++i) runs += labels[i] != 0 && (i == 0 || labels[i - 1] == 0);
  return runs;
}

/// Adds what stands in a table; `values` collects its series.
void add_table(const std::string& file, const SeriesPlan& plan, const ReadOptions& options, SeriesReport& report,
               std::vector<std::vector<double>>& values, std::vector<int64_t>& usual) {
  SeriesSet set = read_series(file, plan, {}, options);
  const std::vector<uint8_t>* seen = nullptr;  // columns of a table share their labels
  for (Series& series : set.series) {
    report.shortest = report.series == 0 ? series.length() : std::min(report.shortest, series.length());
    report.longest = std::max(report.longest, series.length());
    report.values += series.length();
    ++report.series;
    if (series.labels && series.labels.get() != seen) {
      report.labelled = true;
      report.anomalies += runs_of(*series.labels);
      seen = series.labels.get();
    }
    values.push_back(std::move(series.values));
  }
  const Series& first = set.series.front();
  if (usual.empty()) usual = usual_periods(first.step, set.style);
  if (report.step.empty() && first.step.count > 0) report.step = describe(first.step, set.style);
  report.notes.insert(report.notes.end(), set.notes.begin(), set.notes.end());
}

SeriesReport look_at_table(const std::string& file, const SeriesPlan& plan, const ReadOptions& options) {
  SeriesReport report;
  std::vector<std::vector<double>> values;
  std::vector<int64_t> usual;
  add_table(file, plan, options, report, values, usual);
  report.period = find_period(values, std::min(kLongestPeriod, report.longest / 3), usual);
  return report;
}

void look_at_folder(const std::string& name, const ReadOptions& options, DataReport& report) {
  const SeriesFolder folder = look_into(name);
  SeriesReport series;
  std::vector<std::vector<double>> values;
  std::vector<int64_t> usual;
  std::optional<WindowLabels> labels;
  if (!folder.windows.empty()) labels = read_windows(folder.windows);
  int64_t without = 0;
  series.tables = static_cast<int64_t>(folder.tables.size());
  series.labelled = labels.has_value();
  for (const std::string& table : folder.tables) {
    const size_t notes = series.notes.size();
    const SeriesPlan plan = plan_series(table, {}, options);
    add_table(table, plan, options, series, values, usual);
    for (size_t i = notes; i < series.notes.size(); ++i)
      series.notes[i] = std::filesystem::path(table).filename().string() + ": " + series.notes[i];
    report.reason = plan.reason;
    report.format = plan.layout;
    if (!labels) continue;
    const auto* windows = labels->of(std::filesystem::absolute(table).lexically_normal().generic_string());
    without += windows == nullptr;
    series.anomalies += windows ? static_cast<int64_t>(windows->size()) : 0;
  }
  if (without > 0)
    series.notes.push_back(
        fmt::format("{} no entry in {}", counted(without, "table has", "tables have"), folder.windows));
  series.period = find_period(values, std::min(kLongestPeriod, series.longest / 3), usual);
  report.series = std::move(series);
}

}  // namespace

bool check_series(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const ReadOptions& options, DataReport& report) {
  std::error_code error;
  if (files.size() == 1 && std::filesystem::is_directory(files.front(), error)) {
    if (std::filesystem::exists(std::filesystem::path(files.front()) / "seq.in", error)) return false;
    look_at_folder(files.front(), options, report);
    return true;
  }
  const auto numbers = find_series(files, options);
  if (!numbers) return false;
  report.format = numbers->layout;
  report.reason = numbers->reason;
  report.series = look_at_table(files.front(), *numbers, options);
  for (const std::string& file : dev_files) look_at_table(file, plan_series(file, {}, options), options);
  return true;
}

}  // namespace carousel::data
