// Adam and AdamW. The arithmetic is in the kernel table; here are the moments, the bias correction and the threads.
#include <algorithm>
#include <cmath>
#include <utility>

#include "carousel/base/threads.h"
#include "carousel/kernels/table.h"
#include "carousel/train/optimizer.h"

namespace carousel::train {

namespace {

constexpr int64_t kUpdated = 8192;  // elements per call: four arrays of it stay in the second-level cache

class Adam : public EachParameter<Adam> {
 public:
  Adam(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config, bool decoupled)
      : EachParameter(std::move(parameters)), config_(config), decoupled_(decoupled) {
    mean_ = zeros_like_parameters();
    square_ = zeros_like_parameters();
  }

  std::vector<NamedTensor> state() override {
    std::vector<NamedTensor> state;
    append(state, "exp_avg", mean_);
    append(state, "exp_avg_sq", square_);
    return state;
  }

  template <class T>
  void apply(size_t index, const Update& update) {
    Var& var = parameters_[index].var;
    const auto t = static_cast<double>(update.step);
    const double decay = var.value().rank() >= 2 ? config_.weight_decay : 0;
    kernels::AdamUpdate<T> all;
    all.w = var.mutable_value().data<T>();
    all.m = mean_[index].data<T>();
    all.v = square_[index].data<T>();
    all.grad_scale = update.grad_scale;
    all.step_size = update.learning_rate / (1 - std::pow(config_.beta1, t));
    all.v_scale = 1 / (1 - std::pow(config_.beta2, t));
    all.beta1 = config_.beta1;
    all.beta2 = config_.beta2;
    all.epsilon = config_.epsilon;
    all.decay = decoupled_ ? update.learning_rate * decay : 0;
    all.l2 = decoupled_ ? 0 : decay;
    if (var.has_row_grad()) {
      apply_rows(all, var.row_grad());
      return;
    }
    all.g = var.grad().data<T>();
    const int64_t n = var.value().numel(), pieces = (n + kUpdated - 1) / kUpdated;
    const auto& table = kernels::table<T>();
#pragma omp parallel if (pieces > 1)
    {
      const FlushDenormals flush;  // moments of rarely used rows decay towards zero
#pragma omp for schedule(static)
      for (int64_t piece = 0; piece < pieces; ++piece) {
        const int64_t begin = piece * kUpdated;
        table.adam(part_of(all, begin, std::min(kUpdated, n - begin)));
      }
    }
  }

 private:
  /// Elements [begin, begin + n).
  template <class T>
  static kernels::AdamUpdate<T> part_of(kernels::AdamUpdate<T> all, int64_t begin, int64_t n) {
    all.n = n;
    all.w += begin;
    all.m += begin;
    all.v += begin;
    if (all.g) all.g += begin;
    return all;
  }

  /// Rows without a gradient move on by their moments: what comes out is what the whole gradient, zeros and all, would
  /// have made.
  template <class T>
  static void apply_rows(const kernels::AdamUpdate<T>& all, const Var::RowGrad& grad) {
    const int64_t width = grad.tensor.dim(1), count = grad.tensor.dim(0);
    const int64_t together = std::max<int64_t>(1, kUpdated / std::max<int64_t>(width, 1)),
                  pieces = (count + together - 1) / together;
    const auto& table = kernels::table<T>();
#pragma omp parallel if (pieces > 1)
    {
      const FlushDenormals flush;
#pragma omp for schedule(static)
      for (int64_t piece = 0; piece < pieces; ++piece) {
        const int64_t end = std::min(count, (piece + 1) * together);
        int64_t row = piece * together;
        auto next = std::lower_bound(grad.rows.begin(), grad.rows.end(), row);
        while (row < end) {
          const bool any = next != grad.rows.end() && *next == row;
          int64_t stop = next == grad.rows.end() ? end : std::min(end, *next);
          for (; any && stop < end && next != grad.rows.end() && *next == stop; ++stop) ++next;
          kernels::AdamUpdate<T> part = all;
          part.g = any ? grad.tensor.data<T>() : nullptr;
          table.adam(part_of(part, row * width, (stop - row) * width));
          row = stop;
        }
      }
    }
  }

  OptimizerConfig config_;
  bool decoupled_;
  std::vector<Tensor> mean_, square_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config) {
  return std::make_unique<Adam>(std::move(parameters), config, false);
}

std::unique_ptr<Optimizer> make_adamw(std::vector<nn::NamedParameter> parameters, const OptimizerConfig& config) {
  return std::make_unique<Adam>(std::move(parameters), config, true);
}

}  // namespace carousel::train
