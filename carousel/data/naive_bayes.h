// The simple classifier that stands beside a recurrent one: which symbols a text holds, whatever their order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace carousel::data {

/// Multinomial naive Bayes with add-one smoothing (Manning, Raghavan & Schuetze 2008, "Introduction to information
/// retrieval", section 13.2).
class NaiveBayes {
 public:
  /// Larger tables are not kept: num_classes * vocab_size counts.
  static constexpr int64_t kMostCounts = 2000000;

  NaiveBayes() = default;
  /// Counts symbols; `texts` and `classes` are equally many (ShapeError). Ids lie in [0, vocab_size), classes in [0,
  /// num_classes). Empty when the table would be too large.
  static NaiveBayes learn(std::span<const std::vector<int32_t>> texts, std::span<const int64_t> classes,
                          int64_t num_classes, int64_t vocab_size);

  bool empty() const { return counts_.empty(); }
  /// p(class | symbols), [num_classes]; nothing when empty.
  std::vector<double> probabilities(std::span<const int32_t> text) const;

  /// {"texts": [...], "counts": [...]}: texts of each class, and of each class how often each symbol occurred.
  std::string to_json() const;
  /// Throws FormatError naming `file` for another form, or sizes that do not fit.
  static NaiveBayes from_json(const std::string& json, const std::string& file, int64_t num_classes,
                              int64_t vocab_size);

 private:
  void sum();

  std::vector<int64_t> texts_;   ///< [num_classes]
  std::vector<int64_t> counts_;  ///< [num_classes, vocab_size]
  std::vector<int64_t> totals_;  ///< [num_classes]
};

}  // namespace carousel::data
