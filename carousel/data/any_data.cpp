#include "carousel/data/any_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/registry.h"
#include "carousel/data/series_folder.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

/// How files hold data of a kind, when they can hardly hold another.
std::optional<TagPlan> find_tags(const std::vector<std::string>& files, const DataReading& reading,
                                 const ReadOptions& options) {
  try {
    TagPlan plan = plan_tags(files, {"auto", "auto", reading.target}, options);
    if (plan.evident) return plan;
  } catch (const DataError&) {  // of another kind
  }
  return std::nullopt;
}

std::optional<LabelPlan> find_labels(const std::vector<std::string>& files, const DataReading& reading,
                                     const ReadOptions& options) {
  try {
    LabelPlan plan = plan_labels(files, {"auto", "auto", reading.header}, options);
    if (plan.evident) return plan;
  } catch (const DataError&) {  // no labelled texts; as pairs they may be sound
  }
  return std::nullopt;
}

std::optional<SeriesPlan> find_series(const std::vector<std::string>& files, const DataReading& reading,
                                      const ReadOptions& options) {
  if (files.size() != 1) return std::nullopt;
  try {
    if (is_folder(files.front()))
      return plan_series(look_into(files.front()).tables.front(), reading.of_series(), options);
    SeriesPlan plan = plan_series(files.front(), reading.of_series(), options);
    if (plan.evident && std::count(plan.roles.begin(), plan.roles.end(), "value") > 0) return plan;
  } catch (const DataError&) {  // no table of numbers
    if (is_folder(files.front())) throw;
  }
  return std::nullopt;
}

DataPlan plan_of(DataKind kind, const std::string& format, const std::string& reason) {
  DataPlan found;
  found.kind = kind;
  found.format = format;
  found.reason = reason;
  return found;
}

DataPlan of(FramePlan plan) {
  DataPlan found = plan_of(DataKind::frames, plan.format, plan.reason);
  found.frames = std::move(plan);
  return found;
}

DataPlan of(TagPlan plan) {
  DataPlan found = plan_of(DataKind::tags, plan.format, plan.reason);
  found.tags = std::move(plan);
  return found;
}

DataPlan of(LabelPlan plan) {
  DataPlan found = plan_of(DataKind::labels, plan.format, plan.reason);
  found.labels = std::move(plan);
  return found;
}

DataPlan of(SeriesPlan plan) {
  DataPlan found = plan_of(DataKind::series, plan.layout, plan.reason);
  found.series = std::move(plan);
  return found;
}

DataPlan of_detected(const std::vector<std::string>& files, const DataReading& reading, const ReadOptions& options) {
  const Detection found = detect_format(files, options, reading.of_pairs());
  return plan_of(found.format->read_pairs == nullptr ? DataKind::text : DataKind::pairs, found.format->name,
                 found.reason);
}

/// Frames whose form leaves no doubt: binary files, .ts files, and folders and lists of recordings.
std::optional<DataPlan> find_frames(const std::vector<std::string>& files) {
  const std::string& file = files.front();
  if (is_folder(file)) {
    std::error_code error;
    if (fs::exists(fs::path(file) / "seq.in", error)) return std::nullopt;
    try {
      FramePlan plan = plan_frames(files, {});
      if (!plan.format.empty()) return of(std::move(plan));
    } catch (const DataError&) {
      if (holds_frame_files(file)) throw;
    }
    return std::nullopt;
  }
  FramePlan plan = plan_frames(files, {});
  if (!plan.format.empty() && plan.evident) return of(std::move(plan));
  return std::nullopt;
}

/// By the roles that the user gave.
DataPlan plan_as_said(DataKind kind, const std::vector<std::string>& files, const DataReading& reading,
                      const ReadOptions& options) {
  if (kind == DataKind::tags) return of(plan_tags(files, {"auto", reading.columns, reading.target}, options));
  if (kind == DataKind::labels) return of(plan_labels(files, {"auto", reading.columns, reading.header}, options));
  if (kind == DataKind::series)
    return of(plan_series(tables_of(only_name(files)).front(), reading.of_series(), options));
  return of_detected(files, reading, options);
}

/// By what the files look like.
DataPlan plan_as_seen(const std::vector<std::string>& files, const DataReading& reading, const ReadOptions& options) {
  if (auto frames = find_frames(files)) return *std::move(frames);
  if (auto tags = find_tags(files, reading, options)) return of(*std::move(tags));
  if (auto labels = find_labels(files, reading, options)) return of(*std::move(labels));
  if (auto series = find_series(files, reading, options)) return of(*std::move(series));
  return of_detected(files, reading, options);
}

}  // namespace

