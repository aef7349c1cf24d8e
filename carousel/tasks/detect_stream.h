// The detector under way: rows in, one after the other, scores out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/nn/next_value.h"
#include "carousel/nn/stream.h"
#include "carousel/tasks/detect_config.h"
#include "carousel/tasks/detect_signals.h"

namespace carousel::tasks {

/// The networks of a detector, ready for single steps.
struct DetectNetworks {
  std::shared_ptr<const nn::StreamModel> next;  ///< null: not needed
  nn::SequenceAutoencoder* again = nullptr;     ///< null: not needed
};

/// What a value looks like, before it is decided whether that is an alarm. All but `expected` in units of their usual
/// size, not negative.
struct Signals {
  double expected = 0;        ///< the value that was forecast; the value itself at the first row
  double forecast = 0;        ///< distance from it
  double reconstruction = 0;  ///< how badly the autoencoder tells it again
  double level = 0;           ///< distance from the mean so far
  double error = 0;           ///< distance from the expected value, at most 4, in units of differences so far
  double step = 0;            ///< the same from the value before

  double of(const std::string& score) const;
};

/// One series, value by value. A copy goes its own way from where the original is.
class SeriesDetector {
 public:
  SeriesDetector(const DetectOptions& options, DetectNetworks networks, int64_t period);

  Signals read(double value);
  int64_t rows() const { return rows_; }
  const SeriesFeatures& features() const { return features_; }
  SeriesDetector(const SeriesDetector& other);
  SeriesDetector& operator=(const SeriesDetector&) = delete;
  SeriesDetector(SeriesDetector&&) noexcept = default;

 private:
  double told_again();

  DetectNetworks networks_;
  SeriesFeatures features_;
  std::unique_ptr<nn::Stream> stream_;
  RunningMoments errors_, told_errors_;
  std::vector<float> window_;  ///< a ring of levels
  double expected_ = 0;
  int64_t rows_ = 0;
};

}  // namespace carousel::tasks
