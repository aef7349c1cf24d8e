// Small recordings for tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

namespace carousel::testing {

/// Bytes of a wav file with one channel: a tone of `hertz`, in 16-bit integers or, for `bits` 32, in floats.
inline std::string wav(int rate, int samples, int bits = 16, double hertz = 440) {
  std::string data;
  for (int i = 0; i < samples; ++i) {
    const double value = 0.5 * std::sin(2 * 3.141592653589793 * hertz * i / rate);
    char bytes[4];
    if (bits == 32) {
      const auto number = static_cast<float>(value);
      std::memcpy(bytes, &number, 4);
    } else {
      const auto number = static_cast<int16_t>(std::lround(value * 32767));
      std::memcpy(bytes, &number, 2);
    }
    data.append(bytes, static_cast<size_t>(bits / 8));
  }
  const auto number = [](int64_t value, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
  };
  const auto size = static_cast<int64_t>(data.size());
  return "RIFF" + number(36 + size, 4) + "WAVEfmt " + number(16, 4) + number(bits == 32 ? 3 : 1, 2) + number(1, 2) +
         number(rate, 4) + number(int64_t{rate} * bits / 8, 4) + number(bits / 8, 2) + number(bits, 2) + "data" +
         number(size, 4) + data;
}

}  // namespace carousel::testing
