// The data of the detection of anomalies: files and folders of series, what is labelled in them, and the parts that are
// learnt from.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/series.h"
#include "carousel/tasks/detect_config.h"
#include "carousel/train/anomaly.h"

namespace carousel::tasks {

/// Series whose values stand in the same rows: together they give one score for each row.
struct DetectGroup {
  std::string name;  ///< for people: "realTraffic/speed_7578.csv", "north", or ""
  std::vector<data::Series> series;
  data::TimeStyle style = data::TimeStyle::integer;
  bool labelled = false;
  std::vector<train::AnomalyWindow> windows;

  int64_t rows() const { return series.front().length(); }
};

struct DetectData {
  std::vector<DetectGroup> groups;
  data::SeriesPlan plan;           ///< of the first file
  std::string reason;              ///< what was seen
  std::vector<std::string> notes;  ///< what the user should know

  bool labelled() const;
};

/// Reads a file of series, or a folder of such files with their windows (see data::look_into); a second name is that of
/// a file of windows. Names of series of a folder begin with their file's. DataError as data::read_series and
/// data::read_windows, and for windows whose times are in no file, or that hold no row.
DetectData read_detect_data(const std::vector<std::string>& files, const DetectOptions& options);

/// Rows at the beginning of a group that are learnt from.
int64_t fit_rows(const DetectGroup& group, const DetectOptions& options);

/// The season of a series in steps: as given; a day, where its times have a regular step that divides one into 4 to
/// 1440; else `found`.
int64_t period_of(const data::TimeStep& step, data::TimeStyle style, const DetectOptions& options, int64_t found);

}  // namespace carousel::tasks
