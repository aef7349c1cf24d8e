#include "carousel/data/naive_bayes.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace {

using Ids = std::vector<int32_t>;

const std::vector<Ids> kTexts = {{0, 1, 0}, {0, 2, 0}, {0, 3}, {4, 5, 0}};
const std::vector<int64_t> kClasses = {0, 0, 0, 1};

TEST(NaiveBayes, IsTheExampleOfTheBook) {
  // Manning et al., example 13.1: Chinese 0, Beijing 1, Shanghai 2, Macao 3, Tokyo 4, Japan 5. The priors here are
  // smoothed too: 4 and 2 in place of 3 and 1.
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, 6);
  const std::vector<double> p = bayes.probabilities(Ids{0, 0, 0, 4, 5});
  const double china = 4.0 * (3.0 / 7) * (3.0 / 7) * (3.0 / 7) * (1.0 / 14) * (1.0 / 14);
  const double other = 2.0 * (2.0 / 9) * (2.0 / 9) * (2.0 / 9) * (2.0 / 9) * (2.0 / 9);
  ASSERT_EQ(p.size(), 2u);
  EXPECT_NEAR(p[0], china / (china + other), 1e-12);
  EXPECT_NEAR(p[0] + p[1], 1, 1e-12);
}

TEST(NaiveBayes, SurvivesJsonAndRefusesOtherSizes) {
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, 6);
  const NaiveBayes loaded = NaiveBayes::from_json(bayes.to_json(), "m", 2, 6);
  EXPECT_EQ(loaded.probabilities(Ids{1, 4}), bayes.probabilities(Ids{1, 4}));
  EXPECT_EQ(
      testing::error_of<FormatError>([&] { NaiveBayes::from_json(bayes.to_json(), "m", 2, 7); }),
      "m: byte 0: [naive Bayes] there must be counts of 2 classes and 7 symbols; got 2 and 12 counts. The file is "
      "damaged or not made by Carousel.");
  EXPECT_THROW(NaiveBayes::from_json(R"({"texts":[1],"counts":[-1]})", "m", 1, 1), FormatError);
  EXPECT_THROW(NaiveBayes::from_json("[]", "m", 1, 1), FormatError);
}

TEST(NaiveBayes, IsEmptyWhereItsTableWouldBeTooLarge) {
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, NaiveBayes::kMostCounts);
  EXPECT_TRUE(bayes.empty());
  EXPECT_TRUE(NaiveBayes::from_json(bayes.to_json(), "m", 2, 6).empty());
  EXPECT_EQ(testing::error_of<ShapeError>([&] { NaiveBayes::learn(kTexts, {}, 2, 6); }),
            "[naive Bayes] each text needs a class; got 4 and 0. Pass one of each.");
}

}  // namespace
}  // namespace carousel::data
