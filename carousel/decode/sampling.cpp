#include "carousel/decode/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "carousel/base/error.h"

namespace carousel::decode {

namespace {

constexpr double kBarred = -std::numeric_limits<double>::infinity();
constexpr uint64_t kStream = 0x73616d70;  // of the random numbers: no other use of the seed draws the same ones

/// Natural logarithm of the sum of exp(logits).
double log_sum_exp(std::span<const float> logits) {
  const double most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float v : logits) sum += std::exp(static_cast<double>(v) - most);
  return most + std::log(sum);
}

/// More probable first, then the lower symbol.
bool before_in_order(const std::pair<double, int32_t>& a, const std::pair<double, int32_t>& b) {
  return a.first > b.first || (a.first == b.first && a.second < b.second);
}

}  // namespace

void SamplingConfig::options(OptionTable& table) {
  table.section("generate");
  table
      .add("temperature", &temperature,
           "Logits are divided by this before a symbol is drawn; 0 always takes the most probable one.")
      .range(0, 100);
  table.add("top_k", &top_k, "Draw among this many of the most probable symbols; 0: all.").range(0, 1e9);
  table.add("top_p", &top_p, "Draw among the fewest symbols that hold this share of the probability.").range(0, 1);
  table.add("min_p", &min_p, "Draw among symbols at least this times as probable as the most probable one.")
      .range(0, 1);
  table
      .add("repetition_penalty", &repetition_penalty,
           "Above 1, symbols that stood before become less probable; 1: nothing.")
      .range(0.01, 100);
  table.add("repetition_window", &repetition_window, "Symbols back that the penalty looks; 0: all.").range(0, 1e9);
  table
      .add("entropy_brake", &entropy_brake,
           "Where the model is less sure than this entropy in nats, the temperature sinks in proportion; 0: never.")
      .range(0, 100);
}

Sampler::Sampler(const SamplingConfig& config, uint64_t seed) : config_(config), rng_(seed, kStream) {}

/// In [0, 1), 53 random bits: with a vocabulary of 100,000 the 24 of Rng::uniform() would show.
double Sampler::uniform() {
  const uint64_t high = rng_.next() >> 5, low = rng_.next() >> 6;
  return static_cast<double>((high << 26) + low) * 0x1p-53;
}

double Sampler::step_temperature(std::span<const float> logits) const {
  if (config_.entropy_brake <= 0) return config_.temperature;
  const double total = log_sum_exp(logits);
  double entropy = 0;
  for (const float v : logits) {
    const double log_p = static_cast<double>(v) - total;
    entropy -= std::exp(log_p) * log_p;
  }
  return config_.temperature * std::min(1.0, config_.entropy_brake / std::max(entropy, 1e-12));
}

void Sampler::penalise(std::span<const int32_t> before) {
  if (config_.repetition_penalty == 1) return;
  const auto window = static_cast<size_t>(config_.repetition_window);
  if (window > 0 && before.size() > window) before = before.last(window);
  std::vector<int32_t> distinct(before.begin(), before.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (const int32_t symbol : distinct) {
    double& score = scores_[static_cast<size_t>(symbol)];
    score = score > 0 ? score / config_.repetition_penalty : score * config_.repetition_penalty;
  }
}

int32_t Sampler::pick(double temperature) {
  candidates_.clear();
  for (size_t i = 0; i < scores_.size(); ++i)
    if (scores_[i] != kBarred) candidates_.emplace_back(scores_[i], static_cast<int32_t>(i));
  if (candidates_.empty())
    throw DivergedError("[generate] a symbol must be left to draw; got none. Bar fewer symbols.");
  const Candidate first = *std::min_element(candidates_.begin(), candidates_.end(), before_in_order);
  if (temperature == 0) return first.second;

  const auto k = static_cast<size_t>(config_.top_k);
  if (k > 0 && k < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(k), candidates_.end(),
                     before_in_order);
    candidates_.resize(k);
  }
  double total = 0;
  for (Candidate& c : candidates_) total += c.first = std::exp((c.first - first.first) / temperature);
  // Probabilities are now relative to the first one's, which is 1.
  if (config_.top_p < 1) {
    std::sort(candidates_.begin(), candidates_.end(), before_in_order);
    double share = 0;
    size_t kept = 0;
    while (kept < candidates_.size() && (kept == 0 || share < config_.top_p * total))
      share += candidates_[kept++].first;
    candidates_.resize(kept);
  }
  std::erase_if(candidates_, [&](const Candidate& c) { return c.first < config_.min_p; });
  // In the order of the symbols, so that which filters ran does not change what a random number means.
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.second < b.second; });
  total = 0;
  for (const Candidate& c : candidates_) total += c.first;
  double left = uniform() * total;
  for (const Candidate& c : candidates_) {
    left -= c.first;
    if (left < 0) return c.second;
  }
  return candidates_.back().second;  // rounding
}

Draw Sampler::draw(std::span<const float> logits, std::span<const int32_t> before, std::span<const int32_t> barred) {
  for (const float v : logits)
    if (!std::isfinite(v))
      throw DivergedError(fmt::format("[generate] the model's logits must be finite; got {}. Train again.", v));
  scores_.assign(logits.begin(), logits.end());
  penalise(before);
  for (const int32_t symbol : barred) scores_[static_cast<size_t>(symbol)] = kBarred;
  const int32_t symbol = pick(step_temperature(logits));
  return {symbol, static_cast<double>(logits[static_cast<size_t>(symbol)]) - log_sum_exp(logits)};
}

}  // namespace carousel::decode
