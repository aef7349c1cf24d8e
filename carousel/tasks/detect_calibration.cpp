#include "carousel/tasks/detect_calibration.h"

#include <algorithm>
#include <cmath>

#include "carousel/base/rng.h"

namespace carousel::tasks {

namespace {

constexpr size_t kMostRows = 6000;      ///< held out, of all groups together
constexpr int64_t kMostWarmRows = 600;  ///< read before those of a group
constexpr size_t kGroupsLookedAt = 60;  ///< looked at, evenly spread
constexpr int64_t kAnomalies = 6;       ///< put into each group
constexpr int64_t kLength = 10;         ///< rows of one

/// Rows of a budget's unit.
double rows_per(const DetectOptions& options, const data::TimeStep& step, data::TimeStyle style) {
  constexpr double kDay = 86400;
  if (options.budget_per == "1000" || style == data::TimeStyle::integer || step.count < 1) return 1000;
  const double days = step.months ? 30.0 * static_cast<double>(step.count) : static_cast<double>(step.count) / kDay;
  return std::max(1.0, (options.budget_per == "week" ? 7 : 1) / days);
}

/// All series of a group under way, with the peaks of each score.
struct Rows {
  std::vector<SeriesDetector> series;
  std::vector<AlarmScore> alarms;
  int64_t warm_up;  ///< rows at the beginning that are no alarms

  /// What each kind of score says of the next row.
  std::vector<AlarmScore::Answer> read(const std::vector<double>& values, const std::vector<std::string>& kinds) {
    std::vector<double> scores(kinds.size());
    for (size_t s = 0; s < series.size(); ++s) {
      const Signals signals = series[s].read(values[s]);
      for (size_t k = 0; k < kinds.size(); ++k) scores[k] = std::max(scores[k], signals.of(kinds[k]));
    }
    if (series.front().rows() <= warm_up) std::fill(scores.begin(), scores.end(), 0);
    std::vector<AlarmScore::Answer> answers;
    for (size_t k = 0; k < kinds.size(); ++k) answers.push_back(alarms[k].read(scores[k]));
    return answers;
  }
};

std::vector<double> values_at(const DetectGroup& group, int64_t row) {
  std::vector<double> values;
  for (const data::Series& s : group.series) values.push_back(s.values[static_cast<size_t>(row)]);
  return values;
}

/// Something unusual that is put into the rows of a group.
struct Anomaly {
  explicit Anomaly(Rng& rng)
      : kind(rng.below(3)), size((2 + 4 * static_cast<double>(rng.uniform())) * (rng.below(2) == 0 ? 1 : -1)) {}
  uint64_t kind;  ///< 0 a spike, 1 a shift, 2 a burst of noise
  double size;    ///< in deviations

  /// The values of a row `at` rows behind its beginning.
  void spoil(std::vector<double>& values, const std::vector<RunningMoments>& usual, int64_t at, Rng& rng) const {
    if (kind == 0 && at > 0) return;
    for (size_t s = 0; s < values.size(); ++s)
      values[s] += usual[s].deviation() * size * (kind == 2 ? static_cast<double>(rng.normal()) : 1);
  }
};

/// What the held-out rows of all groups give.
class Collector {
 public:
  Collector(DetectModel& model, const std::vector<std::string>& kinds)
      : scores(kinds.size()),
        peaks(kinds.size()),
        hits(kinds.size()),
        model_(model),
        kinds_(kinds),
        rng_(static_cast<uint64_t>(model.options().trainer.seed), 77) {}

  /// Rows from `begin` to `end` are held out.
  void add(const DetectGroup& group, int64_t begin, int64_t end) {
    const DetectOptions& options = model_.options();
    const int64_t first = std::max<int64_t>(0, begin - std::max(kMostWarmRows, options.warm_up));
    Rows rows{{}, {}, std::min(options.warm_up, begin - first)};
    for (const data::Series& s : group.series)
      rows.series.emplace_back(options, model_.networks(),
                               period_of(s.step, group.style, options, model_.parts().period));
    rows.alarms.assign(kinds_.size(), AlarmScore(options.quiet, options.habituation));
    std::vector<RunningMoments> usual(group.series.size(), RunningMoments(options.memory));
    const int64_t apart = std::max<int64_t>(1, (end - begin) / kAnomalies);
    for (int64_t i = first; i < end; ++i) {
      const std::vector<double> values = values_at(group, i);
      if (i >= begin && (i - begin) % apart == 0 && i + kLength <= end) put_anomaly(group, rows, usual, i);
      for (size_t s = 0; s < values.size(); ++s) usual[s].add(values[s]);
      const std::vector<AlarmScore::Answer> answers = rows.read(values, kinds_);
      for (size_t k = 0; i >= begin && k < kinds_.size(); ++k) {
        scores[k].push_back(answers[k].score);
        if (answers[k].peak) peaks[k].push_back(answers[k].score);
      }
    }
    allowed += options.false_alarms * static_cast<double>(end - begin) /
               rows_per(options, group.series.front().step, group.style);
  }

