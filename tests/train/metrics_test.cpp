// Expected values of BLEU and chrF come from an independent implementation of the published definitions in Python; the
// first ("readme") case is the example in sacreBLEU's documentation: BLEU = 48.53, chrF2 = 59.73.
#include "carousel/train/metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "carousel/base/error.h"

namespace carousel::train {
namespace metrics_test {

using Tokens = std::vector<std::string>;

Tokens letters(const std::string& text) {
  Tokens tokens;
  for (const char c : text) tokens.emplace_back(1, c);
  return tokens;
}

TEST(Levenshtein, CountsEdits) {
  EXPECT_EQ(levenshtein(letters("kitten"), letters("sitting")), 3);
  EXPECT_EQ(levenshtein(letters(""), letters("abc")), 3);
  EXPECT_EQ(levenshtein(letters("abc"), letters("")), 3);
  EXPECT_EQ(levenshtein(letters("ab"), letters("ba")), 2);  // a swap is two edits here
}

TEST(Levenshtein, IsAMetric) {
  const bool holds = rc::check([] {
    const auto word = rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc")));
    const Tokens a = letters(*word), b = letters(*word), c = letters(*word);
    RC_ASSERT((levenshtein(a, b) == 0) == (a == b));
    RC_ASSERT(levenshtein(a, b) == levenshtein(b, a));
    RC_ASSERT(levenshtein(a, c) <= levenshtein(a, b) + levenshtein(b, c));
  });
  EXPECT_TRUE(holds);
}

TEST(ErrorRates, TakesTheNearestReference) {
  ErrorRates rates;
  rates.add(letters("abcd"), {letters("xxxx"), letters("abcd")});   // right
  rates.add(letters("abcd"), {letters("abxd"), letters("abcxx")});  // one edit in four
  rates.add(letters("ab"), {letters("a"), letters("abc")});         // one edit each: the longer counts
  EXPECT_EQ(rates.sequences(), 3);
  EXPECT_DOUBLE_EQ(rates.sequence_error_rate(), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(rates.token_error_rate(), 2.0 / 11.0);
}

TEST(ErrorRates, NothingIsNoError) {
  const ErrorRates rates;
  EXPECT_EQ(rates.sequence_error_rate(), 0.0);
  EXPECT_EQ(rates.token_error_rate(), 0.0);
}

TEST(Tokenize13a, SeparatesPunctuationAsMteval) {
  EXPECT_EQ(tokenize_13a("Hello, world! (1,000.5 \"yes\" - 3-4) a..b U.S.A. &amp;&quot;x&lt;<skipped>"),
            "Hello , world ! ( 1,000.5 \" yes \" - 3 - 4 ) a . . b U . S . A . & \" x <");
  EXPECT_EQ(tokenize_13a("It's 5.0, 3,5 and x.5,"), "It's 5.0 , 3,5 and x . 5 ,");
  EXPECT_EQ(tokenize_13a(" na\xC3\xAFve\xE2\x80\x94"
                         "caf\xC3\xA9. \xE6\x97\xA5\xE6\x9C\xAC,\xE8\xAA\x9E "),
            "na\xC3\xAFve\xE2\x80\x94"
            "caf\xC3\xA9 . \xE6\x97\xA5\xE6\x9C\xAC , \xE8\xAA\x9E");
  EXPECT_EQ(tokenize_13a("..."), ". . .");
  EXPECT_EQ(tokenize_13a("-3 -x 3-x"), "-3 -x 3 - x");
  EXPECT_EQ(tokenize_13a(".5,,."), ". 5 , , .");
  EXPECT_EQ(tokenize_13a(""), "");
}

struct Case {
  std::string name;
  std::vector<std::string> hypotheses;
  std::vector<std::vector<std::string>> references;  // by hypothesis
  double bleu, chrf;
};

std::vector<Case> cases() {
  const std::vector<std::string> dog = {"The dog bit the man.", "It wasn't surprising.",
                                        "The man had just bitten him."};
  return {
      {"readme",
       dog,
       {{"The dog bit the man.", "The dog had bit the man."},
        {"It was not unexpected.", "No one was surprised."},
        {"The man bit him first.", "The man had bitten the dog."}},
       48.53082700992989,
       59.72751782684764},
      {"one reference",
       dog,
       {{"The dog bit the man."}, {"It was not unexpected."}, {"The man bit him first."}},
       45.06750632106116,
       50.0430636065823},
      {"an order without a match is smoothed",
       {"the cat sat on a mat today", "b"},
       {{"the cat ran on the mat now"}, {"c"}},
       15.106876986783844,
       28.89390551542254},
      {"no segment has four words", {"a b", "c"}, {{"a b"}, {"c"}}, 0.0, 100.0},
      {"nothing matches", {"x y z w"}, {{"a b c d"}}, 0.0, 0.0},
      {"repeated words are clipped",
       {"the the the the the"},
       {{"the cat is on the mat over there", "there is a cat on the mat"}},
       8.515289178380433,
       16.34755181192134},
      {"characters are code points",
       {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xE3\x81\xAE\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88 "
        "\xE3\x81\xA7\xE3\x81\x99\xE3\x80\x82 caf\xC3\xA9"},
       {{"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xAE\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88\xE3\x81\xA7\xE3\x81\x97"
         "\xE3\x81\x9F\xE3\x80\x82 cafe au lait noir"}},
       0.0,
       34.24882844267556},
      {"an empty hypothesis", {"", "a b c d e"}, {{"x"}, {"a b c d e"}}, 81.87307530779819, 97.31543624161074},
  };
}

TEST(Bleu, AgreesWithTheDefinition) {
  for (const Case& sample : cases()) {
    Bleu bleu;
    for (size_t i = 0; i < sample.hypotheses.size(); ++i) bleu.add(sample.hypotheses[i], sample.references[i]);
    EXPECT_NEAR(bleu.score(), sample.bleu, 1e-9) << sample.name;
  }
}

TEST(Chrf, AgreesWithTheDefinition) {
  for (const Case& sample : cases()) {
    Chrf chrf;
    for (size_t i = 0; i < sample.hypotheses.size(); ++i) chrf.add(sample.hypotheses[i], sample.references[i]);
    EXPECT_NEAR(chrf.score(), sample.chrf, 1e-9) << sample.name;
  }
}

TEST(Rouge, CountsWordsPairsAndTheLongestCommonSubsequence) {
  Rouge one;
  // 6 of 7 and 6 of 6 words; of the pairs "the cat", "cat was", "under the", "the bed": 4 of 6 and 4 of 5.
  one.add("The cat was found under the bed.", {"the cat was under the bed"});
  EXPECT_NEAR(one.score_1(), 100 * 12.0 / 13, 1e-9);
  EXPECT_NEAR(one.score_2(), 100 * 8.0 / 11, 1e-9);
  EXPECT_NEAR(one.score_l(), 100 * 12.0 / 13, 1e-9);
  Rouge order;  // all words, but in an order of which two stay
  order.add("c a b", {"a-b (c)"});
  EXPECT_NEAR(order.score_1(), 100, 1e-9);
  EXPECT_NEAR(order.score_2(), 50, 1e-9);
  EXPECT_NEAR(order.score_l(), 100 * 2.0 / 3, 1e-9);
  Rouge clipped;
  clipped.add("the the the", {"the cat"});
  EXPECT_NEAR(clipped.score_1(), 100 * 2.0 / 5, 1e-9);
}

TEST(Rouge, EqualsTheExampleOfRougeScore) {
  Rouge rouge;  // README of google-research/rouge: F1 0.7058823529411765 and 0.5882352941176471
  rouge.add("The quick brown dog jumps on the log.", {"The quick brown fox jumps over the lazy dog"});
  EXPECT_NEAR(rouge.score_1(), 70.58823529411765, 1e-9);
  EXPECT_NEAR(rouge.score_l(), 58.82352941176471, 1e-9);
}

TEST(Rouge, TakesTheBestReferenceAndTheMeanOverPredictions) {
  Rouge rouge;
  rouge.add("a b", {"x y", "a b"});
  rouge.add("a b", {"x y"});
  rouge.add("", {"x"});
  rouge.add("\xC3\x89t\xC3\xA9 42", {"\xC3\xA9t\xC3\xA9, 42!"});
  EXPECT_NEAR(rouge.score_1(), 50, 1e-9);
  EXPECT_NEAR(rouge.score_2(), 50, 1e-9);
  EXPECT_NEAR(rouge.score_l(), 50, 1e-9);
  EXPECT_EQ(Rouge().score_1(), 0);
}

/// The longest common subsequence by trying all of them.
size_t longest_by_trial(std::string_view a, std::string_view b) {
  size_t best = 0;
  for (uint32_t kept = 0; kept < (1u << a.size()); ++kept) {
    size_t at = 0, length = 0;
    bool fits = true;
    for (size_t i = 0; i < a.size() && fits; ++i) {
      if ((kept >> i & 1u) == 0) continue;
      at = b.find(a[i], at);
      fits = at != std::string_view::npos;
      ++at;
      ++length;
    }
    if (fits) best = std::max(best, length);
  }
  return best;
}

TEST(Rouge, LongestCommonSubsequenceEqualsATrialOfAll) {
  for (uint32_t round = 0; round < 200; ++round) {
    std::string a, b, spaced_a, spaced_b;
    for (uint32_t i = 0; i < 8; ++i) {
      a += static_cast<char>('a' + (round * 7 + i * i * 3 + round * i) % 3);
      b += static_cast<char>('a' + (round * 5 + i * 11 + round * i * i) % 3);
      spaced_a += std::string(1, a.back()) + " ";
      spaced_b += std::string(1, b.back()) + " ";
    }
    Rouge rouge;
    rouge.add(spaced_a, {spaced_b});
    EXPECT_NEAR(rouge.score_l(), 100.0 * static_cast<double>(longest_by_trial(a, b)) / 8, 1e-9) << a << " " << b;
  }
}

TEST(Bleu, AnEmptyTextIsWantedWhereNoReferenceHasMore) {
  Bleu bleu;
  Chrf chrf;
  bleu.add("a b c d e", {"a b c d e", ""});
  chrf.add("a b c d e", {"", "a b c d e"});
  bleu.add("", {"", ""});
  chrf.add("", {""});
  EXPECT_NEAR(bleu.score(), 100, 1e-9);
  EXPECT_NEAR(chrf.score(), 100, 1e-9);
}

TEST(Bleu, NothingScoresZero) {
  EXPECT_EQ(Bleu().score(), 0.0);
  EXPECT_EQ(Chrf().score(), 0.0);
}

TEST(Metrics, APredictionNeedsAReference) {
  const auto text_of = [](auto call) -> std::string {
    try {
      call();
    } catch (const ShapeError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(text_of([] { Bleu().add("a", {}); }),
            "[bleu] a prediction needs a reference; got none. Pass at least one.");
  EXPECT_EQ(text_of([] { Chrf().add("a", {}); }),
            "[chrf] a prediction needs a reference; got none. Pass at least one.");
  EXPECT_EQ(text_of([] { Rouge().add("a", {}); }),
            "[rouge] a prediction needs a reference; got none. Pass at least one.");
  EXPECT_EQ(text_of([] { ErrorRates().add({}, {}); }),
            "[error_rates] a prediction needs a reference; got none. Pass at least one.");
}

}  // namespace metrics_test
}  // namespace carousel::train
