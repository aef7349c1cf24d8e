// Fused LSTM cell.
#pragma once

#include "carousel/kernels/table.h"

namespace carousel::kernels::simd {

void lstm_forward(const LstmForward<float>& p);
void lstm_backward(const LstmBackward<float>& p);

}  // namespace carousel::kernels::simd
