// Sound from files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace carousel::data {

/// One channel of sound.
struct Audio {
  int64_t sample_rate = 0;     ///< Hz
  std::vector<float> samples;  ///< in [-1, 1] by convention
};

/// True when the ending of the name is one of the formats that are read: wav, flac, ogg, aiff, au.
bool is_audio_name(const std::string& file);

/// Reads a recording; the mean of its channels. Throws DataError when it is none, is damaged, holds samples that are
/// not finite or is longer than `max_seconds`.
Audio read_audio(const std::string& file, double max_seconds = 3600);

/// The same sound at another sampling rate.
Audio resample(const Audio& audio, int64_t sample_rate);

}  // namespace carousel::data
