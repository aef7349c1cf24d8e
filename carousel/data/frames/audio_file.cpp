#include "carousel/data/frames/audio_file.h"

#include <fmt/format.h>
#include <samplerate.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "carousel/base/error.h"

namespace carousel::data {

namespace {

constexpr int64_t kBlock = 16384;  ///< frames read at once
constexpr int64_t kMostRate = 1000000;
constexpr int kMostChannels = 64;

struct Close {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

[[noreturn]] void refuse(const std::string& file, const std::string& got, const char* remedy) {
  throw DataError(file, 0, 0, fmt::format("[audio] a file must be a recording; got {}. {}", got, remedy));
}

}  // namespace

Audio read_audio(const std::string& file, double max_seconds) {
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, Close> sound(sf_open(file.c_str(), SFM_READ, &info));
  if (!sound) refuse(file, sf_strerror(nullptr), "Check the path, or write it as wav or flac.");
  if (info.samplerate < 1 || info.samplerate > kMostRate || info.channels < 1 || info.channels > kMostChannels)
    refuse(file, fmt::format("{} channels at {} Hz", info.channels, info.samplerate), "Check the file.");
  Audio audio;
  audio.sample_rate = info.samplerate;
  // What the header says of the length is not trusted.
  const auto most = static_cast<size_t>(max_seconds * static_cast<double>(info.samplerate));
  const auto channels = static_cast<size_t>(info.channels);
  std::vector<float> block(static_cast<size_t>(kBlock) * channels);
  for (sf_count_t got = 0; (got = sf_readf_float(sound.get(), block.data(), kBlock)) > 0;) {
    for (size_t t = 0; t < static_cast<size_t>(got); ++t) {
      float sum = 0;
      for (size_t c = 0; c < channels; ++c) sum += block[t * channels + c];
      if (!std::isfinite(sum)) refuse(file, "samples that are not finite", "Write it again, in whole numbers.");
      audio.samples.push_back(sum / static_cast<float>(channels));
    }
    if (audio.samples.size() > most)
      refuse(file, fmt::format("more than {} seconds", max_seconds), "Cut it into pieces.");
  }
  if (sf_error(sound.get()) != SF_ERR_NO_ERROR) refuse(file, sf_strerror(sound.get()), "Fetch it again.");
  if (audio.samples.empty()) refuse(file, "no sample", "Take it out of the data.");
  return audio;
}

Audio resample(const Audio& audio, int64_t sample_rate) {
  if (audio.sample_rate == sample_rate) return audio;
  const double ratio = static_cast<double>(sample_rate) / static_cast<double>(audio.sample_rate);
  if (src_is_valid_ratio(ratio) == 0)
    throw ConfigError(
        fmt::format("[audio] sampling rates may differ by a factor of 256; got {} and {} Hz. Set another "
                    "sample_rate.",
                    audio.sample_rate, sample_rate));
  Audio out;
  out.sample_rate = sample_rate;
  out.samples.resize(static_cast<size_t>(std::ceil(static_cast<double>(audio.samples.size()) * ratio)) + 1);
  SRC_DATA data{};
  data.data_in = audio.samples.data();
  data.input_frames = static_cast<int64_t>(audio.samples.size());
  data.data_out = out.samples.data();
  data.output_frames = static_cast<int64_t>(out.samples.size());
  data.src_ratio = ratio;
  if (const int error = src_simple(&data, SRC_SINC_MEDIUM_QUALITY, 1); error != 0)
    throw Error(fmt::format("[audio] resampling from {} to {} Hz must work; got {}. Convert the recordings.",
                            audio.sample_rate, sample_rate, src_strerror(error)));
  out.samples.resize(static_cast<size_t>(std::max<int64_t>(1, data.output_frames_gen)));
  return out;
}

}  // namespace carousel::data
