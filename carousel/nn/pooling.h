// One vector per sequence from the states of all its steps.
#pragma once

#include <string>
#include <vector>

#include "carousel/nn/context.h"
#include "carousel/nn/module.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

/// last, mean, max, attention.
std::vector<std::string> pooling_names();

/// Mean over the steps of each sequence: y [rows, C] packed -> [B, C] in packed order. Throws ShapeError.
Var pool_mean(Tape* tape, const Packing& packing, const Var& y);
/// Largest value of each column over the steps; of equals the earliest step gets the gradient.
Var pool_max(Tape* tape, const Packing& packing, const Var& y);
/// sum_t a_t y_t with a = softmax over the steps of scores [rows, 1]. `weights` (may be null) receives a [rows, 1].
Var pool_attention(Tape* tape, const Packing& packing, const Var& y, const Var& scores, Tensor* weights);

/// Pooling by name. Attention scores a step by v . tanh(W y_t + b) with a learnt v in place of a query (Yang et al.
/// 2016, "Hierarchical attention networks", eq. 5-7), W [C, C].
class Pooling final : public Module {
 public:
  /// `width` C of the states. Throws ConfigError for an unknown kind, with the nearest name.
  Pooling(const std::string& kind, int64_t width, uint64_t seed);
  const std::string& kind() const { return kind_; }
  /// y [rows, C] packed; `last` [B, C] in packed order, the states after the last step of each direction.
  /// Returns [B, C] in the caller's order. Records "pooling/attention" [rows, 1].
  Var forward(Context& ctx, const Packing& packing, const Var& y, const Var& last);

 private:
  std::string kind_;
  Var weight_, bias_, score_;
};

}  // namespace carousel::nn
