#include <algorithm>
#include <map>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/train/metrics.h"

namespace carousel::train {

namespace {

using Words = std::vector<std::string>;

/// Runs of letters, marks and digits of the text in lower case.
Words words_of(std::string_view text) {
  const std::string lower = data::fold_case(text, data::LetterCase::lower);
  Words words(1);
  for (const std::string_view letter : data::code_points(lower)) {
    if (data::is_letter_or_digit(data::first_code_point(letter))) {
      words.back() += letter;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// 2PR / (P + R) of `matches` among `predicted` and `wanted`; 0 when nothing matches.
double f_score(size_t matches, size_t predicted, size_t wanted) {
  return matches == 0 ? 0.0 : 2.0 * static_cast<double>(matches) / static_cast<double>(predicted + wanted);
}

std::map<Words, size_t> ngrams(const Words& words, size_t n) {
  std::map<Words, size_t> counts;
  for (auto it = words.begin(); it + static_cast<std::ptrdiff_t>(n) <= words.end(); ++it)
    ++counts[Words(it, it + static_cast<std::ptrdiff_t>(n))];
  return counts;
}

double ngram_score(const Words& predicted, const Words& wanted, size_t n) {
  if (predicted.size() < n || wanted.size() < n) return 0;
  const auto reference = ngrams(wanted, n);
  size_t matches = 0;
  for (const auto& [ngram, count] : ngrams(predicted, n)) {
    const auto found = reference.find(ngram);
    if (found != reference.end()) matches += std::min(count, found->second);
  }
  return f_score(matches, predicted.size() - n + 1, wanted.size() - n + 1);
}

size_t longest_common_subsequence(const Words& a, const Words& b) {
  std::vector<size_t> row(b.size() + 1);
  for (const std::string& word : a) {
    size_t diagonal = 0;  // of the row before
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = word == b[j] ? diagonal + 1 : std::max(row[j], above);
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

void Rouge::add(std::string_view hypothesis, const std::vector<std::string>& references) {
  if (references.empty()) throw ShapeError("[rouge] a prediction needs a reference; got none. Pass at least one.");
  const Words predicted = words_of(hypothesis);
  std::array<double, 3> best{};
  for (const std::string& reference : references) {
    const Words wanted = words_of(reference);
    const std::array<double, 3> scores = {
        ngram_score(predicted, wanted, 1), ngram_score(predicted, wanted, 2),
        f_score(longest_common_subsequence(predicted, wanted), predicted.size(), wanted.size())};
    for (size_t k = 0; k < best.size(); ++k) best[k] = std::max(best[k], scores[k]);
  }
  for (size_t k = 0; k < best.size(); ++k) sums_[k] += best[k];
  ++count_;
}

double Rouge::mean(size_t kind) const {
  return count_ == 0 ? 0.0 : 100.0 * sums_[kind] / static_cast<double>(count_);
}

}  // namespace carousel::train
