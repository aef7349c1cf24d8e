// Scores of predicted tags, and of the spans that they mark.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace carousel::train {

/// Scores of a data set, added up sentence by sentence.
class TagScores {
 public:
  /// Equally many tags of one sentence each (ShapeError). `also_right`: whether what else is asked of the sentence is
  /// right, for sentence_accuracy().
  void add(std::span<const std::string> predicted, std::span<const std::string> wanted, bool also_right = true);

  /// Share of the tokens with the right tag; 0 for none.
  double accuracy() const;
  /// Share of the sentences with nothing wrong; 0 for none.
  double sentence_accuracy() const;
  /// Of the spans as conlleval finds and counts them (Tjong Kim Sang & Buchholz 2000): right is a predicted span with
  /// the same type, first and last token as a wanted one. precision: share of the predicted spans that are right;
  /// recall: share of the wanted ones that were found; f1: 2 p r / (p + r). 0 where there is nothing to divide by.
  double span_precision() const;
  double span_recall() const;
  double span_f1() const;

 private:
  int64_t sentences_ = 0, perfect_ = 0, tokens_ = 0, right_ = 0;
  int64_t predicted_spans_ = 0, wanted_spans_ = 0, right_spans_ = 0;
};

}  // namespace carousel::train
