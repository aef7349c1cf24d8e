#include "carousel/data/check_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <unordered_map>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/series.h"
#include "carousel/data/series_folder.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr size_t kRun = 16;        ///< values that hardly follow one another twice by chance ...
constexpr int64_t kDifferent = 8;  ///< ... if so many of them differ

int64_t count_anomalies(const std::vector<uint8_t>& labels) {
  int64_t runs = 0;
  for (size_t i = 0; i < labels.size(); ++i) runs += labels[i] != 0 && (i == 0 || labels[i - 1] == 0);
  return runs;
}

/// Whether enough of a run's values differ; a switch or a tariff repeats itself.
bool is_telling(const std::vector<double>& values, size_t at) {
  std::array<double, kRun> run{};
  std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(at), kRun, run.begin());
  std::sort(run.begin(), run.end());
  return std::unique(run.begin(), run.end()) - run.begin() >= kDifferent;
}

/// Calls take(a number for it, place of its first value) for each run of a series.
template <class Take>
void each_run(const std::vector<double>& series, Take take) {
  for (size_t at = 0; at + kRun <= series.size(); ++at) {
    uint64_t hash = 0;
    for (size_t i = at; i < at + kRun; ++i) {
      hash = (hash ^ std::hash<double>()(series[i])) * 0x9E3779B97F4A7C15;
      hash ^= hash >> 32;
    }
    take(hash, at);
  }
}

/// What is gathered of the tables of training.
struct Gathered {
  std::vector<std::vector<double>> values;  ///< of each series
  std::vector<int64_t> usual;               ///< seasons that are likely, see usual_periods()
};

/// Adds what stands in a table.
void add_table(const std::string& file, const SeriesPlan& plan, const SeriesFormat& format, const ReadOptions& options,
               SeriesReport& report, Gathered& gathered) {
  SeriesSet set = read_series(file, plan, format, options);
  const std::vector<uint8_t>* seen = nullptr;  // columns of a table share their labels
  for (Series& series : set.series) {
    report.shortest = report.series == 0 ? series.length() : std::min(report.shortest, series.length());
    report.longest = std::max(report.longest, series.length());
    report.values += series.length();
    ++report.series;
    if (series.labels && series.labels.get() != seen) {
      report.labelled = true;
      report.anomalies += count_anomalies(*series.labels);
      seen = series.labels.get();
    }
    gathered.values.push_back(std::move(series.values));
  }
  const Series& first = set.series.front();
  if (gathered.usual.empty()) gathered.usual = usual_periods(first.step, set.style);
  if (report.step.empty() && first.step.count > 0) report.step = describe(first.step, set.style);
  report.notes.insert(report.notes.end(), set.notes.begin(), set.notes.end());
}

void add_folder(const std::string& name, const SeriesFormat& format, const ReadOptions& options, SeriesReport& series,
                Gathered& gathered) {
  const SeriesFolder folder = look_into(name);
  std::optional<WindowLabels> labels;
  if (!folder.windows.empty()) labels = read_windows(folder.windows);
  int64_t without = 0;
  series.tables = static_cast<int64_t>(folder.tables.size());
  series.labelled = labels.has_value();
  for (const std::string& table : folder.tables) {
    const size_t notes = series.notes.size();
    add_table(table, plan_series(table, format, options), format, options, series, gathered);
    for (size_t i = notes; i < series.notes.size(); ++i)
      series.notes[i] = std::filesystem::path(table).filename().string() + ": " + series.notes[i];
    if (!labels) continue;
    const auto* windows = labels->of(std::filesystem::absolute(table).lexically_normal().generic_string());
    without += windows == nullptr;
    series.anomalies += windows ? static_cast<int64_t>(windows->size()) : 0;
  }
  if (without > 0)
    series.notes.push_back(
        fmt::format("{} no entry in {}", counted(without, "table has", "tables have"), folder.windows));
}

/// Compares the tables of dev with what was gathered.
void look_at_dev(const std::string& name, const SeriesFormat& format, const ReadOptions& options,
                 const Gathered& gathered, DataReport& report) {
  struct Held {
    std::string table, name;
    std::vector<double> values;
  };
  std::vector<Held> dev;
  std::unordered_map<uint64_t, bool> runs;  // of dev, which is the smaller one -> training has it
  for (const std::string& table : tables_of(name)) {
    for (Series& series : read_series(table, plan_series(table, format, options), format, options).series) {
      report.series->dev_values += series.length();
      each_run(series.values, [&](uint64_t hash, size_t at) {
        if (is_telling(series.values, at)) runs.emplace(hash, false);
      });
      dev.push_back({table, series.name, std::move(series.values)});
    }
  }
  for (const std::vector<double>& series : gathered.values)
    each_run(series, [&](uint64_t hash, size_t) {
      if (const auto run = runs.find(hash); run != runs.end()) run->second = true;
    });
  for (const Held& series : dev) {
    std::vector<bool> known(series.values.size());
    each_run(series.values, [&](uint64_t hash, size_t at) {
      if (const auto run = runs.find(hash); run != runs.end() && run->second)
        std::fill_n(known.begin() + static_cast<std::ptrdiff_t>(at), kRun, true);
    });
    const int64_t count = std::count(known.begin(), known.end(), true);
    if (count == 0) continue;
    report.dev.leaked.add(fmt::format("{}: {} of {}{}", series.table, count,
                                      counted(static_cast<int64_t>(known.size()), "value"),
                                      series.name.empty() ? "" : " of " + clip_quoted(series.name)));
    report.dev.leaked.count += count - 1;
  }
}

}  // namespace

void check_series(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const DataPlan& plan, CheckDepth depth, const ReadOptions& options, DataReport& report) {
  const SeriesFormat format = plan.of_series();
  report.series.emplace();
  report.has_dev = !dev_files.empty();
  if (depth == CheckDepth::quick && !report.has_dev) return;  // nothing to warn of
  SeriesReport& series = *report.series;
  Gathered gathered;
  try {
    if (std::error_code error; std::filesystem::is_directory(only_name(files), error)) {
      add_folder(files.front(), format, options, series, gathered);
    } else {
      add_table(files.front(), plan.series, format, options, series, gathered);
    }
  } catch (const DataError& error) {
    if (report.faults.count == 0) throw;
    report.refusal = error.what();  // of all rows none is left
    return;
  }
  if (depth == CheckDepth::full)
    series.period = find_period(gathered.values, std::min(kLongestPeriod, series.longest / 3), gathered.usual);
  if (report.has_dev) look_at_dev(only_name(dev_files), format, options, gathered, report);
}

}  // namespace carousel::data
