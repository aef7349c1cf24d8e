// The linear forecaster DLinear.
#pragma once

#include <cstdint>
#include <vector>

#include "carousel/nn/module.h"

namespace carousel::nn {

/// Zeng et al. 2022, "Are transformers effective for time series forecasting?": a window is split into its moving
/// average (over `kernel` values, the ends repeated) and the remainder, and one linear map of each, with a bias, gives
/// the horizon. All series share the maps. They are not found by gradients but exactly: fit() solves for the least
/// squares with a ridge penalty, which all such maps are special cases of (Toner & Darlow 2024).
class DLinear final : public Module {
 public:
  DLinear(int64_t window, int64_t horizon, int64_t kernel);

  /// windows [B, window] -> [B, horizon].
  Tensor forward(const Tensor& windows) const;

  /// Trend and remainder side by side and a 1 for the bias: [B, 2 * window + 1].
  Tensor features(const Tensor& windows) const;
  /// Takes over maps, [2 * window + 1, horizon], as RidgeFit finds them.
  void set_maps(const std::vector<double>& maps) const;

 private:
  int64_t window_, horizon_, kernel_;
  Var trend_, remainder_, bias_;
};

/// Least squares from rows that come in portions: sums of products only, so that memory does not grow with them.
class RidgeFit {
 public:
  RidgeFit(int64_t inputs, int64_t outputs);
  /// x [N, inputs], y [N, outputs].
  void add(const Tensor& x, const Tensor& y);
  /// The map M [inputs, outputs] with the least |Y - X M|^2 + ridge * s * |M|^2, where s is the mean over the inputs of
  /// their summed squares, so that `ridge` has no unit. ridge > 0. Empty when numbers do not allow one.
  std::vector<double> solve(double ridge) const;

 private:
  int64_t inputs_, outputs_;
  std::vector<double> squares_, products_;  ///< X^T X, X^T Y
};

}  // namespace carousel::nn
