// What the detector measures of a series, value by value: nothing looks ahead, and memory is constant.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace carousel::tasks {

/// Mean and deviation of the values so far; from `memory` values on older ones fade (each counts 1 - 1 / memory of the
/// next).
class RunningMoments {
 public:
  explicit RunningMoments(int64_t memory) : memory_(memory) {}
  void add(double value);
  int64_t count() const { return count_; }
  double mean() const { return mean_; }
  /// Root of the mean square of value - mean().
  double deviation() const;
  /// Root of the mean square of the values.
  double size() const;

 private:
  int64_t memory_, count_ = 0;
  double mean_ = 0, variance_ = 0;
};

/// |value| / unit, at most kLargestRatio; with a unit of 0 that of any value but 0.
inline constexpr double kLargestRatio = 1e3;
double ratio_of(double value, double unit);

/// What a network reads of a series.
class SeriesFeatures {
 public:
  static constexpr int64_t kCount = 4;
  /// period: steps of a season; 1: none.
  SeriesFeatures(int64_t memory, int64_t period);

  void read(double value);
  /// After a value: its distance from the mean before it in units of the deviation; its difference from the one before
  /// it, in units of such differences; how the next one differed a season ago, in the same units, and whether that is
  /// known. All but the last lie within 4 and -4.
  std::array<float, kCount> values() const;
  /// The unit of differences: what comes next is learnt as (next - value) / unit().
  double unit() const;
  /// Distance of the last value from the mean of those before it, in units of their deviation; not negative.
  double level() const { return level_; }
  double last() const { return last_; }

 private:
  RunningMoments values_, differences_;
  std::vector<double> season_;  ///< a ring of the last values
  int64_t read_ = 0;
  double last_ = 0, level_ = 0, signed_level_ = 0, difference_ = 0;
};

/// Whether a score exceeds all of the last `quiet` ones: one incident is one alarm, unless it gets worse.
class PeakTracker {
 public:
  explicit PeakTracker(int64_t quiet) : quiet_(quiet) {}
  bool read(double score);

 private:
  struct Seen {
    int64_t row;
    double score;
  };
  int64_t quiet_, row_ = 0;
  std::deque<Seen> falling_;  ///< scores that may still be the highest, falling
};

/// What has come before is less unusual: a score counts less with each of the last 32 incidents that was about as high
/// (nine tenths). An incident is a score above 2 without a higher one in `quiet` rows behind it.
class Habituation {
 public:
  /// A score with c such incidents before it is divided by (1 + c)^exponent.
  Habituation(int64_t quiet, double exponent) : quiet_(quiet), exponent_(exponent) {}
  double read(double score);

 private:
  int64_t quiet_;
  double exponent_;
  std::deque<double> incidents_;  ///< their highest scores
  double highest_ = 0;            ///< of the one under way; 0: none
  int64_t since_ = 0;             ///< rows behind that
};

/// From how far off rows are to alarms.
class AlarmScore {
 public:
  AlarmScore(int64_t quiet, double habituation) : habituation_(quiet, habituation), peaks_(quiet) {}

  struct Answer {
    double score = 0;
    bool peak = false;  ///< higher than the scores of the rows before it, and above 0
  };
  Answer read(double off) {
    Answer answer;
    answer.score = habituation_.read(off);
    answer.peak = peaks_.read(answer.score) && answer.score > 0;
    return answer;
  }

 private:
  Habituation habituation_;
  PeakTracker peaks_;
};

}  // namespace carousel::tasks
