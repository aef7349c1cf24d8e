// A chain of labels, each scored by itself and by the one before it: sums over all paths, and the best path.
#pragma once

#include <cstdint>
#include <vector>

namespace carousel {

/// Scores of a path y through T steps and K labels:
///   start[y_0] + sum_t emissions[t, y_t] + sum_t transitions[y_{t-1}, y_t] + stop[y_{T-1}]
/// with p(y) = exp(score(y)) / sum over all paths (Lafferty, McCallum & Pereira 2001). All T >= 1; emissions [T, K].
class LinearChain {
 public:
  /// A score that no path is worth: what it stands for is forbidden. Added up it stays finite.
  static constexpr double kForbidden = -1e30;

  /// transitions [K, K] from row to column; start and stop [K].
  LinearChain(std::vector<double> transitions, std::vector<double> start, std::vector<double> stop);
  int64_t num_labels() const { return labels_; }

  double score(int64_t steps, const double* emissions, const int32_t* path) const;
  /// log of the sum over all paths of exp(score), by the forward algorithm. With `marginals` [T, K], not null: p(y_t =
  /// k), by the forward-backward algorithm (Rabiner 1989, scaled); then `pairs` [K, K], not null, grows by the expected
  /// number of times that k follows j.
  double log_partition(int64_t steps, const double* emissions, double* marginals = nullptr,
                       double* pairs = nullptr) const;
  /// The path with the highest score (Viterbi 1967); of equals the one with the smaller labels at the end.
  std::vector<int32_t> best_path(int64_t steps, const double* emissions) const;

 private:
  int64_t labels_;
  std::vector<double> transitions_, start_, stop_;
  std::vector<double> factors_;  ///< exp(transitions - shift_)
  double shift_;
};

}  // namespace carousel
