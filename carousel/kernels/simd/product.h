// Matrix product of the portable build.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

/// Where a left-hand matrix lies: element (row, l) at a[row * row_stride + l * step].
struct Left {
  const float* a;
  int64_t row_stride, step;
};

void gemm(const Gemm<float>& p);
std::unique_ptr<Packed<float>> pack(bool transposed, int64_t k, int64_t n);

}  // namespace carousel::kernels::simd
