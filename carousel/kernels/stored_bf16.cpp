#include "carousel/kernels/stored_bf16.h"

#include <algorithm>
#include <string_view>

#include "carousel/kernels/reference/rounding.h"
#include "carousel/kernels/simd/rounding.h"
#include "carousel/kernels/table.h"

namespace carousel::kernels {

void to_bf16(int64_t n, const float* x, uint16_t* y) {
  if (std::string_view(table<float>().name) == "reference") {
    std::transform(x, x + n, y, reference::bf16_of);
  } else {
    simd::to_bf16(n, x, y);
  }
}

void from_bf16(int64_t n, const uint16_t* x, float* y) {
  std::transform(x, x + n, y, reference::f32_of);
}

}  // namespace carousel::kernels
