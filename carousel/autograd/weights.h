// Packed forms of weights, made when first needed and renewed when the weight has changed.
#pragma once

#include "carousel/autograd/tape.h"
#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/table.h"

namespace carousel {

/// Which part of a weight [rows, columns] is packed, and how it stands in the product.
struct WeightSlice {
  bool transposed = false;  ///< right-hand matrix is the slice's transpose: x W^T, the forward of a linear layer
  int64_t begin = 0;        ///< first column
  int64_t end = -1;         ///< past the last column; -1: all
  int64_t row_begin = 0;    ///< first row
  int64_t row_end = -1;     ///< past the last row; -1: all
  /// Of these rows, taken as blocks of so many (a gate each), only the rows [unit_begin, unit_end) of every block; 0:
  /// all rows.
  int64_t block = 0, unit_begin = 0, unit_end = 0;

  /// Rows that are taken, of decided ends.
  int64_t rows() const {
    return block > 0 ? (row_end - row_begin) / block * (unit_end - unit_begin) : row_end - row_begin;
  }
  friend bool operator==(const WeightSlice&, const WeightSlice&) = default;
};

/// Columns [begin, end) of a weight w [rows, columns] in a number format, packed for its products. Scales belong to
/// whole rows, whatever part of them is taken.
Tensor packed_codes(const kernels::quant::Format& format, int64_t rows, int64_t columns, const float* w, int64_t begin,
                    int64_t end);

/// The packed slice of `weight`; of a weight in a number format that multiplies batches, the forward products run in
/// it (kernels/quant), all others with the decoded values. Valid until the weight changes or another kernel set is
/// chosen. Not thread-safe: call it before a parallel region.
template <class T>
const kernels::Packed<T>& packed_weight(const Var& weight, WeightSlice slice);

}  // namespace carousel
