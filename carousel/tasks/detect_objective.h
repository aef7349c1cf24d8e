// Loss and dev score of a detector under training.
#pragma once

#include <memory>
#include <vector>

#include "carousel/tasks/detect_model.h"
#include "carousel/tasks/forecast_windows.h"
#include "carousel/train/objective.h"

namespace carousel::tasks {

/// A series as the networks read it.
struct DetectSeries {
  std::string name;
  std::vector<float> features;  ///< [rows, SeriesFeatures::kCount]
  std::vector<float> targets;   ///< [rows]: what comes next, in units of differences; the last row's is 0
  std::vector<float> levels;    ///< [rows], see SeriesFeatures
};

struct DetectSets {
  std::vector<DetectGroup> groups;  ///< the rows that are learnt from, dev behind the others
  std::vector<int64_t> train_rows;  ///< of each group
  std::vector<DetectSeries> series;
  Windows train, dev;  ///< origins of windows: the row behind their last
};

/// A series of `rows` values as the networks read it.
DetectSeries detect_series(const data::Series& series, int64_t rows, int64_t memory, int64_t period);

/// The model must outlive the objective. Each evaluation fits the threshold to the held-out rows, and chooses the score
/// that finds most of the anomalies put into them.
std::unique_ptr<train::Objective> make_detect_objective(DetectModel& model, DetectSets sets);

}  // namespace carousel::tasks