  std::vector<std::vector<double>> scores;  ///< by kind: of the rows as they are
  std::vector<std::vector<double>> peaks;   ///< by kind: those of them that may be alarms
  std::vector<std::vector<double>> hits;    ///< by kind: the highest at each anomaly
  double allowed = 0;                       ///< alarms of the budget

 private:
  void put_anomaly(const DetectGroup& group, Rows rows, const std::vector<RunningMoments>& usual, int64_t row) {
    const Anomaly anomaly(rng_);
    std::vector<double> highest(kinds_.size(), -1);
    for (int64_t at = 0; at < kLength; ++at) {
      std::vector<double> spoilt = values_at(group, row + at);
      anomaly.spoil(spoilt, usual, at, rng_);
      const std::vector<AlarmScore::Answer> answers = rows.read(spoilt, kinds_);
      for (size_t k = 0; k < kinds_.size(); ++k)
        if (answers[k].peak) highest[k] = std::max(highest[k], answers[k].score);
    }
    for (size_t k = 0; k < kinds_.size(); ++k) hits[k].push_back(highest[k]);
  }

  DetectModel& model_;
  const std::vector<std::string>& kinds_;
  Rng rng_;
};

}  // namespace

double threshold_of(std::vector<double> peaks, std::vector<double> scores, double allowed) {
  const auto falling = [](std::vector<double>& values) {
    std::erase_if(values, [](double v) { return !(v > 0); });
    std::sort(values.begin(), values.end(), std::greater<>());
  };
  falling(peaks);
  falling(scores);
  if (scores.empty()) return 0;
  if (allowed >= 1 && allowed < static_cast<double>(peaks.size())) return peaks[static_cast<size_t>(allowed)];
  const size_t last = scores.size() - 1, tail = std::min(last, std::max<size_t>(10, scores.size() / 10));
  if (allowed >= static_cast<double>(tail))
    return scores[static_cast<size_t>(std::min(static_cast<double>(last), allowed))];
  double index = 0;
  for (size_t i = 0; i < tail; ++i) index += std::log(scores[i] / scores[tail]) / static_cast<double>(tail);
  return scores[tail] * std::pow(static_cast<double>(tail) / std::max(allowed, 1e-9), index);
}

Calibration calibrate(DetectModel& model, const std::vector<DetectGroup>& groups,
                      const std::vector<int64_t>& train_rows) {
  const std::vector<std::string> kinds = model.candidates();
  Collector collected(model, kinds);
  const size_t looked_at = std::min(groups.size(), kGroupsLookedAt);
  for (size_t n = 0; n < looked_at; ++n) {
    const size_t g = n * groups.size() / looked_at;
    const auto most = static_cast<int64_t>(kMostRows / looked_at);
    collected.add(groups[g], train_rows[g], std::min(groups[g].rows(), train_rows[g] + most));
  }
  Calibration calibration;
  double most = -1;
  for (size_t k = 0; k < kinds.size(); ++k) {
    const double threshold = threshold_of(collected.peaks[k], collected.scores[k], collected.allowed);
    const std::vector<double>& hits = collected.hits[k];
    const auto found = std::count_if(hits.begin(), hits.end(), [&](double h) { return h >= threshold; });
    const double part = hits.empty() ? 0 : static_cast<double>(found) / static_cast<double>(hits.size());
    calibration.found[kinds[k]] = part;
    if (part <= most) continue;
    most = part;
    calibration.best = kinds[k];
    calibration.threshold = threshold;
  }
  return calibration;
}

}  // namespace carousel::tasks
