// Elementwise kernels and row reductions.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

void sigmoid(int64_t n, const float* x, float* y);
void tanh(int64_t n, const float* x, float* y);
void softmax(int64_t n, float* x);
double log_softmax(int64_t n, const float* x, float* y);
RowLoss cross_entropy(const CrossEntropyRow<float>& p);
float dot(int64_t n, const float* x, const float* y);
void axpy(int64_t n, float a, const float* x, float* y);
void add_bias(int64_t m, int64_t n, const float* bias, float* y);
void column_sums(int64_t m, int64_t n, const float* x, int64_t ldx, float* sums, bool accumulate);
void dropout(const Noise& noise, int64_t begin, int64_t end, const float* x, float* y);
void adam(const AdamUpdate<float>& p);

}  // namespace carousel::kernels::simd
