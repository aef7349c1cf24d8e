// What the products of bf16 share.
#pragma once

#include <bit>
#include <cstdint>

#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/quant/panels.h"

namespace carousel::kernels::quant {

constexpr int64_t kPair = 2;  ///< codes of one output in a 32-bit lane

inline float float_of(uint16_t code) {
  return std::bit_cast<float>(static_cast<uint32_t>(code) << 16);
}

/// The plain product.
void bf16_multiply_plainly(const Product& p);
/// By Highway; the plain one on processors without fused multiply-add.
void bf16_multiply_simd(const Product& p);
/// Highway's name of the instructions that it runs on.
const char* bf16_target();

}  // namespace carousel::kernels::quant
