#include "carousel/data/any_data.h"

#include <algorithm>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/data/registry.h"
#include "carousel/data/series_folder.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

bool is_folder(const std::string& name) {
  std::error_code error;
  return fs::is_directory(name, error);
}

std::optional<SeriesPlan> find_series(const std::vector<std::string>& files, const ReadOptions& options) {
  if (files.size() != 1) return std::nullopt;
  try {
    if (is_folder(files.front())) return plan_series(look_into(files.front()).tables.front(), {}, options);
    SeriesPlan plan = plan_series(files.front(), {}, options);
    if (plan.evident && std::count(plan.roles.begin(), plan.roles.end(), "value") > 0) return plan;
  } catch (const DataError&) {  // no table of numbers
    if (is_folder(files.front())) throw;
  }
  return std::nullopt;
}

DataPlan of_frames(FramePlan plan) {
  DataPlan found;
  found.kind = DataKind::frames;
  found.format = plan.format;
  found.reason = plan.reason;
  found.frames = std::move(plan);
  return found;
}

/// Frames whose form leaves no doubt: binary files, .ts files, and folders and lists of recordings.
std::optional<DataPlan> find_frames(const std::vector<std::string>& files) {
  const std::string& file = files.front();
  if (is_folder(file)) {
    std::error_code error;
    if (fs::exists(fs::path(file) / "seq.in", error)) return std::nullopt;
    try {
      FramePlan plan = plan_frames(files, {});
      if (!plan.format.empty()) return of_frames(std::move(plan));
    } catch (const DataError&) {
      if (holds_frame_files(file)) throw;
    }
    return std::nullopt;
  }
  FramePlan plan = plan_frames(files, {});
  if (!plan.format.empty() && plan.evident) return of_frames(std::move(plan));
  return std::nullopt;
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

std::optional<TagPlan> find_tags(const std::vector<std::string>& files, const ReadOptions& options) {
  try {
    TagPlan plan = plan_tags(files, {}, options);
    if (plan.evident) return plan;
  } catch (const DataError&) {  // of another kind
  }
  return std::nullopt;
}

std::optional<LabelPlan> find_labels(const std::vector<std::string>& files, const ReadOptions& options) {
  try {
    LabelPlan plan = plan_labels(files, {}, options);
    if (plan.evident) return plan;
  } catch (const DataError&) {  // no labelled texts; as pairs they may be sound
  }
  return std::nullopt;
}

DataPlan plan_data(const std::vector<std::string>& files, const DataConfig& config, const ReadOptions& options) {
  if (files.empty()) throw ConfigError("[data] at least one file is needed; got none. Name one.");
  if (auto frames = find_frames(files)) return *std::move(frames);
  DataPlan plan;
  if (auto tags = find_tags(files, options)) {
    plan.kind = DataKind::tags;
    plan.format = tags->format;
    plan.reason = tags->reason;
    plan.tags = *std::move(tags);
  } else if (auto labels = find_labels(files, options)) {
    plan.kind = DataKind::labels;
    plan.format = labels->format;
    plan.reason = labels->reason;
    plan.labels = *std::move(labels);
  } else if (auto series = find_series(files, options)) {
    plan.kind = DataKind::series;
    plan.format = series->layout;
    plan.reason = series->reason;
    plan.series = *std::move(series);
  } else {
    const Detection found = detect_format(files, options, config.format);
    plan.kind = found.format->read_pairs == nullptr ? DataKind::text : DataKind::pairs;
    plan.format = found.format->name;
    plan.reason = found.reason;
  }
  return plan;
}

DataPlan plan_more(const std::vector<std::string>& files, const DataPlan& like, const DataConfig& config,
                   const ReadOptions& options) {
  DataPlan plan = like;
  if (like.kind == DataKind::tags) {
    TagFormat format;
    format.columns = like.tags.columns_text();
    plan.tags = plan_tags(files, format, options, like.format);
  } else if (like.kind == DataKind::labels) {
    plan.labels = plan_labels(files, like.labels.found(), options, like.format);
  } else if (like.kind == DataKind::series) {
    plan.series = plan_series(tables_of(files.front()).front(), {}, options);
  } else if (like.kind == DataKind::frames) {
    plan.frames = plan_frames(files, {});
  } else if (like.kind == DataKind::pairs) {
    plan.format = detect_format(files, options, config.format).format->name;
  }
  return plan;
}

PairData read_as_pairs(const std::vector<std::string>& files, const DataPlan& plan, const DataConfig& config,
                       const ReadOptions& options, TagData& tags) {
  if (plan.kind == DataKind::labels) return read_labels(files, plan.labels, options);
  if (plan.kind == DataKind::pairs) return read_pairs(files, options, config.format);
  tags = read_tags(files, plan.tags, options);
  return tags.pairs();
}

std::vector<std::string> tables_of(const std::string& name) {
  return is_folder(name) ? look_into(name).tables : std::vector<std::string>{name};
}

}  // namespace carousel::data
