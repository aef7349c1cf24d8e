// Unigram subwords against all segmentations, written out.
#include "carousel/data/unigram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/data/tokenizer.h"
#include "carousel/data/unicode.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace unigram_test {

using Symbols = std::vector<UnigramModel::Symbol>;
using Cut = std::vector<std::string>;

/// Random symbols over a few letters, one of two bytes; all single letters but "z" are among them.
UnigramModel random_model(uint64_t seed) {
  static const std::vector<std::string> letters = {"a", "b", "\xC3\xBC", " "};
  Rng rng(seed, 0);
  std::map<std::string, double> chosen;
  for (const std::string& letter : letters) chosen[letter] = -1 - 5 * static_cast<double>(rng.uniform());
  for (int i = 0; i < 25; ++i) {
    std::string text;
    for (uint64_t k = 2 + rng.below(3); k > 0; --k) text += letters[rng.below(letters.size())];
    chosen[text] = -1 - 7 * static_cast<double>(rng.uniform());
  }
  Symbols symbols;
  for (const auto& [text, score] : chosen) symbols.push_back({text, score});
  return UnigramModel(std::move(symbols));
}

std::string random_piece(Rng& rng) {
  static const std::vector<std::string> letters = {"a", "b", "\xC3\xBC", " ", "z"};
  std::string piece;
  for (uint64_t k = 1 + rng.below(10); k > 0; --k) piece += letters[rng.below(letters.size())];
  return piece;
}

/// All ways to cut a piece into symbols, with the log-probability of each.
std::map<Cut, double> all_cuts(const UnigramModel& model, const std::string& piece) {
  std::map<std::string, double> scores;
  double rarest = 0;
  for (const auto& symbol : model.symbols()) {
    scores[symbol.text] = symbol.log_probability;
    rarest = std::min(rarest, symbol.log_probability);
  }
  const auto points = code_points(piece);
  std::map<Cut, double> cuts;
  for (uint64_t mask = 0; mask < uint64_t{1} << (points.size() - 1); ++mask) {
    Cut cut(1);
    for (size_t i = 0; i < points.size(); ++i) {
      cut.back() += points[i];
      if (i + 1 < points.size() && (mask >> i & 1) != 0) cut.emplace_back();
    }
    double sum = 0;
    bool fits = true;
    for (const std::string& text : cut) {
      const bool known = scores.contains(text);
      fits = fits && (known || count_code_points(text) == 1);
      sum += known ? scores[text] : rarest - 10;
    }
    if (fits) cuts[cut] = sum;
  }
  return cuts;
}

TEST(Unigram, TheBestSegmentationIsThatOfAll) {
  Rng rng(5, 0);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const UnigramModel model = random_model(seed);
    for (int i = 0; i < 10; ++i) {
      const std::string piece = random_piece(rng);
      const auto cuts = all_cuts(model, piece);
      double best = -1e300;
      for (const auto& [cut, score] : cuts) best = std::max(best, score);
      Cut found;
      model.split(piece, [&](std::string_view symbol) { found.emplace_back(symbol); });
      ASSERT_TRUE(cuts.contains(found)) << piece;
      EXPECT_NEAR(cuts.at(found), best, 1e-9) << piece;
      EXPECT_NEAR(model.best(piece, -1, nullptr), best, 1e-9);
    }
  }
}

TEST(Unigram, TheBestWithoutASymbolDoesNotUseIt) {
  const UnigramModel model = random_model(3);
  for (size_t without = 0; without < model.symbols().size(); ++without) {
    const std::string& text = model.symbols()[without].text;
    double best = -1e300;
    for (const auto& [cut, score] : all_cuts(model, text))
      if (cut.size() > 1) best = std::max(best, score);
    if (best == -1e300) continue;  // a single code point
    EXPECT_NEAR(model.best(text, static_cast<int64_t>(without), nullptr), best, 1e-9) << text;
  }
}

TEST(Unigram, ExpectedCountsAndProbabilityAreThoseOfAllSegmentations) {
  Rng rng(6, 0);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const UnigramModel model = random_model(seed);
    const std::string piece = random_piece(rng);
    std::map<std::string, double> expected;
    double total = 0;
    const auto cuts = all_cuts(model, piece);
    for (const auto& [cut, score] : cuts) total += std::exp(score);
    for (const auto& [cut, score] : cuts)
      for (const std::string& text : cut) expected[text] += 3 * std::exp(score) / total;
    std::vector<double> counts(model.symbols().size(), 0.0);
    EXPECT_NEAR(model.add_expected(piece, 3, counts), std::log(total), 1e-9) << piece;
    for (size_t i = 0; i < counts.size(); ++i)
      EXPECT_NEAR(counts[i], expected[model.symbols()[i].text], 1e-9) << piece << " " << model.symbols()[i].text;
  }
}

TEST(Unigram, SamplesComeAsOftenAsTheirPowerOfProbability) {
  const UnigramModel model = random_model(8);
  const std::string piece =
      "ab\xC3\xBC"
      "abz";
  for (const double alpha : {0.0, 0.3, 1.0}) {
    const auto cuts = all_cuts(model, piece);
    double total = 0;
    for (const auto& [cut, score] : cuts) total += std::exp(alpha * score);
    std::map<Cut, int> drawn;
    Rng rng(9, 0);
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      Cut cut;
      model.sample(piece, alpha, rng, [&](std::string_view symbol) { cut.emplace_back(symbol); });
      ++drawn[cut];
    }
    for (const auto& [cut, times] : drawn) ASSERT_TRUE(cuts.contains(cut));
    for (const auto& [cut, score] : cuts) {
      const double p = std::exp(alpha * score) / total;
      EXPECT_NEAR(drawn[cut] / static_cast<double>(kDraws), p, 4.5 * std::sqrt(p * (1 - p) / kDraws) + 1e-4);
    }
  }
}

