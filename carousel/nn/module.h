// Module: a tree of named parameters.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/base/rng.h"

namespace carousel::nn {

struct NamedParameter {
  std::string name;  ///< PyTorch style, dotted: "encoder.weight_ih_l0"
  Var var;
};

/// Base of layers and models: owns parameters under PyTorch's names; children are members registered by reference.
class Module {
 public:
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// All parameters of this module and its children, in registration order. The order is part of the format of
  /// checkpoints.
  std::vector<NamedParameter> parameters() const;
  /// Number of trainable values.
  int64_t num_parameters() const;

 protected:
  Module() = default;
  /// Registers a trainable tensor.
  Var parameter(std::string name, Tensor value);
  /// Registers a child that lives as long as this module.
  void child(std::string name, Module& module);

 private:
  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
};

}  // namespace carousel::nn
