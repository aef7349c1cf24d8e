#include "carousel/nn/init.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/kernels/table.h"

namespace carousel::nn {

namespace {

constexpr int64_t kNotBlank = -1;
thread_local int64_t blank_bytes_left = kNotBlank;

bool blank() {
  return blank_bytes_left != kNotBlank;
}

/// f32 weights: zeros when blank, else still to be drawn.
Tensor new_weights(Shape shape) {
  if (!blank()) return Tensor::empty(std::move(shape));
  const int64_t bytes = shape.numel() * static_cast<int64_t>(sizeof(float));
  if (bytes > blank_bytes_left)
    throw ConfigError(
        fmt::format("[model] the configuration must fit the weights in the file; got one that asks for {} more bytes "
                    "where {} are left. Fetch the file again, or train anew.",
                    bytes, blank_bytes_left));
  blank_bytes_left -= bytes;
  return Tensor::zeros(std::move(shape));
}

}  // namespace

BlankInit::BlankInit(int64_t max_bytes) {
  blank_bytes_left = std::max<int64_t>(max_bytes, 0);
}

BlankInit::~BlankInit() {
  blank_bytes_left = kNotBlank;
}

Tensor normal_init(Shape shape, double deviation, Rng rng) {
  Tensor t = new_weights(std::move(shape));
  if (blank()) return t;
  float* v = t.data<float>();
  for (int64_t i = 0; i < t.numel(); ++i) v[i] = static_cast<float>(deviation) * rng.normal();
  return t;
}

Tensor zeros_init(Shape shape) {
  Tensor t = new_weights(std::move(shape));
  t.fill(0);
  return t;
}

Tensor glorot_init(int64_t fan_out, int64_t fan_in, Rng rng) {
  Tensor t = new_weights({fan_out, fan_in});
  if (blank()) return t;
  const float bound = std::sqrt(6.0f / static_cast<float>(fan_in + fan_out));
  float* v = t.data<float>();
  for (int64_t i = 0; i < t.numel(); ++i) v[i] = bound * (2 * rng.uniform() - 1);
  return t;
}

Tensor gate_init(int64_t blocks, int64_t n, int64_t fan_in, Rng rng) {
  Tensor t = new_weights({blocks * n, fan_in});
  if (blank()) return t;
  const float bound = std::sqrt(6.0f / static_cast<float>(fan_in + n));
  float* v = t.data<float>();
  for (int64_t i = 0; i < t.numel(); ++i) v[i] = bound * (2 * rng.uniform() - 1);
  return t;
}

Tensor orthogonal_init(int64_t blocks, int64_t n, Rng rng) {
  Tensor t = normal_init({blocks * n, n}, 1.0, rng);
  if (blank()) return t;
  // The reference set, whose bits do not depend on the machine: a seed names the same first weights everywhere.
  const auto& k = kernels::table_named("reference");
  for (int64_t b = 0; b < blocks; ++b) {
    float* block = t.data<float>() + b * n * n;
    for (int64_t i = 0; i < n; ++i) {
      float* row = block + i * n;
      for (int64_t j = 0; j < i; ++j) k.axpy(n, -k.dot(n, block + j * n, row), block + j * n, row);
      const float norm = std::sqrt(k.dot(n, row, row));
      for (int64_t c = 0; c < n; ++c) row[c] /= norm;
    }
  }
  return t;
}

}  // namespace carousel::nn
