#include "carousel/tasks/detect_stream.h"

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"

namespace carousel::tasks {

namespace {

/// Weights may come from anyone's file.
double finite(double number) {
  if (!std::isfinite(number))
    throw DivergedError(
        "[detect] what the networks of a detector say must be finite; got another number. Train again.");
  return number;
}

/// What is usual takes a few errors to know.
double usual_ratio(double error, const RunningMoments& errors) {
  constexpr int64_t kFewest = 10;
  return errors.count() < kFewest ? 0 : ratio_of(error, errors.size());
}

}  // namespace

/// Errors of networks are heavier in their tails than distances from the mean: half of them counts.
double Signals::of(const std::string& score) const {
  if (score == "forecast") return level + forecast / 2;
  if (score == "reconstruction") return level + reconstruction / 2;
  return level + (forecast + reconstruction) / 2;
}

SeriesDetector::SeriesDetector(const DetectOptions& options, DetectNetworks networks, int64_t period)
    : networks_(std::move(networks)),
      features_(options.memory, period),
      errors_(options.memory),
      told_errors_(options.memory),
      window_(static_cast<size_t>(options.window)) {
  if (networks_.next) stream_ = std::make_unique<nn::Stream>(networks_.next);
}

SeriesDetector::SeriesDetector(const SeriesDetector& other)
    : networks_(other.networks_),
      features_(other.features_),
      stream_(other.stream_ ? std::make_unique<nn::Stream>(*other.stream_) : nullptr),
      errors_(other.errors_),
      told_errors_(other.told_errors_),
      window_(other.window_),
      expected_(other.expected_),
      rows_(other.rows_) {}

Signals SeriesDetector::read(double value) {
  Signals signals;
  signals.expected = rows_ > 0 ? expected_ : value;
  const double error = value - signals.expected;
  if (rows_ > 0) {
    constexpr double kMost = 4;
    signals.error = std::min(ratio_of(error, features_.unit()), kMost);
    signals.step = std::min(ratio_of(value - features_.last(), features_.unit()), kMost);
  }
  if (rows_ > 1) {
    signals.forecast = usual_ratio(error, errors_);
    errors_.add(error);
  }
  features_.read(value);
  signals.level = features_.level();
  const auto frame = features_.values();
  expected_ = value;
  if (stream_) expected_ += finite(features_.unit() * static_cast<double>(stream_->step(frame).front()));
  window_[static_cast<size_t>(rows_) % window_.size()] = frame[0];
  ++rows_;
  if (networks_.again && rows_ >= static_cast<int64_t>(window_.size())) {
    const double again = finite(told_again());
    signals.reconstruction = usual_ratio(again, told_errors_);
    told_errors_.add(again);
  }
  return signals;
}

/// How far what is told again lies from the window, as a root of the mean square.
double SeriesDetector::told_again() {
  const auto n = static_cast<int64_t>(window_.size());
  Tensor x = Tensor::empty({1, n});
  for (int64_t i = 0; i < n; ++i) x.data<float>()[i] = window_[static_cast<size_t>((rows_ + i) % n)];
  nn::Context ctx;
  const Tensor y = networks_.again->forward(ctx, x).value();
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(y.data<float>()[i]) - static_cast<double>(x.data<float>()[i]);
    squares += d * d;
  }
  return std::sqrt(squares / static_cast<double>(n));
}

}  // namespace carousel::tasks
