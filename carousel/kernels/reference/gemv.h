// Plain products of a matrix with one vector.
#pragma once

#include <algorithm>

#include "carousel/kernels/table.h"

namespace carousel::kernels::reference {

template <class T>
int64_t gemv_size(int64_t n, int64_t k) {
  return n * k;
}

template <class T>
void gemv_pack(int64_t n, int64_t k, const T* w, int64_t ldw, T* packed) {
  for (int64_t i = 0; i < n; ++i) std::copy_n(w + i * ldw, k, packed + i * k);
}

template <class T>
void gemv(const Gemv<T>& p) {
  for (int64_t r = 0; r < p.m; ++r)
    for (int64_t i = 0; i < p.n; ++i) {
      T sum = 0;
      for (int64_t l = 0; l < p.k; ++l) sum += p.packed[i * p.k + l] * p.x[r * p.k + l];
      T& y = p.y[r * p.n + i];
      y = p.accumulate ? y + sum : sum;
    }
}

}  // namespace carousel::kernels::reference
