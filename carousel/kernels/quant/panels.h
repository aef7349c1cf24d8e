// The order of packed codes that all number formats share.
#pragma once

#include <algorithm>
#include <cstdint>

namespace carousel::kernels::quant {

/// Outputs of one 64-byte vector of 32-bit lanes, of a full panel, and of a product's row of panels.
constexpr int64_t kVector = 16, kPanel = 8 * kVector;

constexpr int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

/// Outputs of the panel that begins at output j: a multiple of kVector.
constexpr int64_t panel_width(int64_t n, int64_t j) {
  return std::min(kPanel, round_up(n - j, kVector));
}

/// body(j, width): the panels of n outputs in their order.
template <class Body>
void each_panel(int64_t n, Body body) {
  for (int64_t j = 0; j < n; j += kPanel) body(j, panel_width(n, j));
}

/// Copies codes into panels: lane after lane holds `group` codes along k of one output; what is missing is 0.
template <class Code>
void pack_panels(int64_t n, int64_t k, const Code* codes, int64_t ld, int64_t group, Code* to) {
  each_panel(n, [&](int64_t j, int64_t width) {
    for (int64_t l = 0; l < k; l += group)
      for (int64_t i = j; i < j + width; ++i)
        for (int64_t g = l; g < l + group; ++g) *to++ = i < n && g < k ? codes[i * ld + g] : Code{0};
  });
}

}  // namespace carousel::kernels::quant
