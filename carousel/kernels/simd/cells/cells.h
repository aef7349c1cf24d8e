// Fused recurrent cells. Specification: kernels/reference/cells.h.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

void lstm_forward(const CellForward<float>& p);
void lstm_backward(const CellBackward<float>& p);
/// What the two above call when there are peepholes.
void peephole_lstm_forward(const CellForward<float>& p);
void peephole_lstm_backward(const CellBackward<float>& p);
void rnn_forward(const CellForward<float>& p);
void rnn_backward(const CellBackward<float>& p);
void min_gru_forward(const CellForward<float>& p);
void min_gru_backward(const CellBackward<float>& p);
void gru_after_forward(const CellForward<float>& p);
void gru_after_backward(const CellBackward<float>& p);
void gru_before_reset_forward(const CellForward<float>& p);
void gru_before_reset_backward(const CellBackward<float>& p);
void gru_before_output_forward(const CellForward<float>& p);
void gru_before_output_backward(const CellBackward<float>& p);

}  // namespace carousel::kernels::simd
