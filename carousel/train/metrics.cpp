#include "carousel/train/metrics.h"

#include <algorithm>
#include <numeric>

#include "carousel/base/error.h"

namespace carousel::train {

int64_t levenshtein(std::span<const std::string> a, std::span<const std::string> b) {
  std::vector<int64_t> row(b.size() + 1);  // distances of a[0, i) to all beginnings of b
  std::iota(row.begin(), row.end(), int64_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

void ErrorRates::add(const Tokens& hypothesis, const std::vector<Tokens>& references) {
  if (references.empty()) {
    throw ShapeError("[error_rates] a prediction needs a reference; got none. Pass at least one.");
  }
  const Tokens* nearest = nullptr;
  int64_t fewest = 0;
  for (const Tokens& reference : references) {
    const int64_t edits = levenshtein(hypothesis, reference);
    const bool better = nearest == nullptr || edits < fewest || (edits == fewest && reference.size() > nearest->size());
    if (!better) continue;
    nearest = &reference;
    fewest = edits;
  }
  ++sequences_;
  if (fewest > 0) ++wrong_;
  edits_ += fewest;
  reference_tokens_ += static_cast<int64_t>(nearest->size());
}

double ErrorRates::sequence_error_rate() const {
  return sequences_ == 0 ? 0.0 : static_cast<double>(wrong_) / static_cast<double>(sequences_);
}

double ErrorRates::token_error_rate() const {
  return static_cast<double>(edits_) / static_cast<double>(std::max<int64_t>(1, reference_tokens_));
}

std::vector<std::string_view> given_references(const std::vector<std::string>& references) {
  std::vector<std::string_view> given;
  for (const std::string& text : references)
    if (!text.empty()) given.push_back(text);
  if (given.empty()) given.assign(references.begin(), references.end());
  return given;
}

}  // namespace carousel::train
