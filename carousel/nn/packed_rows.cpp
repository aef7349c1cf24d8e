#include "carousel/nn/packed_rows.h"

namespace carousel::nn {

PackedRows::PackedRows(const Tensor& w, const kernels::quant::Format* format) : rows_(w.dim(0)), columns_(w.dim(1)) {
  if (format) {
    multiply_ = kernels::quant::multiply_of(*format);
    packed_ = packed_codes(*format, rows_, columns_, w.data<float>(), 0, columns_);
    return;
  }
  const auto& table = kernels::table<float>();
  gemv_ = table.gemv;
  packed_ = Tensor::empty({table.gemv_size(rows_, columns_)});
  table.gemv_pack(rows_, columns_, w.data<float>(), columns_, packed_.data<float>());
}

PackedRows PackedRows::borrowed(const Var& w, const WeightSlice& slice) {
  PackedRows rows;
  rows.rows_ = slice.rows();
  rows.columns_ = slice.end - slice.begin;
  rows.kept_ = &packed_weight<float>(w, slice);
  return rows;
}

}  // namespace carousel::nn
