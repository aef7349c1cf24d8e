// Packed forms of weights, made when first needed and renewed when the weight has changed.
#pragma once

#include "carousel/autograd/tape.h"
#include "carousel/kernels/table.h"

namespace carousel {

/// Which part of a weight [rows, columns] is packed, and how it stands in the product.
struct WeightSlice {
  bool transposed = false;  ///< right-hand matrix is the slice's transpose: x W^T, the forward of a linear layer
  int64_t begin = 0;        ///< first column
  int64_t end = -1;         ///< past the last column; -1: all
  int64_t row_begin = 0;    ///< first row
  int64_t row_end = -1;     ///< past the last row; -1: all
  friend bool operator==(const WeightSlice&, const WeightSlice&) = default;
};

/// The packed slice of `weight`. Valid until the weight changes or another kernel set is chosen. Not thread-safe: call
/// it before a parallel region.
template <class T>
const kernels::Packed<T>& packed_weight(const Var& weight, WeightSlice slice);

}  // namespace carousel
