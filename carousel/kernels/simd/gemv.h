// Products of a constant matrix with one vector. Specification: kernels/reference/gemv.h.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

int64_t gemv_size(int64_t n, int64_t k);
void gemv_pack(int64_t n, int64_t k, const float* w, int64_t ldw, float* packed);
void gemv(const Gemv<float>& p);

}  // namespace carousel::kernels::simd
