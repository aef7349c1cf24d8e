// Features of sound against a plain transform in double.
#include "carousel/data/frames/audio_features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"

namespace carousel::data {
namespace audio_features_test {

using std::numbers::pi;

double mel(double f) {
  return 1127 * std::log(1 + f / 700);
}

/// Rows of log energies by the definition: every sum written out.
std::vector<std::vector<double>> plain_logmel(const std::vector<float>& samples, const AudioFeatures& c) {
  const auto rate = static_cast<double>(c.sample_rate);
  const auto length = static_cast<int64_t>(std::llround(c.frame_length * rate / 1000)),
             step = static_cast<int64_t>(std::llround(c.frame_step * rate / 1000));
  int64_t size = 512;
  while (size < length) size *= 2;
  std::vector<std::vector<double>> rows;
  for (int64_t begin = 0; begin == 0 || begin + length - step < static_cast<int64_t>(samples.size()); begin += step) {
    std::vector<double> x(static_cast<size_t>(size), 0.0);
    const int64_t some = std::min(length, static_cast<int64_t>(samples.size()) - begin);
    double mean = 0;
    for (int64_t i = 0; i < some; ++i) mean += samples[static_cast<size_t>(begin + i)] / static_cast<double>(some);
    for (int64_t i = 0; i < some; ++i) x[static_cast<size_t>(i)] = samples[static_cast<size_t>(begin + i)] - mean;
    std::vector<double> y(x.size(), 0.0);
    for (int64_t i = 0; i < length; ++i) {
      const double before = x[static_cast<size_t>(i > 0 ? i - 1 : 0)];
      const double hann = 0.5 - 0.5 * std::cos(2 * pi * static_cast<double>(i) / static_cast<double>(length - 1));
      y[static_cast<size_t>(i)] = (x[static_cast<size_t>(i)] - 0.97 * before) * hann;
    }
    std::vector<double> row;
    const double low = mel(20), apart = (mel(rate / 2) - low) / static_cast<double>(c.num_mels + 1);
    std::vector<double> power;
    for (int64_t k = 0; k <= size / 2; ++k) {
      std::complex<double> sum;
      for (int64_t i = 0; i < length; ++i)
        sum += y[static_cast<size_t>(i)] *
               std::polar(1.0, -2 * pi * static_cast<double>(k * i % size) / static_cast<double>(size));
      power.push_back(std::norm(sum));
    }
    for (int64_t m = 1; m <= c.num_mels; ++m) {
      double energy = 0;
      for (int64_t k = 0; k <= size / 2; ++k) {
        const double at = mel(static_cast<double>(k) * rate / static_cast<double>(size));
        energy += std::max(0.0, 1 - std::abs(at - low - static_cast<double>(m) * apart) / apart) *
                  power[static_cast<size_t>(k)];
      }
      row.push_back(std::log(std::max(energy, 1e-10)));
    }
    rows.push_back(row);
  }
  return rows;
}

std::vector<float> sound(int64_t count) {
  Rng rng(1, 0);
  std::vector<float> samples;
  for (int64_t i = 0; i < count; ++i)
    samples.push_back(0.3F * std::sin(0.2F * static_cast<float>(i)) + 0.05F * rng.normal() + 0.1F);
  return samples;
}

AudioFeatures config_of(const std::string& features, int64_t deltas) {
  AudioFeatures c;
  c.features = features;
  c.sample_rate = 8000;
  c.num_mels = 20;
  c.deltas = deltas;
  return c;
}

TEST(AudioFeatures, LogMelIsThatOfAPlainTransformInDouble) {
  for (const int64_t count : {1, 100, 200, 201, 1000}) {
    for (const int64_t rate : {8000, 16000, 48000}) {
      AudioFeatures c = config_of("logmel", 0);
      c.sample_rate = rate;
      const std::vector<float> samples = sound(count);
      const std::vector<float> got = FeatureMaker(c).make(samples);
      const auto wanted = plain_logmel(samples, c);
      ASSERT_EQ(got.size(), wanted.size() * 20) << count;
      for (size_t t = 0; t < wanted.size(); ++t)
        for (size_t m = 0; m < 20; ++m) EXPECT_NEAR(got[t * 20 + m], wanted[t][m], 2e-3) << count << " " << rate;
    }
  }
}

TEST(AudioFeatures, EverySampleLiesInAFrameAndFramesLieAStepApart) {
  const FeatureMaker maker(config_of("logmel", 0));  // frames of 200 samples every 80
  for (const auto& [samples, frames] :
       std::vector<std::pair<int64_t, size_t>>{{1, 1}, {120, 1}, {200, 1}, {201, 2}, {280, 2}, {281, 3}, {8000, 99}})
    EXPECT_EQ(maker.make(sound(samples)).size(), frames * 20) << samples;
}

TEST(AudioFeatures, CepstraAreTheCosineTransformOfLogMel) {
  AudioFeatures c = config_of("mfcc", 0);
  c.num_cepstra = 13;
  const std::vector<float> samples = sound(700), got = FeatureMaker(c).make(samples);
  const auto mels = plain_logmel(samples, c);
  ASSERT_EQ(got.size(), mels.size() * 13);
  for (size_t t = 0; t < mels.size(); ++t)
    for (size_t k = 0; k < 13; ++k) {
      double sum = 0;
      for (size_t m = 0; m < 20; ++m)
        sum += mels[t][m] * std::cos(pi * static_cast<double>(k) * (static_cast<double>(m) + 0.5) / 20);
      EXPECT_NEAR(got[t * 13 + k], sum * std::sqrt((k == 0 ? 1.0 : 2.0) / 20), 5e-3);
    }
}

TEST(AudioFeatures, DeltasAreSlopesOfALineThroughFiveFrames) {
  // Of a parabola the least-squares slope over five even points is its derivative.
  std::vector<float> rows;
  for (int t = 0; t < 9; ++t) rows.push_back(static_cast<float>(t * t));
  const std::vector<float> got = add_deltas(rows, 1, 2);
  ASSERT_EQ(got.size(), 27u);
  for (size_t t = 2; t < 7; ++t) EXPECT_FLOAT_EQ(got[3 * t + 1], 2 * static_cast<float>(t));
  EXPECT_FLOAT_EQ(got[3 * 4 + 2], 2);
  EXPECT_FLOAT_EQ(got[1], (1.0F * (1 - 0) + 2.0F * (4 - 0)) / 10) << "the first frame repeats before itself";
  EXPECT_EQ(add_deltas(rows, 1, 0), rows);
}

TEST(AudioFeatures, RefusesFramesAndBandsThatCannotBe) {
  const auto text_of = [](AudioFeatures c) -> std::string {
    try {
      const FeatureMaker maker(c);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  AudioFeatures c = config_of("logmel", 0);
  c.sample_rate = 100;
  c.frame_length = 10;
  EXPECT_EQ(text_of(c),
            "[audio] a frame must hold from 2 to 16777216 samples and lie at least one after the one before; got 1 and "
            "1 at 100 Hz. Set frame_length and frame_step, in milliseconds.");
  c = config_of("mfcc", 0);
  c.num_cepstra = 21;
  EXPECT_EQ(text_of(c),
            "[audio] there are at most as many cepstra as mel bands; got 21 and 20. Set num_cepstra or num_mels.");
  c = config_of("logmel", 0);
  c.num_mels = 400;
  EXPECT_EQ(text_of(c),
            "[audio] every mel band must hold a frequency of the spectrum; got none in band 1 of 400 at 8000 Hz. Set a "
            "smaller num_mels or a longer frame_length.");
}

}  // namespace audio_features_test
}  // namespace carousel::data
