#include "carousel/tasks/detect_signals.h"

#include <algorithm>
#include <cmath>

namespace carousel::tasks {

namespace {

constexpr double kClip = 4;

float clipped(double value) {
  return static_cast<float>(std::clamp(value, -kClip, kClip));
}

double signed_ratio(double value, double unit) {
  return std::copysign(ratio_of(value, unit), value);
}

}  // namespace

void RunningMoments::add(double value) {
  count_ = std::min(count_ + 1, memory_);
  const double share = 1 / static_cast<double>(count_), step = value - mean_;
  mean_ += share * step;
  variance_ = (1 - share) * (variance_ + share * step * step);
}

double RunningMoments::deviation() const {
  // What rounding leaves of a constant is no deviation.
  const double deviation = std::sqrt(variance_);
  return deviation > 1e-12 * std::abs(mean_) ? deviation : 0;
}

double RunningMoments::size() const {
  return std::sqrt(variance_ + mean_ * mean_);
}

double ratio_of(double value, double unit) {
  if (value == 0) return 0;
  return unit > 0 ? std::min(std::abs(value) / unit, kLargestRatio) : kLargestRatio;
}

SeriesFeatures::SeriesFeatures(int64_t memory, int64_t period)
    : values_(memory), differences_(memory), season_(period > 1 ? static_cast<size_t>(period) : 0) {}

void SeriesFeatures::read(double value) {
  if (read_ > 0) {
    const double off = value - values_.mean();
    level_ = ratio_of(off, values_.deviation());
    signed_level_ = std::copysign(level_, off);
    const double d = value - last_;
    difference_ = signed_ratio(d, unit());
    differences_.add(d);
  }
  values_.add(value);
  if (!season_.empty()) season_[static_cast<size_t>(read_) % season_.size()] = value;
  last_ = value;
  ++read_;
}

std::array<float, SeriesFeatures::kCount> SeriesFeatures::values() const {
  const auto period = static_cast<int64_t>(season_.size());
  const bool known = period > 0 && read_ >= period;
  // The oldest value of a full ring stands where the next one will: a season before the next value.
  const double next = known ? season_[static_cast<size_t>(read_ % period)] - last_ : 0;
  return {clipped(signed_level_), clipped(difference_), clipped(signed_ratio(next, unit())), known ? 1.0F : 0.0F};
}

double SeriesFeatures::unit() const {
  return differences_.size();
}

double Habituation::read(double score) {
  constexpr double kIncident = 2, kAlike = 0.9;
  constexpr size_t kMost = 32;
  if (highest_ > 0 && ++since_ > quiet_) {
    incidents_.push_back(highest_);
    if (incidents_.size() > kMost) incidents_.pop_front();
    highest_ = 0;
  }
  const auto alike = std::count_if(incidents_.begin(), incidents_.end(), [&](double i) { return i >= kAlike * score; });
  if (score > kIncident && score > highest_) {
    highest_ = score;
    since_ = 0;
  }
  return score / std::pow(1 + static_cast<double>(alike), exponent_);
}

bool PeakTracker::read(double score) {
  while (!falling_.empty() && falling_.front().row < row_ - quiet_) falling_.pop_front();
  const bool peak = falling_.empty() || score > falling_.front().score;
  while (!falling_.empty() && falling_.back().score <= score) falling_.pop_back();
  falling_.push_back({row_++, score});
  return peak;
}

}  // namespace carousel::tasks
