// Weights of a model file in a number format (kernels/quant): the codes under the weight's name, as BF16 or I8, and
// where the format has scales one f32 for each row under the name with "_scale" behind it.
#pragma once

#include <set>
#include <string>

#include "carousel/kernels/quant/format.h"
#include "carousel/nn/module.h"
#include "carousel/tensor/archive.h"

namespace carousel::engine {

/// The format of which a file stores codes of this dtype, or null.
const kernels::quant::Format* format_of(DType dtype);
/// The format that weights of a file are in, or null when all are f32.
const kernels::quant::Format* format_of(const Archive& archive);

/// What became of the tensors of a file.
struct Quantized {
  Archive archive;
  int64_t matrices = 0;  ///< in the format now
  int64_t values = 0;    ///< of them
  int64_t left = 0;      ///< tensors that stay f32
};
/// Matrices (rank 2) whose rows hold eight values or more, as many as the format can hold, in the format; vectors,
/// biases, gains and narrow matrices stay. The archive's weights are f32 and finite.
Quantized quantize_weights(const Archive& archive, const kernels::quant::Format& format);

/// Decodes `saved`, codes of a file, into a parameter and marks it. Adds what else it read to `read`. Throws
/// FormatError naming the tensor.
void restore_weight(nn::NamedParameter& parameter, const Tensor& saved, const Archive& archive, const std::string& file,
                    std::set<std::string>& read);

}  // namespace carousel::engine
