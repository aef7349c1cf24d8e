#include "carousel/engine/number_format.h"

#include <fmt/format.h>

#include <utility>

#include "carousel/base/error.h"

namespace carousel::engine {

namespace {

using kernels::quant::Format;

constexpr const char* kScaleSuffix = "_scale";
constexpr int64_t kFewestColumns = 8;

DType dtype_of_codes(const Format& format) {
  return format.code_bytes == 1 ? DType::i8 : DType::bf16;
}

bool suits(const Tensor& tensor, const Format& format) {
  return tensor.dtype() == DType::f32 && tensor.rank() == 2 && tensor.dim(0) > 0 && tensor.dim(1) >= kFewestColumns &&
         tensor.dim(1) <= format.max_columns;
}

[[noreturn]] void refuse(const std::string& file, const std::string& name, const std::string& rule,
                         const std::string& got) {
  throw FormatError(
      file, -1, fmt::format("[model] tensor {} {}; got {}. Fetch the file again, or quantize anew.", name, rule, got));
}

}  // namespace

const Format* format_of(DType dtype) {
  for (const Format* format : kernels::quant::formats())
    if (dtype == dtype_of_codes(*format)) return format;
  return nullptr;
}

const Format* format_of(const Archive& archive) {
  for (const NamedTensor& t : archive.tensors)
    if (const Format* format = format_of(t.tensor.dtype())) return format;
  return nullptr;
}

Quantized quantize_weights(const Archive& archive, const Format& format) {
  Quantized result;
  result.archive.metadata = archive.metadata;
  for (const NamedTensor& t : archive.tensors) {
    if (!suits(t.tensor, format)) {
      result.archive.tensors.push_back(t);
      ++result.left;
      continue;
    }
    const int64_t rows = t.tensor.dim(0), columns = t.tensor.dim(1);
    Tensor codes = Tensor::empty(t.tensor.shape(), dtype_of_codes(format)), scales = Tensor::empty({rows});
    format.encode(rows, columns, t.tensor.data<float>(), codes.raw(), scales.data<float>());
    result.archive.tensors.push_back({t.name, codes});
    if (format.scaled) result.archive.tensors.push_back({t.name + kScaleSuffix, scales});
    ++result.matrices;
    result.values += codes.numel();
  }
  return result;
}

void restore_weight(nn::NamedParameter& parameter, const Tensor& saved, const Archive& archive, const std::string& file,
                    std::set<std::string>& read) {
  const Format& format = *format_of(saved.dtype());
  Tensor& value = parameter.var.mutable_value();
  if (value.dtype() != DType::f32 || value.rank() != 2 || saved.shape() != value.shape() ||
      saved.dim(1) > format.max_columns)
    refuse(file, parameter.name, fmt::format("must be {} {}", name_of(value.dtype()), value.shape().str()),
           fmt::format("{} {}", name_of(saved.dtype()), saved.shape().str()));
  const int64_t rows = saved.dim(0);
  const float* scales = nullptr;
  if (format.scaled) {
    const std::string name = parameter.name + kScaleSuffix;
    const Tensor* found = archive.find(name);
    if (!found || found->dtype() != DType::f32 || found->shape() != Shape{rows})
      refuse(file, name, fmt::format("must be f32 [{}]", rows),
             found ? fmt::format("{} {}", name_of(found->dtype()), found->shape().str()) : "none of that name");
    scales = found->data<float>();
    read.insert(name);
  }
  if (!format.sound(rows, saved.dim(1), saved.raw(), scales))
    refuse(file, parameter.name, fmt::format("must hold sound {} codes and scales", format.name),
           "values that are never written");
  format.decode(rows, saved.dim(1), saved.raw(), scales, value.data<float>());
  parameter.var.set_format(&format);
}

}  // namespace carousel::engine
