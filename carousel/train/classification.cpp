#include "carousel/train/classification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"

namespace carousel::train {

void ClassScores::add(std::span<const double> probabilities, int64_t wanted) {
  if (probabilities.empty() || wanted < 0)
    throw ShapeError(
        fmt::format("[class scores] an example needs a probability and a wanted class from 0 on; got {} and {}. Pass "
                    "both.",
                    probabilities.size(), wanted));
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  const int64_t predicted = best - probabilities.begin();
  const bool right = predicted == wanted;
  ++examples_;
  right_ += right;
  ++counts_of(predicted).predicted;
  ++counts_of(wanted).wanted;
  counts_of(wanted).right += right;
  // Bin m of M holds the confidences in ((m - 1) / M, m / M]: 1 is in the last one, and 0 in the first.
  const double edge = std::ceil(std::clamp(*best, 0.0, 1.0) * static_cast<double>(kBins));
  Bin& b = bins_[static_cast<size_t>(std::max(1.0, edge)) - 1];
  ++b.examples;
  b.right += right;
  b.confidence += *best;
}

ClassScores::Counts& ClassScores::counts_of(int64_t id) {
  const auto at = static_cast<size_t>(id);
  if (at >= classes_.size()) classes_.resize(at + 1);
  return classes_[at];
}

double ClassScores::accuracy() const {
  return examples_ == 0 ? 0 : static_cast<double>(right_) / static_cast<double>(examples_);
}

double ClassScores::macro_f1() const {
  double sum = 0;
  int64_t classes = 0;
  for (const Counts& c : classes_) {
    if (c.predicted + c.wanted == 0) continue;
    ++classes;
    // tp + fp is what was predicted, tp + fn what was wanted.
    sum += 2 * static_cast<double>(c.right) / static_cast<double>(c.predicted + c.wanted);
  }
  return classes == 0 ? 0 : sum / static_cast<double>(classes);
}

double ClassScores::expected_calibration_error() const {
  double sum = 0;
  for (const Bin& bin : bins_) sum += std::abs(bin.confidence - static_cast<double>(bin.right));
  return examples_ == 0 ? 0 : sum / static_cast<double>(examples_);
}

namespace {

constexpr double kTrustPenalty = 0.1;

/// -log softmax(logits / temperature)[wanted]
double nll_of(std::span<const float> logits, int64_t wanted, double temperature) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double total = 0;
  for (const float logit : logits) total += std::exp((static_cast<double>(logit) - largest) / temperature);
  return std::log(total) - (static_cast<double>(logits[static_cast<size_t>(wanted)]) - largest) / temperature;
}

/// Where a function that falls and then rises is least, within `close`: golden section search.
template <class Function>
double least(double low, double high, double close, Function f) {
  constexpr double kShare = 0.6180339887498949;
  double a = high - kShare * (high - low), b = low + kShare * (high - low);
  double at_a = f(a), at_b = f(b);
  while (high - low > close) {
    if (at_a <= at_b) {
      high = b;
      b = a;
      at_b = at_a;
      a = high - kShare * (high - low);
      at_a = f(a);
    } else {
      low = a;
      a = b;
      at_a = at_b;
      b = low + kShare * (high - low);
      at_b = f(b);
    }
  }
  return (low + high) / 2;
}

/// What fit_temperature minimises.
double loss_at(std::span<const float> logits, std::span<const int64_t> wanted, size_t width, double temperature) {
  const double log_temperature = std::log(temperature);
  double sum = log_temperature * log_temperature;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] < static_cast<int64_t>(width))
      sum += nll_of(logits.subspan(i * width, width), wanted[i], temperature);
  return sum;
}

}  // namespace

double fit_temperature(std::span<const float> logits, std::span<const int64_t> wanted, int64_t num_classes) {
  const auto width = static_cast<size_t>(num_classes);
  const bool any = std::any_of(wanted.begin(), wanted.end(), [&](int64_t w) { return w < num_classes; });
  if (!any) return 1;
  // The loss is convex in 1 / T, so it falls and then rises in log T.
  return std::exp(least(std::log(0.05), std::log(20.0), 1e-4, [&](double log_temperature) {
    return loss_at(logits, wanted, width, std::exp(log_temperature));
  }));
}

void add_opinions(std::span<float> logits, std::span<const float> opinions, double trust) {
  for (size_t i = 0; i < opinions.size(); ++i)
    logits[i] += static_cast<float>(trust * static_cast<double>(opinions[i]));
}

Blend fit_blend(std::span<const float> logits, std::span<const float> opinions, std::span<const int64_t> wanted,
                int64_t num_classes) {
  constexpr double kMostTrust = 8, kClose = 0.02;
  std::vector<float> sum;
  const auto temperature_at = [&](double trust) {
    sum.assign(logits.begin(), logits.end());
    add_opinions(sum, opinions, trust);
    return fit_temperature(sum, wanted, num_classes);
  };
  if (opinions.empty()) return {0, temperature_at(0)};
  // The loss is convex in (1 / T, trust / T), so at the best T it falls and then rises in trust.
  const double trust = least(0, kMostTrust, kClose, [&](double candidate) {
    const double temperature = temperature_at(candidate);
    return loss_at(sum, wanted, static_cast<size_t>(num_classes), temperature) + kTrustPenalty * candidate * candidate;
  });
  return {trust, temperature_at(trust)};
}

std::vector<double> probabilities_of(std::span<const float> logits, double temperature) {
  std::vector<double> p(logits.begin(), logits.end());
  const double largest = p.empty() ? 0 : *std::max_element(p.begin(), p.end());
  double total = 0;
  for (double& v : p) total += v = std::exp((v - largest) / temperature);
  if (!std::isfinite(total) || !(total > 0) || !(temperature > 0))
    throw DivergedError(
        fmt::format("[classify] probabilities must be finite; got logits up to {} at temperature {}. Lower "
                    "learning_rate.",
                    largest, temperature));
  for (double& v : p) v /= total;
  return p;
}

}  // namespace carousel::train
