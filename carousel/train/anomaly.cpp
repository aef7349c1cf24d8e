#include "carousel/train/anomaly.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace carousel::train {

namespace {

/// A row that counts: what an alarm there is worth, and the window it is in.
struct Scored {
  double score = 0, worth = 0;
  int64_t window = -1;  ///< number among all that count; -1: none
};

struct Rows {
  std::vector<Scored> rows;
  int64_t windows = 0;
};

/// Rows behind the probation of all series. Inside a window of n rows, k rows before its end: sigmoid(-(k + 1) / n) in
/// units of its highest value; k rows behind the last one: sigmoid(k / (n - 1)); before any window: -1.
Rows rows_of(const std::vector<ScoredSeries>& series, const NabProfile& profile) {
  const double highest = nab_sigmoid(-1);
  Rows all;
  for (const ScoredSeries& s : series) {
    const auto count = static_cast<int64_t>(s.scores.size()), probation = nab_probation(count);
    size_t next = 0;
    const AnomalyWindow* behind = nullptr;
    for (int64_t i = 0; i < count; ++i) {
      while (next < s.windows.size() && s.windows[next].last < i) behind = &s.windows[next++];
      const bool inside = next < s.windows.size() && s.windows[next].first <= i;
      if (i < probation) continue;
      Scored row{s.scores[static_cast<size_t>(i)], 0, -1};
      if (inside) {
        const AnomalyWindow& w = s.windows[next];
        if (i == std::max(w.first, probation)) ++all.windows;
        row.window = all.windows - 1;
        row.worth = profile.true_positive / highest *
                    nab_sigmoid(-static_cast<double>(w.last - i + 1) / static_cast<double>(w.last - w.first + 1));
      } else {
        const double past = behind ? static_cast<double>(i - behind->last) /
                                         static_cast<double>(std::max<int64_t>(1, behind->last - behind->first))
                                   : 3.0;
        row.worth = profile.false_positive * nab_sigmoid(past);
      }
      // The lowest score says that there can be no alarm, at no threshold.
      if (row.score > std::numeric_limits<double>::lowest()) all.rows.push_back(row);
    }
  }
  return all;
}

/// The sum of what alarms are worth, one row after the other.
class Sum {
 public:
  Sum(int64_t windows, const NabProfile& profile)
      : windows_(windows), miss_(profile.false_negative), perfect_(profile.true_positive) {
    best_.resize(static_cast<size_t>(windows), -std::numeric_limits<double>::infinity());
    sum_ = -miss_ * static_cast<double>(windows);
  }
  void alarm(const Scored& row) {
    if (row.window < 0) {
      sum_ += row.worth;
      return;
    }
    double& best = best_[static_cast<size_t>(row.window)];
    if (row.worth <= best) return;
    sum_ += row.worth - (std::isinf(best) ? -miss_ : best);
    best = row.worth;
  }
  double scaled() const {
    const auto n = static_cast<double>(windows_);
    return windows_ == 0 ? 0 : 100 * (sum_ + miss_ * n) / ((perfect_ + miss_) * n);
  }

 private:
  int64_t windows_;
  double miss_, perfect_, sum_ = 0;
  std::vector<double> best_;
};

}  // namespace

int64_t nab_probation(int64_t rows) {
  return std::min<int64_t>(rows * 15 / 100, 750);
}

double nab_sigmoid(double position) {
  return position >= 3 ? -1 : 2 / (1 + std::exp(5 * position)) - 1;
}

double nab_score(const std::vector<ScoredSeries>& series, double threshold, const NabProfile& profile) {
  const Rows all = rows_of(series, profile);
  Sum sum(all.windows, profile);
  for (const Scored& row : all.rows)
    if (row.score >= threshold) sum.alarm(row);
  return sum.scaled();
}

NabScore best_nab_score(const std::vector<ScoredSeries>& series, const NabProfile& profile) {
  Rows all = rows_of(series, profile);
  std::stable_sort(all.rows.begin(), all.rows.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  Sum sum(all.windows, profile);
  NabScore best;
  for (size_t i = 0; i < all.rows.size(); ++i) {
    sum.alarm(all.rows[i]);
    const bool level_done = i + 1 == all.rows.size() || all.rows[i + 1].score < all.rows[i].score;
    if (level_done && sum.scaled() > best.score) best = {sum.scaled(), all.rows[i].score};
  }
  return best;
}

double AlarmCounts::precision() const {
  return found + false_alarms == 0 ? 0 : static_cast<double>(found) / static_cast<double>(found + false_alarms);
}

double AlarmCounts::recall() const {
  return windows == 0 ? 0 : static_cast<double>(found) / static_cast<double>(windows);
}

double AlarmCounts::f1() const {
  const double p = precision(), r = recall();
  return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

AlarmCounts count_alarms(const std::vector<ScoredSeries>& series, double threshold) {
  AlarmCounts counts;
  for (const ScoredSeries& s : series) {
    const auto rows = static_cast<int64_t>(s.scores.size());
    size_t next = 0;
    bool alarm_before = false, found = false;
    for (int64_t i = nab_probation(rows); i < rows; ++i) {
      while (next < s.windows.size() && s.windows[next].last < i) {
        ++next;
        found = false;
      }
      const bool inside = next < s.windows.size() && s.windows[next].first <= i;
      const bool alarm = s.scores[static_cast<size_t>(i)] >= threshold;
      if (inside) {
        if (i == std::max(s.windows[next].first, nab_probation(rows))) ++counts.windows;
        counts.found += alarm && !found;
        found = found || alarm;
      } else {
        ++counts.rows_outside;
        counts.false_alarms += alarm && !alarm_before;
      }
      alarm_before = alarm && !inside;
    }
  }
  return counts;
}

std::vector<AnomalyWindow> windows_of(const std::vector<uint8_t>& labels) {
  std::vector<AnomalyWindow> windows;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == 0) continue;
    const auto row = static_cast<int64_t>(i);
    if (!windows.empty() && windows.back().last + 1 == row) {
      windows.back().last = row;
    } else {
      windows.push_back({row, row});
    }
  }
  return windows;
}

double WindowedGaussian::read(double value) {
  const double score = window_.empty() ? 0 : 1 - 0.5 * std::erfc(std::abs(value - mean_) / deviation_ / std::sqrt(2.0));
  if (window_.size() < kWindow) {
    window_.push_back(value);
    const double d = value - window_.front(), n = static_cast<double>(window_.size());
    sum_ += d;
    squares_ += d * d;
    mean_ = window_.front() + sum_ / n;
    deviation_ = std::sqrt(std::max(0.0, squares_ / n - sum_ / n * (sum_ / n)));
  } else {
    waiting_.push_back(value);
    if (waiting_.size() < kStep) return score;
    window_.erase(window_.begin(), window_.begin() + kStep);
    window_.insert(window_.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    measure();
  }
  if (deviation_ == 0) deviation_ = 1e-6;
  return score;
}

void WindowedGaussian::measure() {
  const auto n = static_cast<double>(window_.size());
  mean_ = 0;
  for (const double v : window_) mean_ += v / n;
  double squares = 0;
  for (const double v : window_) squares += (v - mean_) * (v - mean_) / n;
  deviation_ = std::sqrt(squares);
}

}  // namespace carousel::train
