// Optimizers: one pass over each parameter, its gradient and its moments. The registry is in optimizer.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "carousel/nn/module.h"
#include "carousel/tensor/archive.h"

namespace carousel::train {

struct OptimizerConfig {
  double weight_decay = 0;  ///< on matrices only: biases and gains (rank below 2) are left alone
  double momentum = 0;      ///< sgd
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8;  ///< adam, adamw
};

/// What one step needs to know.
struct Update {
  double learning_rate = 0;
  double grad_scale = 1;  ///< gradients are multiplied by it first (clipping)
  int64_t step = 1;       ///< counts from 1, for the bias correction
};

/// Changes parameters by their gradients. Parameters (f32 or f64) without a gradient are left alone. Elementwise, so
/// the result does not depend on the number of threads.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  virtual void step(const Update& update) = 0;
  /// The moments, under names "<moment>/<parameter>", sharing storage: write them before the next step, or overwrite
  /// their elements to continue a run. Moments exist, as zeros, from the start.
  virtual std::vector<NamedTensor> state() = 0;

 protected:
  explicit Optimizer(std::vector<nn::NamedParameter> parameters) : parameters_(std::move(parameters)) {}
  /// One zero tensor like each parameter.
  std::vector<Tensor> zeros_like_parameters() const;
  /// Appends one moment of all parameters to `state`.
  void append(std::vector<NamedTensor>& state, const std::string& moment, const std::vector<Tensor>& tensors) const;

  std::vector<nn::NamedParameter> parameters_;
};

/// The walk over the parameters that all rules share. `Rule` has `template <class T> void apply(size_t index, const
/// Update&)`, which changes parameter `index`.
template <class Rule>
class EachParameter : public Optimizer {
 public:
  void step(const Update& update) final {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].var.has_grad()) continue;
      Rule& rule = static_cast<Rule&>(*this);
      if (parameters_[i].var.value().dtype() == DType::f64) {
        rule.template apply<double>(i, update);
      } else {
        rule.template apply<float>(i, update);
      }
    }
  }

 protected:
  using Optimizer::Optimizer;
};

/// Kinds of optimizers, in the order of the registry.
std::vector<std::string> optimizer_names();
/// An optimizer by name; ConfigError with the known names otherwise.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<nn::NamedParameter> parameters,
                                          const OptimizerConfig& config);

/// Adam (Kingma & Ba 2015); weight decay is added to the gradient.
std::unique_ptr<Optimizer> make_adam(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config);
/// AdamW (Loshchilov & Hutter 2019); weight decay shrinks the weights by learning_rate * weight_decay.
std::unique_ptr<Optimizer> make_adamw(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config);
/// Stochastic gradient descent with momentum as PyTorch defines it: buffer = momentum * buffer + gradient;
/// w -= learning_rate * buffer. Weight decay is added to the gradient.
std::unique_ptr<Optimizer> make_sgd(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config);

}  // namespace carousel::train
