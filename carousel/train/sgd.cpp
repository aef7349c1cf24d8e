#include <utility>

#include "carousel/base/profile.h"
#include "carousel/base/threads.h"
#include "carousel/train/optimizer.h"

namespace carousel::train {

namespace {

constexpr int64_t kParallelFrom = 16384;  // elements: below, waking threads costs more than the work

class Sgd : public EachParameter<Sgd> {
 public:
  Sgd(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config)
      : EachParameter(std::move(parameters)), config_(config) {
    if (config_.momentum != 0) buffers_ = zeros_like_parameters();
  }

  std::vector<NamedTensor> state() override {
    std::vector<NamedTensor> state;
    append(state, "momentum", buffers_);
    return state;
  }

  template <class T>
  void apply(size_t index, const Update& update) {
    Var& var = parameters_[index].var;
    const int64_t n = var.value().numel();
    const T scale = static_cast<T>(update.grad_scale), rate = static_cast<T>(update.learning_rate);
    const T decay = static_cast<T>(var.value().rank() >= 2 ? config_.weight_decay : 0);
    const T momentum = static_cast<T>(config_.momentum);
    T* w = var.mutable_value().data<T>();
    if (var.has_row_grad() && buffers_.empty() && decay == T(0)) {
      apply_rows(var.row_grad(), rate, scale, w);
      return;
    }
    const T* g = var.grad().data<T>();
    T* buffer = buffers_.empty() ? nullptr : buffers_[index].data<T>();
#pragma omp parallel if (n >= kParallelFrom)
    {
      const FlushDenormals flush;
      const profile::Scope scope(profile::Part::optimizer);
      if (buffer == nullptr) {  // NOLINT(bugprone-branch-clone): the linter sees only the pragmas, which are alike
#pragma omp for simd schedule(static)
        for (int64_t i = 0; i < n; ++i) w[i] -= rate * (scale * g[i] + decay * w[i]);
      } else {
#pragma omp for simd schedule(static)
        for (int64_t i = 0; i < n; ++i) {
          buffer[i] = momentum * buffer[i] + (scale * g[i] + decay * w[i]);
          w[i] -= rate * buffer[i];
        }
      }
    }
  }

 private:
  /// Where the gradient is zero, nothing changes.
  template <class T>
  static void apply_rows(const Var::RowGrad& grad, T rate, T scale, T* w) {
    const int64_t width = grad.tensor.dim(1);
    const T* g = grad.tensor.data<T>();
    const auto count = static_cast<int64_t>(grad.rows.size());
#pragma omp parallel if (count * width >= kParallelFrom)
    {
      const FlushDenormals flush;
      const profile::Scope scope(profile::Part::optimizer);
#pragma omp for schedule(static)
      for (int64_t k = 0; k < count; ++k) {
        const int64_t begin = grad.rows[static_cast<size_t>(k)] * width;
        for (int64_t i = begin; i < begin + width; ++i) w[i] -= rate * (scale * g[i]);
      }
    }
  }

  OptimizerConfig config_;
  std::vector<Tensor> buffers_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config) {
  return std::make_unique<Sgd>(std::move(parameters), config);
}

}  // namespace carousel::train
