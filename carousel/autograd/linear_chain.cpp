#include "carousel/autograd/linear_chain.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace carousel {

namespace {

/// values[k] = exp(values[k] - their largest), which comes back.
double exponentials(int64_t n, double* values) {
  const double most = *std::max_element(values, values + n);
  for (int64_t k = 0; k < n; ++k) values[k] = std::exp(values[k] - most);
  return most;
}

/// Divides by the sum, which comes back.
double normalise(int64_t n, double* values) {
  double sum = 0;
  for (int64_t k = 0; k < n; ++k) sum += values[k];
  for (int64_t k = 0; k < n; ++k) values[k] /= sum;
  return sum;
}

}  // namespace

LinearChain::LinearChain(std::vector<double> transitions, std::vector<double> start, std::vector<double> stop)
    : labels_(static_cast<int64_t>(start.size())),
      transitions_(std::move(transitions)),
      start_(std::move(start)),
      stop_(std::move(stop)),
      factors_(transitions_),
      shift_(exponentials(labels_ * labels_, factors_.data())) {}

double LinearChain::score(int64_t steps, const double* emissions, const int32_t* path) const {
  double sum = start_[static_cast<size_t>(path[0])] + stop_[static_cast<size_t>(path[steps - 1])];
  for (int64_t t = 0; t < steps; ++t) sum += emissions[t * labels_ + path[t]];
  for (int64_t t = 1; t < steps; ++t) sum += transitions_[static_cast<size_t>(path[t - 1] * labels_ + path[t])];
  return sum;
}

double LinearChain::log_partition(int64_t steps, const double* emissions, double* marginals, double* pairs) const {
  const int64_t n = labels_;
  // x[t, k] = exp(emission), scaled; a[t, k]: share of the paths up to t that end in k.
  std::vector<double> x(emissions, emissions + steps * n), a(static_cast<size_t>(steps * n));
  for (int64_t k = 0; k < n; ++k) {
    x[static_cast<size_t>(k)] += start_[static_cast<size_t>(k)];
    x[static_cast<size_t>((steps - 1) * n + k)] += stop_[static_cast<size_t>(k)];
  }
  double log_sum = static_cast<double>(steps - 1) * shift_;
  for (int64_t t = 0; t < steps; ++t) {
    double* const x_t = x.data() + t * n;
    double* const a_t = a.data() + t * n;
    log_sum += exponentials(n, x_t);
    if (t == 0) {
      std::fill_n(a_t, n, 1.0);
    } else {
      for (int64_t i = 0; i < n; ++i) {
        const double* const from = factors_.data() + i * n;
        const double share = a_t[i - n];
        for (int64_t k = 0; k < n; ++k) a_t[k] += share * from[k];
      }
    }
    for (int64_t k = 0; k < n; ++k) a_t[k] *= x_t[k];
    log_sum += std::log(normalise(n, a_t));
  }
  if (!marginals) return log_sum;

  // b[k]: weight of the ways on from label k, scaled; y = x b of the step after.
  std::vector<double> b(static_cast<size_t>(n), 1.0), y(static_cast<size_t>(n));
  for (int64_t t = steps - 1; t >= 0; --t) {
    const double* const a_t = a.data() + t * n;
    double* const p = marginals + t * n;
    for (int64_t k = 0; k < n; ++k) p[k] = a_t[k] * b[static_cast<size_t>(k)];
    normalise(n, p);
    if (t == 0) break;
    for (int64_t k = 0; k < n; ++k)
      y[static_cast<size_t>(k)] = x[static_cast<size_t>(t * n + k)] * b[static_cast<size_t>(k)];
    normalise(n, y.data());
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double* const from = factors_.data() + i * n;
      double ways = 0;
      for (int64_t k = 0; k < n; ++k) ways += from[k] * y[static_cast<size_t>(k)];
      b[static_cast<size_t>(i)] = ways;
      sum += a_t[i - n] * ways;
    }
    if (!pairs) continue;
    for (int64_t i = 0; i < n; ++i) {
      const double* const from = factors_.data() + i * n;
      const double share = a_t[i - n] / sum;
      for (int64_t k = 0; k < n; ++k) pairs[i * n + k] += share * from[k] * y[static_cast<size_t>(k)];
    }
  }
  return log_sum;
}

std::vector<int32_t> LinearChain::best_path(int64_t steps, const double* emissions) const {
  const int64_t n = labels_;
  std::vector<double> best(start_), next(static_cast<size_t>(n));
  std::vector<int32_t> before(static_cast<size_t>(steps * n));
  for (int64_t k = 0; k < n; ++k) best[static_cast<size_t>(k)] += emissions[k];
  for (int64_t t = 1; t < steps; ++t) {
    int32_t* const from = before.data() + t * n;
    for (int64_t k = 0; k < n; ++k) next[static_cast<size_t>(k)] = best[0] + transitions_[static_cast<size_t>(k)];
    for (int64_t i = 1; i < n; ++i) {
      const double* const row = transitions_.data() + i * n;
      for (int64_t k = 0; k < n; ++k) {
        const double score = best[static_cast<size_t>(i)] + row[k];
        if (score <= next[static_cast<size_t>(k)]) continue;
        next[static_cast<size_t>(k)] = score;
        from[k] = static_cast<int32_t>(i);
      }
    }
    for (int64_t k = 0; k < n; ++k) best[static_cast<size_t>(k)] = next[static_cast<size_t>(k)] + emissions[t * n + k];
  }
  for (int64_t k = 0; k < n; ++k) best[static_cast<size_t>(k)] += stop_[static_cast<size_t>(k)];
  std::vector<int32_t> path(static_cast<size_t>(steps));
  path.back() = static_cast<int32_t>(std::max_element(best.begin(), best.end()) - best.begin());
  for (int64_t t = steps - 1; t > 0; --t)
    path[static_cast<size_t>(t - 1)] = before[static_cast<size_t>(t * n + path[static_cast<size_t>(t)])];
  return path;
}

}  // namespace carousel
