#include "carousel/data/naive_bayes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace naive_bayes_test {

using Ids = std::vector<int32_t>;

const std::vector<Ids> kTexts = {{0, 1, 0}, {0, 2, 0}, {0, 3}, {4, 5, 0}};
const std::vector<int64_t> kClasses = {0, 0, 0, 1};

TEST(NaiveBayes, IsTheExampleOfTheBookOverDistinctSymbols) {
  // Manning et al., example 13.1: Chinese 0, Beijing 1, Shanghai 2, Macao 3, Tokyo 4, Japan 5; a symbol counts once a
  // text. The priors here are smoothed too: 4 and 2 in place of 3 and 1.
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, 6);
  const std::vector<double> p = bayes.probabilities(Ids{0, 0, 0, 4, 5});
  const double china = 4.0 * (4.0 / 12) * (1.0 / 12) * (1.0 / 12);
  const double other = 2.0 * (2.0 / 9) * (2.0 / 9) * (2.0 / 9);
  ASSERT_EQ(p.size(), 2u);
  EXPECT_NEAR(p[0], china / (china + other), 1e-12);
  EXPECT_NEAR(p[0] + p[1], 1, 1e-12);
}

TEST(NaiveBayes, AnOpinionIsTheMeanFreeLikelihoodOverTheRootOfItsFeatures) {
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, 8);
  const double china = std::log(4.0 / 14 * 1.0 / 14), other = std::log(2.0 / 11 * 2.0 / 11);
  // Symbol 7 was never seen and says nothing, not even that there is one more feature.
  const std::vector<float> opinion = bayes.opinion(Ids{0, 4, 7});
  EXPECT_NEAR(opinion[0], (china - other) / 2 / std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(opinion[1], (other - china) / 2 / std::sqrt(2.0), 1e-6);
  EXPECT_EQ(bayes.opinion(Ids{}), (std::vector<float>{0, 0}));
}

TEST(NaiveBayes, RunsTellOrderApart) {
  const std::vector<Ids> texts = {{0, 1}, {1, 0}, {0, 1}, {1, 0}};
  const std::vector<int64_t> classes = {0, 1, 0, 1};
  const NaiveBayes symbols = NaiveBayes::learn(texts, classes, 2, 4), runs = NaiveBayes::learn(texts, classes, 2, 4, 2);
  EXPECT_EQ(symbols.opinion(Ids{0, 1})[0], symbols.opinion(Ids{0, 1})[1]);
  EXPECT_GT(runs.opinion(Ids{0, 1})[0], runs.opinion(Ids{0, 1})[1]);
  EXPECT_GT(runs.opinion(Ids{1, 0})[1], runs.opinion(Ids{1, 0})[0]);
  EXPECT_EQ(NaiveBayes::from_json(runs.to_json(), "m", 2, 4).opinion(Ids{0, 1}), runs.opinion(Ids{0, 1}));
}

TEST(NaiveBayes, SurvivesJsonAndRefusesOtherSizes) {
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, 6);
  const NaiveBayes loaded = NaiveBayes::from_json(bayes.to_json(), "m", 2, 6);
  EXPECT_EQ(loaded.probabilities(Ids{1, 4}), bayes.probabilities(Ids{1, 4}));
  EXPECT_EQ(testing::error_of<FormatError>([&] { NaiveBayes::from_json(bayes.to_json(), "m", 2, 7); }),
            "m: byte 0: [naive Bayes] there must be counts of 2 classes and 7 symbols or a power of two of slots; got "
            "2 and 12 counts. The file is "
            "damaged or not made by Carousel.");
  EXPECT_THROW(NaiveBayes::from_json(R"({"order":1,"texts":[1],"counts":[-1]})", "m", 1, 1), FormatError);
  EXPECT_THROW(NaiveBayes::from_json("[]", "m", 1, 1), FormatError);
  EXPECT_THROW(NaiveBayes::from_json(R"({"order":17,"texts":[1],"counts":[1]})", "m", 1, 1), FormatError);
  EXPECT_THROW(NaiveBayes::from_json(R"({"order":2,"texts":[1],"counts":[1,1,1]})", "m", 1, 1), FormatError);
}

TEST(NaiveBayes, IsEmptyWhereItsTableWouldBeTooLarge) {
  const NaiveBayes bayes = NaiveBayes::learn(kTexts, kClasses, 2, NaiveBayes::kMostCounts);
  EXPECT_TRUE(bayes.empty());
  EXPECT_TRUE(NaiveBayes::from_json(bayes.to_json(), "m", 2, 6).empty());
  EXPECT_EQ(testing::error_of<ShapeError>([&] { NaiveBayes::learn(kTexts, {}, 2, 6); }),
            "[naive Bayes] each text needs a class; got 4 and 0. Pass one of each.");
}

}  // namespace naive_bayes_test
}  // namespace carousel::data
