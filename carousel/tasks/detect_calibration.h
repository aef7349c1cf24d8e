// The threshold of a detector, and what it scores by, from rows without labels.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "carousel/tasks/detect_model.h"

namespace carousel::tasks {

/// The score from which on there are `allowed` alarms among rows with these scores, of which `peaks` may be alarms:
/// that of the rank among the peaks; where fewer than one are allowed, or there are too few peaks to count, on a tail
/// that falls with a power, fitted to the highest tenth of all scores (Hill 1975; the idea of Siffer et al. 2017,
/// "Anomaly detection in streams with extreme value theory"). 0 where no score is above 0.
double threshold_of(std::vector<double> peaks, std::vector<double> scores, double allowed);

struct Calibration {
  std::string best;
  double threshold = 0;
  std::map<std::string, double> found;  ///< by score: share of the anomalies put into the held-out rows that it finds
};

/// Reads the rows of the groups; those behind the first `train_rows` of each are held out. Each score gets the
/// threshold of the budget there; the best is the one that finds most of the anomalies that are put into copies of
/// them: spikes, shifts and bursts of noise of two to six deviations.
Calibration calibrate(DetectModel& model, const std::vector<DetectGroup>& groups,
                      const std::vector<int64_t>& train_rows);

}  // namespace carousel::tasks