/// Mean log-probability of pieces, summed over all segmentations.
double likelihood(const UnigramModel& model, const SymbolCounts& pieces) {
  std::vector<double> counts(model.symbols().size(), 0.0);
  double sum = 0;
  for (const auto& [piece, times] : pieces.symbols())
    sum += static_cast<double>(times) * model.add_expected(piece, static_cast<double>(times), counts);
  return sum;
}

SymbolCounts inflected() {
  SymbolCounts pieces;
  for (const char* stem : {" walk", " talk", " jump", " look", " cook", " play"})
    for (const char* end : {"", "s", "ed", "ing", "er", "ers"}) pieces.add(std::string(stem) + end, 7);
  return pieces;
}

TEST(Unigram, LearnsStemsAndEndings) {
  const SymbolCounts pieces = inflected();
  const UnigramModel model = UnigramModel::learn(pieces, 12);
  const auto cut_of = [&](const std::string& piece) {
    Cut cut;
    model.split(piece, [&](std::string_view symbol) { cut.emplace_back(symbol); });
    return cut;
  };
  EXPECT_EQ(cut_of(" walking"), (Cut{" walk", "ing"}));
  EXPECT_EQ(cut_of(" jumped"), (Cut{" jump", "ed"}));
  double sum = 0;
  int64_t several = 0;
  for (const auto& symbol : model.symbols()) {
    sum += std::exp(symbol.log_probability);
    several += count_code_points(symbol.text) > 1;
  }
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_LE(several, 12);
  EXPECT_GE(several, 8);
}

TEST(Unigram, MoreSymbolsExplainTheTextBetter) {
  const SymbolCounts pieces = inflected();
  double before = -1e300;
  for (const int64_t most : {0, 3, 6, 12, 24}) {
    const double now = likelihood(UnigramModel::learn(pieces, most), pieces);
    EXPECT_GT(now, before) << most;
    before = now;
  }
}

TEST(Unigram, ATokenizerIsSavedAndLoaded) {
  const std::vector<std::string_view> texts = {"the cat sat on the mat", "the cats sat on the mats",
                                               "na\xC3\xAFve cats"};
  const auto tokenizer = make_tokenizer(texts, {"unigram", {}, 1, 8, 0});
  const auto loaded = Tokenizer::from_json(tokenizer->to_json(), "m");
  EXPECT_EQ(loaded->to_json(), tokenizer->to_json());
  EXPECT_EQ(loaded->kind(), "unigram");
  for (const std::string_view text : {"the cats on na\xC3\xAFve mats", "tac  eht q"}) {
    EXPECT_EQ(loaded->encode(text), tokenizer->encode(text));
  }
  EXPECT_EQ(loaded->decode(loaded->encode("the cats on mats")), "the cats on mats");
  EXPECT_LT(tokenizer->encode(texts[0]).size(), code_points(texts[0]).size());
}

TEST(Unigram, ATokenizerDrawsCutsOfTheSameText) {
  Rng rng(4, 0);
  std::string words;
  for (int i = 0; i < 400; ++i) {
    words += ' ';
    for (int k = 0; k < 6; ++k) words += static_cast<char>('a' + rng.below(3));
  }
  const std::vector<std::string_view> texts = {"abcabc aabbcc", words};
  const auto tokenizer = make_tokenizer(texts, {"unigram", {}, 1, 60, 0});
  std::set<Cut> drawn;
  for (int i = 0; i < 50; ++i) {
    const Cut cut = tokenizer->cut(texts[0], {0.2, &rng});
    std::string text;
    for (const std::string& symbol : cut) {
      EXPECT_TRUE(tokenizer->vocabulary().contains(symbol)) << symbol;
      text += symbol;
    }
    EXPECT_EQ(text, " abcabc aabbcc");
    drawn.insert(cut);
  }
  EXPECT_GT(drawn.size(), 10u);
  EXPECT_EQ(tokenizer->cut(texts[0], {1e6, &rng}), tokenizer->cut(texts[0]));
}

TEST(Unigram, WhatIsTooRareIsCutIntoWhatIsNot) {
  const std::vector<std::string_view> texts = {"abcd abcd abcd abcd abcd", "xy xy abab"};
  const auto tokenizer = make_tokenizer(texts, {"unigram", {}, 3, 8, 0});
  for (const int32_t id : tokenizer->encode("abcd abab")) EXPECT_NE(id, Vocabulary::kUnk);
  EXPECT_EQ(tokenizer->encode("x").back(), Vocabulary::kUnk);
}

TEST(Unigram, RefusesWhatItCouldNotHaveWritten) {
  const auto error = [](const std::string& symbols, const std::string& scores) {
    return testing::error_of<FormatError>([&] {
      Tokenizer::from_json(
          R"({"kind":"unigram","normalize":"none","letter_case":"keep","vocabulary":{"markers":["<s>",)"
          R"("</s>","<unk>"],"symbols":[)" +
              symbols + R"(]},"scores":[)" + scores + "]}",
          "m");
    });
  };
  EXPECT_NE(error(R"("a","b")", "-1").find("each symbol must have one of \"scores\"; got 1 for 2 symbols."),
            std::string::npos);
  EXPECT_NE(error(R"("a")", "0.5").find("a score must be the logarithm of a probability; got 0.5 for \"a\"."),
            std::string::npos);
  EXPECT_NE(error(R"("abcdefghijklmnopq")", "-1")
                .find("a symbol of unigram must have 16 characters at most; got \"abcdefghijklmnopq\"."),
            std::string::npos);
}

}  // namespace unigram_test
}  // namespace carousel::data
