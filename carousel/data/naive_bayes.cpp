#include "carousel/data/naive_bayes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "carousel/base/error.h"
#include "carousel/data/json_object.h"

namespace carousel::data {

NaiveBayes NaiveBayes::learn(std::span<const std::vector<int32_t>> texts, std::span<const int64_t> classes,
                             int64_t num_classes, int64_t vocab_size) {
  if (texts.size() != classes.size())
    throw ShapeError(fmt::format("[naive Bayes] each text needs a class; got {} and {}. Pass one of each.",
                                 texts.size(), classes.size()));
  NaiveBayes bayes;
  if (vocab_size > kMostCounts / num_classes) return bayes;
  bayes.texts_.assign(static_cast<size_t>(num_classes), 0);
  bayes.counts_.assign(static_cast<size_t>(num_classes * vocab_size), 0);
  for (size_t i = 0; i < texts.size(); ++i) {
    ++bayes.texts_[static_cast<size_t>(classes[i])];
    for (const int32_t id : texts[i]) ++bayes.counts_[static_cast<size_t>(classes[i] * vocab_size + id)];
  }
  bayes.sum();
  return bayes;
}

void NaiveBayes::sum() {
  const size_t width = counts_.size() / std::max<size_t>(texts_.size(), 1);
  totals_.clear();
  for (size_t k = 0; k < texts_.size(); ++k) {
    const auto row = counts_.begin() + static_cast<std::ptrdiff_t>(k * width);
    totals_.push_back(std::accumulate(row, row + static_cast<std::ptrdiff_t>(width), int64_t{0}));
  }
}

std::vector<double> NaiveBayes::probabilities(std::span<const int32_t> text) const {
  std::vector<double> p;
  if (empty()) return p;
  const size_t width = counts_.size() / texts_.size();
  for (size_t k = 0; k < texts_.size(); ++k) {
    double log_p = std::log(static_cast<double>(texts_[k] + 1));
    const double total = std::log(static_cast<double>(totals_[k]) + static_cast<double>(width));
    for (const int32_t id : text)
      log_p += std::log(static_cast<double>(counts_[k * width + static_cast<size_t>(id)] + 1)) - total;
    p.push_back(log_p);
  }
  const double most = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& v : p) sum += v = std::exp(v - most);
  for (double& v : p) v /= sum;
  return p;
}

std::string NaiveBayes::to_json() const {
  return fmt::format("{{\"texts\":[{}],\"counts\":[{}]}}", fmt::join(texts_, ","), fmt::join(counts_, ","));
}

NaiveBayes NaiveBayes::from_json(const std::string& json, const std::string& file, int64_t num_classes,
                                 int64_t vocab_size) {
  const JsonObject object(json, file, "naive Bayes");
  NaiveBayes bayes;
  bayes.texts_ = object.integers("texts");
  bayes.counts_ = object.integers("counts");
  if (bayes.texts_.empty() && bayes.counts_.empty()) return bayes;
  if (static_cast<int64_t>(bayes.texts_.size()) != num_classes || vocab_size > kMostCounts / num_classes ||
      static_cast<int64_t>(bayes.counts_.size()) != num_classes * vocab_size)
    object.fail(fmt::format("there must be counts of {} classes and {} symbols", num_classes, vocab_size),
                fmt::format("{} and {} counts", bayes.texts_.size(), bayes.counts_.size()));
  const auto sound = [](int64_t count) { return count >= 0 && count < (int64_t{1} << 40); };
  if (!std::all_of(bayes.texts_.begin(), bayes.texts_.end(), sound) ||
      !std::all_of(bayes.counts_.begin(), bayes.counts_.end(), sound))
    object.fail("counts run from 0 on", "others");
  bayes.sum();
  return bayes;
}

}  // namespace carousel::data