const char* name_of(DataKind kind) {
  switch (kind) {
    case DataKind::tags:
      return "tagged sentences";
    case DataKind::labels:
      return "labelled texts";
    case DataKind::pairs:
      return "pairs";
    case DataKind::text:
      return "running text";
    case DataKind::series:
      return "series of numbers";
    case DataKind::frames:
      return "sequences of frames";
  }
  return "";
}

void DataReading::options(OptionTable& table) {
  table.add("columns", &columns,
            "Roles of a table's columns, with commas between: text and label, source and target, token and tag, or "
            "time, series, value, known and label; _ skips one. auto looks at names and values.");
  table.add("header", &header, "Whether a table's first row names its columns; auto looks at it.")
      .one_of({"auto", "yes", "no"});
  std::vector<std::string> fields = tag_targets();
  fields.insert(fields.begin(), "auto");
  table.add("target", &target, "Field of CoNLL-U that is learnt; auto takes upos.").one_of(fields);
  series.options_of_cells(table);
}

SeriesFormat DataReading::of_series() const {
  SeriesFormat format = series;
  format.columns = columns;
  format.header = header;
  return format;
}

SeriesFormat DataPlan::of_series() const {
  SeriesFormat found = reading.of_series();
  series.decide(found);
  return found;
}

std::optional<DataKind> kind_of_columns(const std::string& columns) {
  if (columns == "auto") return std::nullopt;
  const std::vector<std::string> roles = split_roles(columns);
  const auto any = [&](std::initializer_list<const char*> names) {
    return std::find_first_of(roles.begin(), roles.end(), names.begin(), names.end()) != roles.end();
  };
  if (any({"token", "tag"})) return DataKind::tags;
  if (any({"source", "target"})) return DataKind::pairs;
  if (any({"time", "series", "value", "known"})) return DataKind::series;  // a label marks its anomalies
  if (any({"text", "label"})) return DataKind::labels;
  throw ConfigError(
      fmt::format("[columns] the roles of columns must be text and label, source and target, token and tag, or time, "
                  "series, value and known, with _ for each to skip; got {}. Write for example --columns _,label,text.",
                  clip_quoted(columns)));
}

DataPlan plan_data(const std::vector<std::string>& files, const DataReading& reading, const ReadOptions& options) {
  if (files.empty()) throw ConfigError("[data] at least one file is needed; got none. Name one.");
  std::optional<DataKind> said = kind_of_columns(reading.columns);
  if (!said && reading.is_of_series()) said = DataKind::series;
  DataPlan plan = said ? plan_as_said(*said, files, reading, options) : plan_as_seen(files, reading, options);
  plan.reading = reading;
  return plan;
}

DataPlan plan_more(const std::vector<std::string>& files, const DataPlan& like, const ReadOptions& options) {
  DataPlan plan = like;
  if (like.kind == DataKind::tags) {
    plan.tags = plan_tags(files, {"auto", like.tags.columns_text(), like.reading.target}, options, like.format);
  } else if (like.kind == DataKind::labels) {
    plan.labels = plan_labels(files, like.labels.found(), options, like.format);
  } else if (like.kind == DataKind::series) {
    plan.series = plan_series(tables_of(only_name(files)).front(), like.of_series(), options);
  } else if (like.kind == DataKind::frames) {
    plan.frames = plan_frames(files, {});
  } else if (like.kind == DataKind::pairs) {
    plan.format = detect_format(files, options, like.reading.of_pairs()).format->name;
  }
  return plan;
}

PairData read_as_pairs(const std::vector<std::string>& files, const DataPlan& plan, const ReadOptions& options,
                       TagData& tags) {
  if (plan.kind == DataKind::labels) return read_labels(files, plan.labels, options);
  if (plan.kind == DataKind::pairs) return read_pairs(files, options, plan.reading.of_pairs());
  tags = read_tags(files, plan.tags, options);
  return tags.pairs();
}

const std::string& only_name(const std::vector<std::string>& files) {
  if (files.size() != 1)
    throw ConfigError(fmt::format(
        "[data] all series stand in one file or folder; got {} names. Give one, with a column for each series.",
        files.size()));
  return files.front();
}

std::vector<std::string> tables_of(const std::string& name) {
  return is_folder(name) ? look_into(name).tables : std::vector<std::string>{name};
}

}  // namespace carousel::data
