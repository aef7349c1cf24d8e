#include "carousel/tasks/detect_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/text.h"
#include "carousel/data/series_folder.h"

namespace carousel::tasks {

namespace {

namespace fs = std::filesystem;

/// The series of one file in groups of those that share their rows.
std::vector<DetectGroup> groups_of(data::SeriesSet set, const data::SeriesPlan& plan, const std::string& prefix) {
  const size_t columns =
      plan.layout == "rows" ? 1 : static_cast<size_t>(std::count(plan.roles.begin(), plan.roles.end(), "value"));
  std::vector<DetectGroup> groups;
  for (size_t s = 0; s < set.series.size(); ++s) {
    data::Series& series = set.series[s];
    if (s % columns == 0) {
      DetectGroup group;
      const bool named = plan.layout != "wide";
      group.name = prefix + (named && !prefix.empty() ? "/" : "") + (named ? series.name : "");
      if (named && columns > 1) group.name = group.name.substr(0, group.name.rfind('/'));
      group.style = set.style;
      if (series.labels) {
        group.labelled = true;
        group.windows = train::windows_of(*series.labels);
      }
      groups.push_back(std::move(group));
    }
    if (!prefix.empty()) series.name = set.series.size() == 1 ? prefix : prefix + "/" + series.name;
    groups.back().series.push_back(std::move(series));
  }
  return groups;
}

/// Rows whose times lie in a window.
void apply(const std::vector<data::WindowLabels::Window>& windows, const data::WindowLabels& labels,
           const std::string& file, DetectGroup& group) {
  const data::Series& series = group.series.front();
  const std::string name = group.name.empty() ? fs::path(file).filename().string() : group.name;
  if (!series.times)
    throw DataError(labels.file, 0, 0,
                    fmt::format("[data] windows are given by times, and the rows of their file must have them; got "
                                "none in {}. Give a column of times, or a column of labels.",
                                name));
  group.labelled = true;
  group.windows.clear();
  for (const auto& window : windows) {
    const auto begin = series.times->begin();
    const auto first = std::lower_bound(begin, series.times->end(), window.first);
    const auto behind = std::upper_bound(first, series.times->end(), window.last);
    const int64_t free = group.windows.empty() ? 0 : group.windows.back().last + 1;
    const train::AnomalyWindow rows{std::max<int64_t>(free, first - begin), behind - begin - 1};
    if (rows.last < rows.first)
      throw DataError(labels.file, 0, 0,
                      fmt::format("[data] a window must hold rows of its file that no other holds; got none of {} from "
                                  "{} to {}. Correct it, or remove it.",
                                  name, data::format_time({window.first, group.style}),
                                  data::format_time({window.last, group.style})));
    group.windows.push_back(rows);
  }
}

void apply(const data::WindowLabels& labels, const std::vector<std::pair<size_t, std::string>>& files,
           DetectData& data) {
  size_t matched = 0;
  for (size_t f = 0; f < files.size(); ++f) {
    const auto* windows = labels.of(files[f].second);
    if (!windows) continue;
    ++matched;
    const size_t end = f + 1 < files.size() ? files[f + 1].first : data.groups.size();
    for (size_t g = files[f].first; g < end; ++g) apply(*windows, labels, files[f].second, data.groups[g]);
  }
  if (matched == 0)
    throw DataError(labels.file, 0, 0,
                    fmt::format("[data] windows must name the files they are in, such as \"group/file.csv\"; got none "
                                "of {}. Correct the names.",
                                files.front().second));
  if (matched < files.size())
    data.notes.push_back(fmt::format(
        "{} in {}", counted(static_cast<int64_t>(files.size() - matched), "file has no entry", "files have no entry"),
        labels.file));
}

}  // namespace

bool DetectData::labelled() const {
  return std::any_of(groups.begin(), groups.end(), [](const DetectGroup& g) { return g.labelled; });
}

DetectData read_detect_data(const std::vector<std::string>& files, const DetectOptions& options) {
  if (files.empty() || files.size() > 2)
    throw ConfigError(fmt::format(
        "[detect] one file or folder of series is needed, and at most one file of windows behind it; got {} "
        "names. Put the series into one folder.",
        files.size()));
  const data::ReadOptions read = options.read_options();
  DetectData all;
  std::vector<std::string> tables = {files.front()};
  std::string windows = files.size() > 1 ? files.back() : "";
  const bool folder = is_folder(files.front());
  if (folder) {
    data::SeriesFolder found = data::look_into(files.front());
    tables = std::move(found.tables);
    if (windows.empty()) windows = found.windows;
  }
  std::vector<std::pair<size_t, std::string>> first_groups;
  data::SeriesFormat format = options.format;
  for (const std::string& table : tables) {
    const data::SeriesPlan plan = data::plan_series(table, format, read);
    plan.decide(format);  // of all tables of a folder
    if (std::find(plan.roles.begin(), plan.roles.end(), "known") != plan.roles.end())
      throw ConfigError(
          "[detect] a detector looks at values alone; got a column with the role known. Write a _ in its place.");
    std::string prefix;
    if (folder) {
      const fs::path below = fs::path(table).lexically_relative(files.front());
      prefix = (below.begin() != below.end() && *below.begin() == "data" ? below.lexically_relative("data") : below)
                   .generic_string();
    }
    data::SeriesSet set = data::read_series(table, plan, format, read);
    for (const std::string& note : set.notes)
      all.notes.push_back(prefix.empty() ? note : fmt::format("{}: {}", prefix, note));
    if (all.groups.empty()) {
      all.plan = plan;
      all.reason = folder ? fmt::format("a folder of {}{}; the first has {}",
                                        counted(static_cast<int64_t>(tables.size()), "table"),
                                        windows.empty() ? "" : " with windows of anomalies", plan.reason)
                          : plan.reason;
    }
    first_groups.emplace_back(all.groups.size(), fs::absolute(table).lexically_normal().generic_string());
    for (DetectGroup& group : groups_of(std::move(set), plan, prefix)) all.groups.push_back(std::move(group));
  }
  if (!windows.empty()) apply(data::read_windows(windows), first_groups, all);
  return all;
}

int64_t fit_rows(const DetectGroup& group, const DetectOptions& options) {
  const int64_t rows = group.rows();
  if (options.fit_share > 0) return std::max<int64_t>(1, std::llround(options.fit_share * static_cast<double>(rows)));
  return group.labelled ? train::nab_probation(rows) : rows;
}

int64_t period_of(const data::TimeStep& step, data::TimeStyle style, const DetectOptions& options, int64_t found) {
  constexpr int64_t kDay = 86400, kFewest = 4, kMost = 1440;
  if (options.period > 0) return options.period;
  const bool clock = style == data::TimeStyle::minutes || style == data::TimeStyle::seconds;
  if (clock && !step.months && step.count > 0 && kDay % step.count == 0 && kDay / step.count >= kFewest &&
      kDay / step.count <= kMost)
    return kDay / step.count;
  return found;
}

}  // namespace carousel::tasks
