// Copies of all weights of a model: the best so far, the running average.
#pragma once

#include <string>
#include <vector>

#include "carousel/nn/module.h"
#include "carousel/tensor/archive.h"

namespace carousel::train {

/// A second set of values for a model's parameters. Elements are copied, so handles into the model stay valid.
class WeightCopy {
 public:
  explicit WeightCopy(std::vector<nn::NamedParameter> parameters) : parameters_(std::move(parameters)) {}

  /// True once there are values.
  bool filled() const { return !values_.empty(); }
  /// model -> copy
  void capture();
  /// copy -> model
  void restore();
  /// model <-> copy
  void swap();
  /// copy = decay * copy + (1 - decay) * model (exponential moving average, Polyak & Juditsky 1992).
  void average(double decay);
  /// The values under "<prefix>/<parameter>", sharing storage. An unfilled copy is filled from the model first.
  std::vector<NamedTensor> named(const std::string& prefix);

 private:
  std::vector<nn::NamedParameter> parameters_;
  std::vector<Tensor> values_;
};

}  // namespace carousel::train
