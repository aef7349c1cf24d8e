// Models with their weights in a number format, as they come from a quantized file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "carousel/kernels/quant/format.h"
#include "carousel/nn/module.h"

namespace carousel::nn::testing {

/// Rounds all matrices of a model and marks them.
inline void put_in_format(const Module& model, const std::string& name) {
  const kernels::quant::Format& format = kernels::quant::format_named(name);
  for (const NamedParameter& p : model.parameters()) {
    if (p.var.value().rank() != 2) continue;
    Tensor& w = p.var.mutable_value();
    const int64_t rows = w.dim(0), columns = w.dim(1);
    std::vector<std::byte> codes(static_cast<size_t>(rows * columns * format.code_bytes));
    std::vector<float> scales(static_cast<size_t>(rows));
    format.encode(rows, columns, w.data<float>(), codes.data(), scales.data());
    format.decode(rows, columns, codes.data(), scales.data(), w.data<float>());
    p.var.set_format(&format);
  }
}

}  // namespace carousel::nn::testing
