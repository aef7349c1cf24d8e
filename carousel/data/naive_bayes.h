// The simple classifier that stands beside a recurrent one: which runs of symbols a text holds, wherever they stand.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace carousel::data {

/// Multinomial naive Bayes with add-one smoothing (Manning, Raghavan & Schuetze 2008, "Introduction to information
/// retrieval", section 13.2) over the distinct features of a text (Wang & Manning 2012, "Baselines and bigrams"): its
/// symbols and, with an order above 1, its runs of up to `order` symbols, hashed to the slots of a table. Features that
/// training never had say nothing.
class NaiveBayes {
 public:
  /// Largest table: slots * num_classes. More runs than slots share them; a vocabulary that does not fit makes it
  /// empty.
  static constexpr int64_t kMostCounts = 2000000;
  static constexpr int64_t kMostOrder = 16;

  NaiveBayes() = default;
  /// `texts` and `classes` are equally many (ShapeError). Ids lie in [0, vocab_size), classes in [0, num_classes);
  /// order in [1, kMostOrder].
  static NaiveBayes learn(std::span<const std::vector<int32_t>> texts, std::span<const int64_t> classes,
                          int64_t num_classes, int64_t vocab_size, int64_t order = 1);

  bool empty() const { return counts_.empty(); }
  int64_t order() const { return order_; }
  /// p(class | text), [num_classes]; nothing when empty.
  std::vector<double> probabilities(std::span<const int32_t> text) const;
  /// What the features alone say of each class, [num_classes]: the sum of log p(feature | class), less its mean over
  /// the classes, over the square root of the number of features: they are not independent, and a long text shall not
  /// be surer than all short ones. Nothing when empty.
  std::vector<float> opinion(std::span<const int32_t> text) const;

  /// {"order": n, "texts": [...], "counts": [...]}: texts of each class, and of each slot how many texts of each class
  /// held it.
  std::string to_json() const;
  /// Throws FormatError naming `file` for another form, or sizes that do not fit.
  static NaiveBayes from_json(const std::string& json, const std::string& file, int64_t num_classes,
                              int64_t vocab_size);

 private:
  struct Likelihoods {
    std::vector<double> logs;  ///< [num_classes]
    int64_t features = 0;      ///< that said something
  };
  int64_t num_classes() const { return static_cast<int64_t>(texts_.size()); }
  std::vector<size_t> features(std::span<const int32_t> text) const;
  Likelihoods likelihoods(std::span<const int32_t> text) const;
  void sum();

  int64_t order_ = 1;
  size_t slots_ = 0;
  std::vector<int64_t> texts_;   ///< [num_classes]
  std::vector<int64_t> counts_;  ///< [slots, num_classes]
  std::vector<int64_t> totals_;  ///< [num_classes]
};

}  // namespace carousel::data
