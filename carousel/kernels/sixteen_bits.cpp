#include "carousel/kernels/sixteen_bits.h"

#include <algorithm>

#include "carousel/kernels/reference/rounding.h"

namespace carousel::kernels {

namespace {

constexpr float kUnit = 65535, kSymmetric = 32767;

// Comparisons that NaN fails: it must not be turned into an integer.
uint16_t unit_of(float x) {
  const float inside = x > 0 ? (x < 1 ? x : 1.0f) : 0.0f;
  const float raised = inside * kUnit + 0.5f;  // truncation then rounds to the nearest
  return static_cast<uint16_t>(static_cast<int32_t>(raised));
}

uint16_t symmetric_of(float x) {
  const float inside = x > -1 ? (x < 1 ? x : 1.0f) : -1.0f;
  const float raised = (inside + 1) * kSymmetric + 0.5f;
  return static_cast<uint16_t>(static_cast<int32_t>(raised));
}

}  // namespace

void to_16_bits(Range16 range, int64_t n, const float* x, uint16_t* y) {
  switch (range) {
    case Range16::unit:
      std::transform(x, x + n, y, unit_of);
      return;
    case Range16::symmetric:
      std::transform(x, x + n, y, symmetric_of);
      return;
    case Range16::unbounded:
      std::transform(x, x + n, y, reference::bf16_of);
      return;
  }
}

void from_16_bits(Range16 range, int64_t n, const uint16_t* x, float* y) {
  switch (range) {
    case Range16::unit:
      std::transform(x, x + n, y, [](uint16_t code) { return static_cast<float>(code) * (1 / kUnit); });
      return;
    case Range16::symmetric:
      std::transform(x, x + n, y,
                     [](uint16_t code) { return static_cast<float>(static_cast<int32_t>(code) - 32767) / kSymmetric; });
      return;
    case Range16::unbounded:
      std::transform(x, x + n, y, reference::f32_of);
      return;
  }
}

}  // namespace carousel::kernels
