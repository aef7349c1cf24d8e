// What of the features of sound needs no transform.
#include <algorithm>

#include "carousel/data/frames/audio_features.h"

namespace carousel::data {

void AudioFeatures::options(OptionTable& table) {
  table
      .add("features", &features,
           "What is read of a recording: logmel (logarithms of energies in mel bands) or mfcc (cepstra of them).")
      .one_of({"logmel", "mfcc"});
  table
      .add("sample_rate", &sample_rate,
           "Samples a second that recordings are brought to; auto takes that of the first one.")
      .range(100, 1e6)
      .automatic();
  table.add("frame_length", &frame_length, "Milliseconds of a recording that one frame looks at.").range(1, 10000);
  table.add("frame_step", &frame_step, "Milliseconds from one frame of a recording to the next.").range(1, 10000);
  table.add("num_mels", &num_mels, "Mel bands of a frame.").range(1, 512);
  table.add("num_cepstra", &num_cepstra, "Cepstra of a frame, with the zeroth, where features = mfcc.").range(1, 512);
  table.add("deltas", &deltas, "How often the changes of features over time are put behind them.").range(0, 2);
}

std::vector<float> add_deltas(const std::vector<float>& rows, int64_t width, int64_t orders) {
  if (orders == 0) return rows;
  const auto w = static_cast<size_t>(width), all = w * static_cast<size_t>(1 + orders), length = rows.size() / w;
  std::vector<float> out(length * all);
  for (size_t t = 0; t < length; ++t) std::copy_n(rows.data() + t * w, w, out.data() + t * all);
  for (size_t order = 1; order <= static_cast<size_t>(orders); ++order) {
    const size_t from = (order - 1) * w;
    const auto at = [&](int64_t t, size_t c) {
      return out[static_cast<size_t>(std::clamp<int64_t>(t, 0, static_cast<int64_t>(length) - 1)) * all + from + c];
    };
    for (size_t t = 0; t < length; ++t)
      for (size_t c = 0; c < w; ++c) {
        float slope = 0;
        for (int64_t k = 1; k <= 2; ++k) {
          const auto now = static_cast<int64_t>(t);
          slope += static_cast<float>(k) * (at(now + k, c) - at(now - k, c));
        }
        out[t * all + from + w + c] = slope / 10;
      }
  }
  return out;
}

}  // namespace carousel::data
