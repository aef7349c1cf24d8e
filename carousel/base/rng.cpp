#include "carousel/base/rng.h"

#include <cmath>
#include <numbers>

namespace carousel {

std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_low, uint64_t counter_high) {
  constexpr uint32_t kMul0 = 0xD2511F53u, kMul1 = 0xCD9E8D57u, kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  auto k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  auto c0 = static_cast<uint32_t>(counter_low), c1 = static_cast<uint32_t>(counter_low >> 32);
  auto c2 = static_cast<uint32_t>(counter_high), c3 = static_cast<uint32_t>(counter_high >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{kMul0} * c0, p1 = uint64_t{kMul1} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return {c0, c1, c2, c3};
}

uint32_t Rng::next() {
  const uint64_t lane = position_ & 3;
  if (lane == 0) words_ = philox(seed_, position_ >> 2, stream_);
  ++position_;
  return words_[lane];
}

float Rng::uniform() {
  return static_cast<float>(next() >> 8) * 0x1.0p-24f;
}

uint64_t Rng::below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;  // draws past the last whole multiple are thrown away
  for (;;) {
    const uint64_t high = next();
    const uint64_t value = (high << 32) | next();
    if (value < limit) return value % bound;
  }
}

float Rng::normal() {
  const double u = (static_cast<double>(next()) + 1.0) * 0x1.0p-32;  // in (0, 1]: the logarithm stays finite
  const double v = static_cast<double>(next()) * 0x1.0p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a + 0x9E3779B97F4A7C15u * (b + 1);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

uint64_t hash_text(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return hash;
}

}  // namespace carousel
