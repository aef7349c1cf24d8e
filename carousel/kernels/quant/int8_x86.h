// Products of int8 by the vector instructions of x86-64; Highway 1.0 has none of them.
#pragma once

#include "carousel/kernels/quant/format.h"

namespace carousel::kernels::quant {

#if defined(__x86_64__)
void int8_multiply_avx512vnni(const Product& p);
void int8_multiply_avx2(const Product& p);
#endif

}  // namespace carousel::kernels::quant
