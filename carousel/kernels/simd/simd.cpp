#include "carousel/kernels/simd/simd.h"

#include "carousel/kernels/rounded_products.h"
#include "carousel/kernels/simd/additive.h"
#include "carousel/kernels/simd/cells/cells.h"
#include "carousel/kernels/simd/gemv.h"
#include "carousel/kernels/simd/pointwise.h"
#include "carousel/kernels/simd/product.h"
#include "carousel/kernels/simd/rounding.h"

namespace carousel::kernels::simd {

void fill(Table<float>& table) {
  table.gemm = gemm;
  table.pack = pack;
  using Rounded = RoundedProducts<gemm, pack, round_to_bf16>;
  table.gemm_bf16 = Rounded::gemm;
  table.pack_bf16 = Rounded::pack;
  table.gemv_size = gemv_size;
  table.gemv_pack = gemv_pack;
  table.gemv = gemv;
  table.lstm_forward = lstm_forward;
  table.lstm_backward = lstm_backward;
  table.rnn_forward = rnn_forward;
  table.rnn_backward = rnn_backward;
  table.min_gru_forward = min_gru_forward;
  table.min_gru_backward = min_gru_backward;
  table.gru_after_forward = gru_after_forward;
  table.gru_after_backward = gru_after_backward;
  table.gru_before_reset_forward = gru_before_reset_forward;
  table.gru_before_reset_backward = gru_before_reset_backward;
  table.gru_before_output_forward = gru_before_output_forward;
  table.gru_before_output_backward = gru_before_output_backward;
  table.additive_forward = additive_forward;
  table.additive_backward = additive_backward;
  table.sigmoid = sigmoid;
  table.tanh = tanh;
  table.softmax = softmax;
  table.log_softmax = log_softmax;
  table.cross_entropy = cross_entropy;
  table.dot = dot;
  table.axpy = axpy;
  table.add_bias = add_bias;
  table.column_sums = column_sums;
  table.dropout = dropout;
  table.adam = adam;
}

}  // namespace carousel::kernels::simd
