// Scores of anomaly detectors beside labelled windows: the score of the Numenta Anomaly Benchmark, and precision and
// recall of windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace carousel::train {

/// Rows [first, last] of a series that hold an anomaly.
struct AnomalyWindow {
  int64_t first = 0, last = 0;
};

/// What a detector said of one series: an alarm at each row whose score is at least the threshold.
struct ScoredSeries {
  std::vector<double> scores;          ///< of each row; the lowest number where there can be no alarm
  std::vector<AnomalyWindow> windows;  ///< in order, without overlap
};

/// Rows at the beginning of a series that the benchmark does not score: 15 %, at most 750.
int64_t nab_probation(int64_t rows);
/// 2 / (1 + exp(5 x)) - 1, and -1 from x = 3 on.
double nab_sigmoid(double position);

/// What an alarm is worth, the weights of an application profile.
struct NabProfile {
  double true_positive = 1, false_positive = 0.11, false_negative = 1;  ///< "standard"
};

struct NabScore {
  double score = 0;                                            ///< 0: a silent detector; 100: a perfect one
  double threshold = std::numeric_limits<double>::infinity();  ///< infinity: no alarm at all
};

/// The score of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015, "Evaluating real-time anomaly detection
/// algorithms"): of each window the first alarm counts, the more the earlier; each row with an alarm outside costs,
/// less shortly behind a window; each missed window costs; of the sum, 0 is what a silent detector gets and 100 what a
/// perfect one gets. Windows without a row behind the probation are left out. There must be a window, else the score is
/// 0. Where a window has one row, what lies behind it is measured in rows (the benchmark would divide by zero).
double nab_score(const std::vector<ScoredSeries>& series, double threshold, const NabProfile& profile = {});
/// The same with the threshold, one for all series, that gives the highest score: what the benchmark's optimizer does.
NabScore best_nab_score(const std::vector<ScoredSeries>& series, const NabProfile& profile = {});

/// Alarms of a threshold counted by windows, behind the probation.
struct AlarmCounts {
  int64_t windows = 0;       ///< labelled
  int64_t found = 0;         ///< with an alarm inside
  int64_t false_alarms = 0;  ///< runs of neighbouring rows with alarms outside of windows
  int64_t rows_outside = 0;  ///< rows that are in no window

  double precision() const;  ///< found / (found + false_alarms); 0 without alarms
  double recall() const;     ///< found / windows
  double f1() const;
};
AlarmCounts count_alarms(const std::vector<ScoredSeries>& series, double threshold);

/// Windows of the rows with a label: runs of ones.
std::vector<AnomalyWindow> windows_of(const std::vector<uint8_t>& labels);

/// The detector that the benchmark publishes as its plain baseline, row by row in constant memory: one minus the tail
/// probability of a value under the mean and deviation of the last 6,400 values before it, a window that moves on by
/// 100.
class WindowedGaussian {
 public:
  /// The score of the next value, in [0, 1].
  double read(double value);

 private:
  static constexpr size_t kWindow = 6400, kStep = 100;
  void measure();

  std::vector<double> window_, waiting_;
  double mean_ = 0, deviation_ = 1;
  double sum_ = 0, squares_ = 0;  // while the window grows, of differences from its first value
};

}  // namespace carousel::train
