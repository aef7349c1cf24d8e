// The linear forecaster DLinear.
#pragma once

#include <cstdint>
#include <vector>

#include "carousel/nn/module.h"

namespace carousel::nn {

/// What RidgeFit finds.
struct RidgeMaps {
  std::vector<double> shared;  ///< [inputs, outputs]; empty: there is no solution
  std::vector<double> own;     ///< [outputs, own_inputs]
};

/// Zeng et al. 2022, "Are transformers effective for time series forecasting?": a window is split into its moving
/// average (over `kernel` values, the ends repeated) and the remainder, and one linear map of each, with a bias, gives
/// the horizon. All series share the maps. They are not found by gradients but exactly: RidgeFit solves for the least
/// squares with a ridge penalty, which all such maps are special cases of (Toner & Darlow 2024).
/// With `channels` known in advance, each step of the horizon adds a map of its own of what is known of it, and one of
/// what was known of the last step of the window and, on average, of all its steps.
class DLinear final : public Module {
 public:
  DLinear(int64_t window, int64_t horizon, int64_t kernel, int64_t channels = 0);

  /// windows [B, window], known [B, (window + horizon) * channels], the channels of a step side by side ->
  /// [B, horizon].
  Tensor forward(const Tensor& windows, const Tensor& known = {}) const;

  /// Inputs of all steps of the horizon: trend and remainder side by side, a 1 for the bias, what was known of the last
  /// step, and on average: [B, inputs()].
  Tensor features(const Tensor& windows, const Tensor& known = {}) const;
  /// Inputs of each step alone, [B, horizon * channels].
  Tensor own_features(const Tensor& known) const;
  int64_t inputs() const { return 2 * window_ + 1 + 2 * channels_; }
  /// Takes over maps as RidgeFit finds them.
  void set_maps(const RidgeMaps& maps) const;

 private:
  int64_t window_, horizon_, kernel_, channels_;
  Var trend_, remainder_, bias_, before_, known_;
};

/// Least squares from rows that come in portions: sums of products only, so that memory does not grow with them.
class RidgeFit {
 public:
  RidgeFit(int64_t inputs, int64_t outputs, int64_t own_inputs = 0);
  /// x [N, inputs], y [N, outputs], own [N, outputs * own_inputs]: inputs that one output alone sees.
  void add(const Tensor& x, const Tensor& y, const Tensor& own = {});
  /// The maps with the least |Y - X M - ...|^2 + ridge * (s |M|^2 + t |own maps|^2), where s and t are the means over
  /// the inputs of their summed squares, so that `ridge` has no unit. ridge > 0. Without maps when numbers do not allow
  /// them. Outputs share one factorisation; what they see alone is eliminated from it (Schur complement).
  RidgeMaps solve(double ridge) const;

 private:
  int64_t inputs_, outputs_, own_;
  std::vector<double> squares_, products_;          ///< X^T X, X^T Y
  std::vector<double> cross_;                       ///< X^T own, [inputs, outputs * own_inputs]
  std::vector<double> own_squares_, own_products_;  ///< of each output: [own, own], [own]
};

}  // namespace carousel::nn
