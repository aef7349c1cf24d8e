// Counter-based random numbers: no state to save, so a resumed run and a run on other threads draw the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace carousel {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
/// Returns four independent 32-bit words for a 64-bit key and a 128-bit counter.
std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_low, uint64_t counter_high);

/// A stream of random numbers named by (seed, stream). Element i of a stream is a pure function of (seed, stream, i).
class Rng {
 public:
  Rng(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

  /// The next 32 random bits.
  uint32_t next();
  /// Uniform in [0, 1), 24 random bits.
  float uniform();
  /// Uniform integer in [0, bound), bound >= 1, without modulo bias.
  uint64_t below(uint64_t bound);
  /// Standard normal (Box-Muller).
  float normal();

  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t position_ = 0;
  std::array<uint32_t, 4> words_{};
};

/// Mixes values into one well-spread 64-bit number (splitmix64 finaliser); names streams by (epoch, purpose) and the
/// like.
uint64_t mix(uint64_t a, uint64_t b);

/// FNV-1a, 64 bits. Weak where texts are short: mix() it.
uint64_t hash_text(std::string_view text);

}  // namespace carousel
