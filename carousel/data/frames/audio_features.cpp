#include "carousel/data/frames/audio_features.h"

#include <fmt/format.h>
#include <kiss_fftr.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "carousel/base/error.h"

namespace carousel::data {

namespace {

constexpr double kLowestHertz = 20;
constexpr float kPreEmphasis = 0.97F;
constexpr float kLeastEnergy = 1e-10F;
constexpr int64_t kLeastBins = 512;  ///< of the transform: narrow low bands shall hold a bin

double mel(double hertz) {
  return 1127 * std::log1p(hertz / 700);
}

int64_t samples_of(double milliseconds, int64_t rate) {
  return std::llround(milliseconds * static_cast<double>(rate) / 1000);
}

}  // namespace

struct FeatureMaker::Spectrum {
  explicit Spectrum(int64_t size)
      : plan(kiss_fftr_alloc(static_cast<int>(size), 0, nullptr, nullptr)),
        in(static_cast<size_t>(size)),
        out(static_cast<size_t>(size / 2 + 1)) {
    if (plan == nullptr) throw ResourceError("[audio] a transform needs memory; got none. Close other programs.");
  }
  ~Spectrum() { kiss_fft_free(plan); }
  Spectrum(const Spectrum&) = delete;
  Spectrum& operator=(const Spectrum&) = delete;

  kiss_fftr_cfg plan;
  std::vector<float> in;
  std::vector<kiss_fft_cpx> out;
};

FeatureMaker::FeatureMaker(const AudioFeatures& config)
    : config_(config),
      length_(samples_of(config.frame_length, config.sample_rate)),
      step_(samples_of(config.frame_step, config.sample_rate)) {
  constexpr int64_t kMostSamples = int64_t{1} << 24;
  if (length_ < 2 || step_ < 1 || length_ > kMostSamples)
    throw ConfigError(
        fmt::format("[audio] a frame must hold from 2 to {} samples and lie at least one after the one before; got {} "
                    "and {} at {} Hz. Set frame_length and frame_step, in milliseconds.",
                    kMostSamples, length_, step_, config.sample_rate));
  if (config.features == "mfcc" && config.num_cepstra > config.num_mels)
    throw ConfigError(
        fmt::format("[audio] there are at most as many cepstra as mel bands; got {} and {}. Set num_cepstra or "
                    "num_mels.",
                    config.num_cepstra, config.num_mels));
  int64_t size = kLeastBins;
  while (size < length_) size *= 2;
  spectrum_ = std::make_unique<Spectrum>(size);
  for (int64_t i = 0; i < length_; ++i)
    window_.push_back(static_cast<float>(
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length_ - 1))));
  const double low = mel(kLowestHertz), high = mel(static_cast<double>(config.sample_rate) / 2);
  const double apart = (high - low) / static_cast<double>(config.num_mels + 1);
  for (int64_t m = 0; m < config.num_mels; ++m) {
    const double middle = low + static_cast<double>(m + 1) * apart;
    std::vector<float> weights;
    double sum = 0;
    for (int64_t k = 0; k <= size / 2; ++k) {
      const double at =
          mel(static_cast<double>(k) * static_cast<double>(config.sample_rate) / static_cast<double>(size));
      weights.push_back(static_cast<float>(std::max(0.0, 1 - std::abs(at - middle) / apart)));
      sum += static_cast<double>(weights.back());
    }
    if (sum == 0)
      throw ConfigError(
          fmt::format("[audio] every mel band must hold a frequency of the spectrum; got none in band {} of {} at {} "
                      "Hz. Set a smaller num_mels or a longer frame_length.",
                      m + 1, config.num_mels, config.sample_rate));
    bands_.push_back(std::move(weights));
  }
  if (config.features != "mfcc") return;
  const auto n = static_cast<double>(config.num_mels);
  for (int64_t c = 0; c < config.num_cepstra; ++c) {
    std::vector<float> row;
    for (int64_t m = 0; m < config.num_mels; ++m)
      row.push_back(
          static_cast<float>(std::sqrt((c == 0 ? 1 : 2) / n) *
                             std::cos(std::numbers::pi * static_cast<double>(c) * (static_cast<double>(m) + 0.5) / n)));
    cosines_.push_back(std::move(row));
  }
}

FeatureMaker::~FeatureMaker() = default;

void FeatureMaker::add_frame(const float* samples, int64_t count, std::vector<float>& rows) const {
  std::vector<float>& in = spectrum_->in;
  std::fill(in.begin(), in.end(), 0.0F);
  std::copy_n(samples, count, in.begin());
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(samples[i]);
  const auto mean = static_cast<float>(sum / static_cast<double>(count));
  for (int64_t i = 0; i < count; ++i) in[static_cast<size_t>(i)] -= mean;
  for (int64_t i = length_ - 1; i > 0; --i)
    in[static_cast<size_t>(i)] =
        (in[static_cast<size_t>(i)] - kPreEmphasis * in[static_cast<size_t>(i - 1)]) * window_[static_cast<size_t>(i)];
  in[0] *= (1 - kPreEmphasis) * window_[0];
  kiss_fftr(spectrum_->plan, in.data(), spectrum_->out.data());
  std::vector<float> power;
  for (const kiss_fft_cpx& bin : spectrum_->out) power.push_back(bin.r * bin.r + bin.i * bin.i);
  std::vector<float> energies;
  for (const std::vector<float>& weights : bands_) {
    float energy = 0;
    for (size_t k = 0; k < weights.size(); ++k) energy += weights[k] * power[k];
    energies.push_back(std::log(std::max(energy, kLeastEnergy)));
  }
  if (cosines_.empty()) {
    rows.insert(rows.end(), energies.begin(), energies.end());
    return;
  }
  for (const std::vector<float>& row : cosines_) {
    float value = 0;
    for (size_t m = 0; m < row.size(); ++m) value += row[m] * energies[m];
    rows.push_back(value);
  }
}

std::vector<float> FeatureMaker::make(const std::vector<float>& samples) const {
  const auto count = static_cast<int64_t>(samples.size());
  std::vector<float> rows;
  for (int64_t begin = 0; begin == 0 || begin + length_ - step_ < count; begin += step_) {
    static const float kSilence = 0;
    const int64_t some = std::min(length_, count - begin);
    some > 0 ? add_frame(samples.data() + begin, some, rows) : add_frame(&kSilence, 1, rows);
  }
  return add_deltas(rows, config_.width() / (1 + config_.deltas), config_.deltas);
}

}  // namespace carousel::data
