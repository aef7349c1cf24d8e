// First values of weights.
#pragma once

#include <cstdint>

#include "carousel/base/rng.h"
#include "carousel/tensor/tensor.h"

namespace carousel::nn {

Tensor zeros_init(Shape shape);
/// Normal with the given standard deviation.
Tensor normal_init(Shape shape, double deviation, Rng rng);
/// Uniform in +-sqrt(6 / (fan_in + fan_out)) for a weight [fan_out, fan_in] (Glorot & Bengio 2010).
Tensor glorot_init(int64_t fan_out, int64_t fan_in, Rng rng);
/// `blocks` square blocks of size n one under the other, [blocks * n, n], each with orthonormal rows (Saxe et al.
/// 2014).
Tensor orthogonal_init(int64_t blocks, int64_t n, Rng rng);
/// `blocks` Glorot blocks [n, fan_in] one under the other: each gate gets its own scale.
Tensor gate_init(int64_t blocks, int64_t n, int64_t fan_in, Rng rng);

/// While it lives, the functions above give zeros on this thread: a model is being built whose weights come from a
/// file. Drawing numbers would be lost work (an orthogonal block costs n^3), and a configuration that asks for far more
/// memory than the file's weights take is refused before it is allocated. Does not nest.
class BlankInit {
 public:
  /// All blank weights together may take `max_bytes`; more is a ConfigError.
  explicit BlankInit(int64_t max_bytes);
  ~BlankInit();
  BlankInit(const BlankInit&) = delete;
  BlankInit& operator=(const BlankInit&) = delete;
};

}  // namespace carousel::nn
