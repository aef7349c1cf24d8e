// Scores of tags and spans.
#include "carousel/train/tagging.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::train {
namespace tagging_test {

using Tags = std::vector<std::string>;

TEST(TagScores, CountTokensSpansAndSentences) {
  TagScores scores;
  EXPECT_EQ(scores.accuracy(), 0);
  EXPECT_EQ(scores.span_f1(), 0);
  EXPECT_EQ(scores.sentence_accuracy(), 0);
  // Wanted: PER 0-2, LOC 3-4. Predicted: PER 0-2 (right), ORG 3-4 (another type), LOC 4-5.
  scores.add(Tags{"B-PER", "I-PER", "O", "B-ORG", "B-LOC"}, Tags{"B-PER", "I-PER", "O", "B-LOC", "O"});
  EXPECT_DOUBLE_EQ(scores.accuracy(), 3.0 / 5);
  EXPECT_DOUBLE_EQ(scores.span_precision(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(scores.span_recall(), 1.0 / 2);
  EXPECT_DOUBLE_EQ(scores.span_f1(), 2.0 / 5);
  scores.add(Tags{"O"}, Tags{"O"});
  scores.add(Tags{"S-X"}, Tags{"B-X"});
  EXPECT_DOUBLE_EQ(scores.span_f1(), 4.0 / 7) << "one scheme's span is that of another";
  EXPECT_DOUBLE_EQ(scores.sentence_accuracy(), 1.0 / 3);
  scores.add(Tags{"O"}, Tags{"O"}, false);
  EXPECT_DOUBLE_EQ(scores.sentence_accuracy(), 1.0 / 4) << "something else was wrong";
  EXPECT_DOUBLE_EQ(scores.accuracy(), 5.0 / 8);
}

TEST(TagScores, ASpanCutShortIsWrong) {
  TagScores scores;
  scores.add(Tags{"B-X", "O", "O"}, Tags{"B-X", "I-X", "O"});
  scores.add(Tags{"B-X", "I-X", "I-X"}, Tags{"B-X", "I-X", "O"});
  scores.add(Tags{"O", "I-X", "O"}, Tags{"B-X", "I-X", "O"});
  EXPECT_EQ(scores.span_f1(), 0);
  EXPECT_DOUBLE_EQ(scores.accuracy(), 6.0 / 9);
}

TEST(TagScores, RefuseUnequalNumbers) {
  EXPECT_EQ(testing::error_of<ShapeError>([] {
              TagScores().add(Tags{"O"}, Tags{"O", "O"});
            }),
            "[tag scores] each token needs a predicted and a wanted tag; got 1 and 2. Pass one of each.");
}

}  // namespace tagging_test
}  // namespace carousel::train
