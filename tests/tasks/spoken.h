// Sequences of frames that say words: each word is a pattern of its own with a pause behind it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "carousel/base/rng.h"
#include "tests/support/array.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks {

inline const std::vector<std::string>& spoken_words() {
  static const std::vector<std::string> words = {"up", "down", "left"};
  return words;
}

struct Spoken {
  std::vector<float> values;  ///< [length, 3]
  std::string text;
};

inline Spoken speak(Rng& rng, uint64_t most_words = 4) {
  Spoken spoken;
  const uint64_t count = 1 + rng.below(most_words);
  for (uint64_t w = 0; w < count; ++w) {
    const uint64_t word = rng.below(3), length = 3 + rng.below(3);
    spoken.text += (w > 0 ? " " : "") + spoken_words()[word];
    for (uint64_t t = 0; t < length + 2; ++t)
      for (uint64_t c = 0; c < 3; ++c)
        spoken.values.push_back((t < length && c == word ? 1.0F : 0.0F) + 0.1F * rng.normal());
  }
  return spoken;
}

/// A list of arrays in `dir`, names beginning with `prefix`; with `speakers` a third column "s0", "s1", ...
inline std::string spoken_list(const testing::TempDir& dir, const std::string& prefix, int64_t count, uint64_t seed,
                               int64_t speakers = 0) {
  Rng rng(seed, 0);
  std::string list;
  for (int64_t i = 0; i < count; ++i) {
    const Spoken spoken = speak(rng);
    const std::string name = fmt::format("{}{}.npy", prefix, i);
    dir.write(name, testing::npy(spoken.values, 3));
    list += name + "\t" + spoken.text + (speakers > 0 ? fmt::format("\ts{}", i % speakers) : "") + "\n";
  }
  return dir.write(prefix + ".tsv", list);
}

}  // namespace carousel::tasks
