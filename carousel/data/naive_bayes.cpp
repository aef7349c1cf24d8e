#include "carousel/data/naive_bayes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/data/json_object.h"

namespace carousel::data {

namespace {

/// Slots for the runs of some texts: a power of two with room for all of them where the table may be so large.
size_t slots_for(std::span<const std::vector<int32_t>> texts, int64_t num_classes, int64_t order) {
  size_t symbols = 0;
  for (const auto& text : texts) symbols += text.size();
  const auto most = static_cast<size_t>(std::max<int64_t>(NaiveBayes::kMostCounts / num_classes, 1));
  return std::min(std::bit_ceil(symbols * static_cast<size_t>(order) + 1), std::bit_floor(most));
}

}  // namespace

NaiveBayes NaiveBayes::learn(std::span<const std::vector<int32_t>> texts, std::span<const int64_t> classes,
                             int64_t num_classes, int64_t vocab_size, int64_t order) {
  if (texts.size() != classes.size())
    throw ShapeError(fmt::format("[naive Bayes] each text needs a class; got {} and {}. Pass one of each.",
                                 texts.size(), classes.size()));
  NaiveBayes bayes;
  if (vocab_size > kMostCounts / num_classes) return bayes;
  bayes.order_ = order;
  bayes.slots_ = order == 1 ? static_cast<size_t>(vocab_size) : slots_for(texts, num_classes, order);
  bayes.texts_.assign(static_cast<size_t>(num_classes), 0);
  bayes.counts_.assign(bayes.slots_ * bayes.texts_.size(), 0);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto k = static_cast<size_t>(classes[i]);
    ++bayes.texts_[k];
    for (const size_t slot : bayes.features(texts[i])) ++bayes.counts_[slot * bayes.texts_.size() + k];
  }
  bayes.sum();
  return bayes;
}

void NaiveBayes::sum() {
  totals_.assign(texts_.size(), 0);
  for (size_t i = 0; i < counts_.size(); ++i) totals_[i % texts_.size()] += counts_[i];
}

/// The slots of the distinct features, in order.
std::vector<size_t> NaiveBayes::features(std::span<const int32_t> text) const {
  std::vector<size_t> slots;
  if (order_ == 1) {
    slots.assign(text.begin(), text.end());
  } else {
    for (size_t begin = 0; begin < text.size(); ++begin) {
      uint64_t hash = 0;
      const size_t end = std::min(text.size(), begin + static_cast<size_t>(order_));
      for (size_t i = begin; i < end; ++i) {
        hash = mix(hash, static_cast<uint64_t>(text[i]) + 1);
        slots.push_back(static_cast<size_t>(hash & (slots_ - 1)));
      }
    }
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  return slots;
}

NaiveBayes::Likelihoods NaiveBayes::likelihoods(std::span<const int32_t> text) const {
  const std::vector<size_t> slots = features(text);
  const size_t classes = texts_.size();
  Likelihoods result;
  std::vector<double> totals;
  for (const int64_t total : totals_)
    totals.push_back(std::log(static_cast<double>(total) + static_cast<double>(slots_)));
  result.logs.assign(classes, 0);
  for (const size_t slot : slots) {
    const int64_t* row = counts_.data() + slot * classes;
    if (std::all_of(row, row + classes, [](int64_t count) { return count == 0; })) continue;
    ++result.features;
    for (size_t k = 0; k < classes; ++k) {
      result.logs[k] += std::log(static_cast<double>(row[k] + 1)) - totals[k];
    }
  }
  return result;
}

std::vector<double> NaiveBayes::probabilities(std::span<const int32_t> text) const {
  if (empty()) return {};
  std::vector<double> p = likelihoods(text).logs;
  for (size_t k = 0; k < p.size(); ++k) p[k] += std::log(static_cast<double>(texts_[k] + 1));
  const double most = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& v : p) sum += v = std::exp(v - most);
  for (double& v : p) v /= sum;
  return p;
}

std::vector<float> NaiveBayes::opinion(std::span<const int32_t> text) const {
  if (empty()) return {};
  const Likelihoods found = likelihoods(text);
  const double mean = std::accumulate(found.logs.begin(), found.logs.end(), 0.0) / static_cast<double>(texts_.size());
  const double root = std::sqrt(static_cast<double>(std::max<int64_t>(found.features, 1)));
  std::vector<float> scores;
  for (const double v : found.logs) scores.push_back(static_cast<float>((v - mean) / root));
  return scores;
}

std::string NaiveBayes::to_json() const {
  return fmt::format("{{\"order\":{},\"texts\":[{}],\"counts\":[{}]}}", order_, fmt::join(texts_, ","),
                     fmt::join(counts_, ","));
}

NaiveBayes NaiveBayes::from_json(const std::string& json, const std::string& file, int64_t num_classes,
                                 int64_t vocab_size) {
  const JsonObject object(json, file, "naive Bayes");
  NaiveBayes bayes;
  bayes.order_ = object.integer("order", 1, kMostOrder);
  bayes.texts_ = object.integers("texts");
  bayes.counts_ = object.integers("counts");
  if (bayes.texts_.empty() && bayes.counts_.empty()) return bayes;
  const auto counts = static_cast<int64_t>(bayes.counts_.size());
  const bool sized = bayes.num_classes() == num_classes && counts <= kMostCounts && counts % num_classes == 0;
  bayes.slots_ = sized ? static_cast<size_t>(counts / num_classes) : 0;
  const bool fits =
      bayes.order_ == 1 ? static_cast<int64_t>(bayes.slots_) == vocab_size : std::has_single_bit(bayes.slots_);
  if (!sized || !fits)
    object.fail(fmt::format("there must be counts of {} classes and {} symbols or a power of two of slots", num_classes,
                            vocab_size),
                fmt::format("{} and {} counts", bayes.texts_.size(), counts));
  const auto sound = [](int64_t count) { return count >= 0 && count < (int64_t{1} << 40); };
  if (!std::all_of(bayes.texts_.begin(), bayes.texts_.end(), sound) ||
      !std::all_of(bayes.counts_.begin(), bayes.counts_.end(), sound))
    object.fail("counts run from 0 on", "others");
  bayes.sum();
  return bayes;
}

}  // namespace carousel::data
