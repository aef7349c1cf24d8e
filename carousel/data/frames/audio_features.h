// Features of sound: log energies in mel bands or cepstra of them, with their changes over time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/base/options.h"

namespace carousel::data {

struct AudioFeatures {
  std::string features = "logmel";  ///< logmel | mfcc
  int64_t sample_rate = 0;          ///< Hz that recordings are resampled to; 0: that of the first one
  double frame_length = 25;         ///< milliseconds that one frame looks at
  double frame_step = 10;           ///< milliseconds from one frame to the next
  int64_t num_mels = 40;            ///< bands
  int64_t num_cepstra = 13;         ///< of mfcc, with the zeroth
  int64_t deltas = 1;               ///< how often changes over time are added: 0, 1 or 2

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);
  /// Numbers in a frame.
  int64_t width() const { return (features == "mfcc" ? num_cepstra : num_mels) * (1 + deltas); }
};

/// Makes features of recordings of one sampling rate. The steps, as HTK (Young et al. 2006, "The HTK Book", ch. 5) has
/// them: frames of frame_length every frame_step (a shorter recording, and the rest of one, is filled up with zeros),
/// less their mean; pre-emphasis x_t - 0.97 x_{t-1}; Hann window; power spectrum; sums over triangles that are even on
/// the mel scale 1127 ln(1 + f / 700) between 20 Hz and half the sampling rate; logarithm of at least 1e-10. mfcc:
/// orthonormal discrete cosine transform (type II) of these. deltas: slopes of a straight line through five frames, the
/// first and the last of which repeat beyond the ends, and slopes of the slopes.
class FeatureMaker {
 public:
  /// `config.sample_rate` must be set. Throws ConfigError where frames would hold less than two samples or bands are
  /// more than the spectrum can tell apart.
  explicit FeatureMaker(const AudioFeatures& config);
  ~FeatureMaker();
  FeatureMaker(const FeatureMaker&) = delete;
  FeatureMaker& operator=(const FeatureMaker&) = delete;

  /// [frames, width] of samples in [-1, 1]; at least one frame.
  std::vector<float> make(const std::vector<float>& samples) const;
  int64_t width() const { return config_.width(); }

 private:
  struct Spectrum;
  void add_frame(const float* samples, int64_t count, std::vector<float>& rows) const;

  AudioFeatures config_;
  int64_t length_ = 0, step_ = 0;
  std::vector<float> window_;
  std::vector<std::vector<float>> bands_;  ///< weights of the spectrum's bins
  std::vector<std::vector<float>> cosines_;
  std::unique_ptr<Spectrum> spectrum_;
};

/// rows [length, width] with slopes, and slopes of slopes up to `orders`, behind: [length, width * (1 + orders)].
std::vector<float> add_deltas(const std::vector<float>& rows, int64_t width, int64_t orders);

}  // namespace carousel::data
