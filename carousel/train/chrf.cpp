#include <algorithm>
#include <map>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/train/metrics.h"

namespace carousel::train {

namespace {

/// A text without white space and its counted character n-grams, as parts of it.
struct Characters {
  explicit Characters(std::string_view raw) {
    for (const std::string_view word : data::split_words(raw)) text += word;
    const auto letters = data::code_points(text);
    for (size_t n = 1; n <= Chrf::kOrder; ++n) {
      for (size_t i = 0; i + n <= letters.size(); ++i) {
        const std::string_view& last = letters[i + n - 1];
        const auto length = static_cast<size_t>(last.data() + last.size() - letters[i].data());
        ++ngrams[n - 1][std::string_view(letters[i].data(), length)];
        ++totals[n - 1];
      }
    }
  }
  Characters(const Characters&) = delete;
  Characters& operator=(const Characters&) = delete;

  std::string text;
  std::array<std::map<std::string_view, int64_t>, Chrf::kOrder> ngrams;
  std::array<int64_t, Chrf::kOrder> totals{};
};

}  // namespace

void Chrf::add(std::string_view hypothesis, const std::vector<std::string>& references) {
  if (references.empty()) throw ShapeError("[chrf] a prediction needs a reference; got none. Pass at least one.");
  const Characters predicted(hypothesis);
  Statistics best{};
  double best_score = -1.0;
  for (const std::string_view text : given_references(references)) {
    const Characters reference(text);
    Statistics found{};
    for (size_t n = 0; n < kOrder; ++n) {
      // Where the reference is too short to have n-grams, those of the prediction do not count against it.
      found[n].hypothesis = reference.totals[n] > 0 ? predicted.totals[n] : 0;
      found[n].reference = reference.totals[n];
      for (const auto& [ngram, count] : predicted.ngrams[n]) {
        const auto other = reference.ngrams[n].find(ngram);
        if (other != reference.ngrams[n].end()) found[n].matches += std::min(count, other->second);
      }
    }
    const double score = f_score(found);
    if (score <= best_score) continue;
    best_score = score;
    best = found;
  }
  for (size_t n = 0; n < kOrder; ++n) {
    sums_[n].hypothesis += best[n].hypothesis;
    sums_[n].reference += best[n].reference;
    sums_[n].matches += best[n].matches;
  }
}

double Chrf::score() const {
  return f_score(sums_);
}

double Chrf::f_score(const Statistics& statistics) {
  constexpr double kBetaSquared = 4.0;
  double precision = 0.0, recall = 0.0;
  int orders = 0;
  for (const Counts& counts : statistics) {
    if (counts.hypothesis == 0 || counts.reference == 0) continue;
    precision += static_cast<double>(counts.matches) / static_cast<double>(counts.hypothesis);
    recall += static_cast<double>(counts.matches) / static_cast<double>(counts.reference);
    ++orders;
  }
  if (orders == 0 || precision + recall == 0.0) return 0.0;
  precision /= orders;
  recall /= orders;
  return 100.0 * (1.0 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall);
}

}  // namespace carousel::train
