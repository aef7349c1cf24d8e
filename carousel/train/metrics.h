// Scores of predicted sequences against one or more references each. Texts are valid UTF-8. BLEU, chrF and ROUGE run
// from 0 to 100, rates are fractions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::train {

/// Least number of insertions, deletions and substitutions that turn `a` into `b` (Levenshtein 1966).
int64_t levenshtein(std::span<const std::string> a, std::span<const std::string> b);

/// Sequence and token error rate of a corpus, added up prediction by prediction.
class ErrorRates {
 public:
  using Tokens = std::vector<std::string>;
  /// `references` has at least one element (ShapeError).
  void add(const Tokens& hypothesis, const std::vector<Tokens>& references);

  int64_t sequences() const { return sequences_; }
  /// Share of the predictions that equal none of their references; 0 for no predictions.
  double sequence_error_rate() const;
  /// Edits to the nearest reference over its length, both summed over the corpus; may pass 1. Nearest: fewest edits,
  /// of those the longest. NIST's sclite weighs a substitution by 4 and other edits by 3 and so may count more edits.
  double token_error_rate() const;

 private:
  int64_t sequences_ = 0;
  int64_t wrong_ = 0;
  int64_t edits_ = 0;
  int64_t reference_tokens_ = 0;
};

/// The references but empty ones beside others: as in sacreBLEU an empty text there stands for no reference. Of empty
/// ones alone all.
std::vector<std::string_view> given_references(const std::vector<std::string>& references);

/// The tokenisation "13a" of mteval-v13a.pl as in sacreBLEU: tokens separated by single spaces.
std::string tokenize_13a(std::string_view text);

/// Corpus BLEU (Papineni et al. 2002) as sacreBLEU computes it (Post 2018): 13a tokenisation, n-grams to 4, exponential
/// smoothing of orders without a match, length of the closest reference (the shorter when two are as close), no white
/// space at the ends of texts. Deviation: a row may have empty references alone, which sacreBLEU refuses.
class Bleu {
 public:
  static constexpr size_t kOrder = 4;
  /// `references` has at least one element (ShapeError).
  void add(std::string_view hypothesis, const std::vector<std::string>& references);
  double score() const;

 private:
  std::array<int64_t, kOrder> matches_{}, totals_{};
  int64_t hypothesis_length_ = 0;
  int64_t reference_length_ = 0;
};

/// Corpus chrF2 (Popovic 2015) as sacreBLEU computes it: character n-grams to 6 without white space, no words, beta 2,
/// precision and recall averaged over the orders; of several references the one with the best sentence score counts.
/// Deviation: as in Bleu.
class Chrf {
 public:
  static constexpr size_t kOrder = 6;
  /// `references` has at least one element (ShapeError).
  void add(std::string_view hypothesis, const std::vector<std::string>& references);
  double score() const;

 private:
  struct Counts {
    int64_t hypothesis = 0, reference = 0, matches = 0;
  };
  using Statistics = std::array<Counts, kOrder>;
  static double f_score(const Statistics& statistics);
  Statistics sums_{};
};

/// ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) as Google's rouge_score computes them without stemming: F1 of each
/// prediction, the best of its references for each kind, then the mean. ROUGE-L takes a text as one sequence.
/// Deviation: words are runs of letters, marks and digits of any script, where rouge_score keeps a-z and 0-9 alone.
class Rouge {
 public:
  /// `references` has at least one element (ShapeError).
  void add(std::string_view hypothesis, const std::vector<std::string>& references);
  double score_1() const { return mean(0); }
  double score_2() const { return mean(1); }
  double score_l() const { return mean(2); }

 private:
  double mean(size_t kind) const;
  std::array<double, 3> sums_{};
  int64_t count_ = 0;
};

}  // namespace carousel::train
