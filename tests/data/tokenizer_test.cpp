#include "carousel/data/tokenizer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/bpe.h"
#include "carousel/data/choose.h"
#include "carousel/data/tokenizers/byte_symbols.h"
#include "carousel/data/tokenizers/pieces.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace tokenizer_test {

using testing::error_of;

using Texts = std::vector<std::string_view>;

const Texts kSentences = {"the cat sat on the mat.", "the cats sat on the mats!", "a cat, the cat, that cat",
                          "on 12 mats sat 12 cats", "na\xC3\xAFve \xE6\x97\xA5\xE6\x9C\xAC cat's"};

std::vector<std::unique_ptr<Tokenizer>> all_kinds(const Texts& texts) {
  std::vector<std::unique_ptr<Tokenizer>> kinds;
  kinds.push_back(make_character_tokenizer(texts, {}, 1));
  kinds.push_back(make_word_tokenizer(texts, {}, 1));
  kinds.push_back(make_bpe_tokenizer(texts, {}, 1, 30));
  kinds.push_back(make_tokenizer(texts, {"byte_bpe", {}, 1, 30, 0}));
  kinds.push_back(make_tokenizer(texts, {"unigram", {}, 1, 30, 0}));
  return kinds;
}

TEST(Tokenizer, DecodeUndoesEncode) {
  for (const auto& tokenizer : all_kinds(kSentences)) {
    for (const std::string_view text : kSentences) {
      const auto ids = tokenizer->encode(text);
      EXPECT_EQ(tokenizer->decode(ids), text) << tokenizer->kind();
      EXPECT_TRUE(tokenizer->unknown_symbols(text).empty());
      EXPECT_EQ(tokenizer->symbols(ids).size(), ids.size());
    }
  }
}

TEST(Tokenizer, DecodeUndoesEncodeForAnyTextOverKnownCharacters) {
  const auto characters = make_character_tokenizer(kSentences, {}, 1);
  const auto bpe = make_bpe_tokenizer(kSentences, {}, 1, 30);
  const bool holds = rc::check([&] {
    const auto letters = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("catsonhem. ,!12'  ")));
    RC_ASSERT(characters->decode(characters->encode(letters)) == trim(letters));
    std::string single_spaced;
    for (const std::string_view word : split_words(letters)) {
      if (!single_spaced.empty()) single_spaced += ' ';
      single_spaced += word;
    }
    RC_ASSERT(bpe->decode(bpe->encode(letters)) == single_spaced);
  });
  EXPECT_TRUE(holds);
}

TEST(Tokenizer, AnEncoderThatRemembersGivesTheSame) {
  for (const auto& tokenizer : all_kinds(kSentences)) {
    Encoder encoder(*tokenizer);
    for (int round = 0; round < 2; ++round)
      for (const std::string_view text : kSentences) {
        std::vector<int32_t> ids = {7};
        EXPECT_EQ(encoder.encode(text, ids), count_code_points(text));
        ids.erase(ids.begin());
        EXPECT_EQ(ids, tokenizer->encode(text)) << tokenizer->kind();
      }
  }
}

TEST(Tokenizer, AVocabularyEndsWithItsMostFrequentSymbols) {
  const auto tokenizer = make_tokenizer({"a a a b b c"}, {"words", {}, 1, 0, 2});
  EXPECT_EQ(tokenizer->vocabulary().size(), Vocabulary::kMarkers + 2);
  EXPECT_EQ(tokenizer->unknown_symbols("a b c"), (std::vector<std::string>{"c"}));
}

TEST(Tokenizer, WordPunctTakesPunctuationApart) {
  const auto tokenizer = make_wordpunct_tokenizer({"the cats sat, on 12 mats!"}, {}, 1);
  const auto ids = tokenizer->encode("(the mats!, 12cats)");
  EXPECT_EQ(tokenizer->symbols(ids),
            (std::vector<std::string>{"<unk>", "the", "mats", "<unk>", "12", "cats", "<unk>"}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("the mats! 12cats")), "the mats ! 12 cats");
  const auto loaded = Tokenizer::from_json(tokenizer->to_json(), "m");
  EXPECT_EQ(loaded->kind(), "wordpunct");
  EXPECT_EQ(loaded->encode("(the mats!, 12cats)"), ids);
}

TEST(Tokenizer, BytesLeaveNothingUnknown) {
  const auto tokenizer = make_tokenizer(kSentences, {"byte_bpe", {}, 2, 30, 10});
  EXPECT_GE(tokenizer->vocabulary().size(), Vocabulary::kMarkers + 256) << "no bound leaves a byte out";
  EXPECT_TRUE(tokenizer->splits_characters());
  const std::string strange = "\xF0\x9F\x8E\xA0 r\xC3\xB3\xC5\x82 \xE3\x81\x82z~\xC2\xAD";
  const auto ids = tokenizer->encode(strange);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), Vocabulary::kUnk), 0);
  EXPECT_TRUE(tokenizer->unknown_symbols(strange).empty());
  EXPECT_EQ(tokenizer->decode(ids), strange);
  EXPECT_EQ(Tokenizer::from_json(tokenizer->to_json(), "m")->decode(ids), strange);
  // A part of a character is U+FFFD, and its bytes where symbols are shown.
  const auto first = std::vector<int32_t>(ids.begin() + 1, ids.begin() + 3);
  EXPECT_EQ(tokenizer->decode(first), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(tokenizer->symbols(first), (std::vector<std::string>{"<F0>", "<9F>"}));
  EXPECT_EQ(tokenizer->symbols(ids)[0], "\xE2\x90\xA3");
  // What would break a line into two is shown as what it is: nothing to print.
  const int32_t line_end = tokenizer->vocabulary().id("\xC4\x8A");
  ASSERT_NE(line_end, Vocabulary::kUnk);
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{line_end}), "\xEF\xBF\xBD");
}

TEST(Tokenizer, BytesAreWrittenAsInGpt2) {
  EXPECT_EQ(byte_symbols(" a\n\xC3"),
            "\xC4\xA0"
            "a\xC4\x8A\xC3\x83");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    EXPECT_EQ(bytes_of_symbols(byte_symbols(one)), one) << byte;
    EXPECT_EQ(count_code_points(byte_symbols(one)), 1) << byte;
  }
}

TEST(Tokenizer, LongPiecesOfBytesSurviveJson) {
  std::string word;
  for (int i = 0; i < 40; ++i) word += "\xF0\x9F\x8E\xA0";
  const auto tokenizer = make_tokenizer({word, word + " " + word}, {"byte_bpe", {}, 1, 1000, 0});
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(word)), word);
  EXPECT_EQ(Tokenizer::from_json(tokenizer->to_json(), "m")->encode(word), tokenizer->encode(word));
}

TEST(Tokenizer, SurvivesJson) {
  for (const auto& tokenizer : all_kinds(kSentences)) {
    const auto loaded = Tokenizer::from_json(tokenizer->to_json(), "m");
    EXPECT_EQ(loaded->kind(), tokenizer->kind());
    EXPECT_EQ(loaded->to_json(), tokenizer->to_json());
    for (const std::string_view text : kSentences) EXPECT_EQ(loaded->encode(text), tokenizer->encode(text));
  }
}

TEST(Tokenizer, UnknownSymbolsBecomeUnkAndAreNamedOnce) {
  const auto tokenizer = make_character_tokenizer({"abc"}, {}, 1);
  const auto ids = tokenizer->encode("axbxq");
  EXPECT_EQ(ids[1], Vocabulary::kUnk);
  EXPECT_EQ(tokenizer->decode(ids), "a<unk>b<unk><unk>");
  EXPECT_EQ(tokenizer->unknown_symbols("axbxq"), (std::vector<std::string>{"x", "q"}));
}

TEST(Tokenizer, DecodeLeavesOutBeginAndEnd) {
  const auto tokenizer = make_word_tokenizer({"go left"}, {}, 1);
  const std::vector<int32_t> ids = {Vocabulary::kBos, tokenizer->vocabulary().id("go"), Vocabulary::kEos};
  EXPECT_EQ(tokenizer->decode(ids), "go");
  EXPECT_EQ(tokenizer->symbols(ids).back(), "</s>");
  EXPECT_THROW(tokenizer->decode(std::vector<int32_t>{99}), ShapeError);
}

TEST(Tokenizer, TakesSyllablesApartAndPutsThemTogether) {
  const TextForm form{NormalForm::nfd, LetterCase::keep};
  const std::string word = "\xEA\xB0\x80\xEA\xB0\x90";  // two syllables of two and three letters
  const auto tokenizer = make_character_tokenizer({word}, form, 1);
  const auto ids = tokenizer->encode(word);
  EXPECT_EQ(ids.size(), 5u);
  EXPECT_EQ(tokenizer->decode(ids), word);
}

TEST(Tokenizer, FoldsCaseAsTheTrainingData) {
  const auto tokenizer = make_character_tokenizer({"ABC"}, {NormalForm::nfc, LetterCase::upper}, 1);
  EXPECT_EQ(tokenizer->encode("cab"), tokenizer->encode("CAB"));
}

TEST(Tokenizer, ShowsSpaces) {
  const auto tokenizer = make_character_tokenizer({"a b"}, {}, 1);
  EXPECT_EQ(tokenizer->symbols(tokenizer->encode("a b"))[1], "\xE2\x90\xA3");
}

TEST(Tokenizer, RefusesHostileJson) {
  const auto error = [](const std::string& json) {
    return error_of<FormatError>([&] { Tokenizer::from_json(json, "m"); });
  };
  const std::string vocabulary = R"("vocabulary":{"markers":["<s>","</s>","<unk>"],"symbols":["a"]})";
  const std::string form = R"("normalize":"none","letter_case":"keep",)";
  EXPECT_NE(
      error(R"({"kind":"runes",)" + form + vocabulary + "}")
          .find("[tokenizer] \"kind\" must be characters, words, wordpunct, bpe, byte_bpe or unigram; got \"runes\"."),
      std::string::npos);
  EXPECT_NE(error(R"({"kind":"words","normalize":"nfx","letter_case":"keep",)" + vocabulary + "}")
                .find("\"normalize\" must be none, nfc or nfd; got \"nfx\""),
            std::string::npos);
  EXPECT_NE(
      error(R"({"kind":"words","normalize":"nfc","letter_case":"","vocabulary":{}})").find("\"letter_case\" must be"),
      std::string::npos);
  EXPECT_NE(
      error(R"({"kind":"bpe",)" + form + vocabulary + R"(,"merges":["a"]})").find("\"merges\" must hold pairs; got 1"),
      std::string::npos);
  EXPECT_NE(error(R"({"kind":"bpe",)" + form + vocabulary + R"(,"merges":["ab","c"]})")
                .find("a merge must join two symbols that exist, once; got \"ab\" and \"c\" as merge 0"),
            std::string::npos);
  EXPECT_NE(error(R"({"kind":"bpe",)" + form + vocabulary + R"(,"merges":["a","b","a","b"]})").find("as merge 1"),
            std::string::npos);
}

TEST(BytePairs, LearnsTheExampleOfThePaper) {
  SymbolCounts pieces;  // Sennrich et al. 2016, algorithm 1, with a marker before the word instead of behind it
  pieces.add(" low", 5);
  pieces.add(" lower", 2);
  pieces.add(" newest", 6);
  pieces.add(" widest", 3);
  const BytePairs pairs = BytePairs::learn(pieces, 3);
  ASSERT_EQ(pairs.merges().size(), 3u);
  EXPECT_EQ(pairs.merges()[0], BytePairs::Merge("e", "s"));
  EXPECT_EQ(pairs.merges()[1], BytePairs::Merge("es", "t"));
  EXPECT_EQ(pairs.merges()[2].first, " ");
}

TEST(BytePairs, CutsWordsIntoClassesAndBoundedPieces) {
  const auto pieces_of = [](std::string_view text) {
    std::vector<std::string> pieces;
    each_piece(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
    return pieces;
  };
  EXPECT_EQ(pieces_of("don't  42nd"), (std::vector<std::string>{" don", "'", "t", " 42", "nd"}));
  const auto pieces = pieces_of(std::string(200, 'x'));
  EXPECT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[0].size(), kMaxPiece + 1);
}

TEST(BytePairs, RareSymbolsAreTakenApart) {
  SymbolCounts pieces;
  pieces.add(" abc", 3);
  const BytePairs pairs = BytePairs::learn(pieces, 10);
  const auto all = [](std::string_view) { return true; };
  const auto only_short = [](std::string_view symbol) { return symbol.size() <= 2; };
  std::vector<std::string> symbols, short_symbols;
  pairs.split(" abc", all, symbols);
  EXPECT_EQ(symbols, (std::vector<std::string>{" abc"}));
  pairs.split(" abc", only_short, short_symbols);
  EXPECT_GT(short_symbols.size(), 1u);
  for (const std::string& symbol : short_symbols) EXPECT_LE(symbol.size(), 2u);
}

Texts repeat(const std::vector<std::string>& lines, size_t times) {
  Texts texts;
  for (size_t i = 0; i < times; ++i) texts.insert(texts.end(), lines.begin(), lines.end());
  return texts;
}

TEST(PlanTokens, NamesAreCharactersAndPhonesAreWords) {
  const std::vector<std::string> names = {"anna", "otto", "new york"}, phones = {"AH N AH", "O T O", "N UW Y"};
  const TokenPlan source = plan_tokens(repeat(names, 10), {}, Side::source);
  EXPECT_EQ(source.kind, "characters");
  EXPECT_EQ(
      source.reason,
      "source: characters, because 67 % of the lines have no space; input is folded to lower case, the only one in "
      "the data");
  const TokenPlan target = plan_tokens(repeat(phones, 10), {}, Side::target);
  EXPECT_EQ(target.kind, "words");
  EXPECT_EQ(target.reason, "target: words, because the 90 words of the data are only 6 different ones");
  EXPECT_EQ(target.form.letter_case, LetterCase::keep);
}

TEST(PlanTokens, SentencesAreBytePairs) {
  std::vector<std::string> sentences;
  for (int i = 0; i < 300; ++i)
    sentences.push_back("Sentence number" + std::to_string(i) + " holds something" + std::to_string(i * 7));
  const TokenPlan plan = plan_tokens(repeat(sentences, 1), {}, Side::target);
  EXPECT_EQ(plan.kind, "bpe");
  EXPECT_EQ(plan.merges, 200);
}

TEST(PlanTokens, InflectedFormsWithATagAreCharacters) {
  std::vector<std::string> forms;
  for (int i = 0; i < 300; ++i) forms.push_back("lemma" + std::to_string(i * 13) + " V;PST");
  EXPECT_EQ(plan_tokens(repeat(forms, 1), {}, Side::source).kind, "characters");
}

TEST(PlanTokens, OptionsOverrideTheData) {
  DataConfig config;
  config.source_tokens = "bpe";
  config.bpe_merges = 7;
  config.normalize = "nfd";
  config.source_case = "keep";
  const TokenPlan plan = plan_tokens({"anna", "otto"}, config, Side::source);
  EXPECT_EQ(plan.kind, "bpe");
  EXPECT_EQ(plan.merges, 7);
  EXPECT_EQ(plan.form.normal_form, NormalForm::nfd);
  EXPECT_EQ(plan.form.letter_case, LetterCase::keep);
  EXPECT_EQ(plan.reason, "source: bpe, because the options say so; up to 7 merges");
  EXPECT_EQ(make_tokenizer({"anna"}, plan, 1)->kind(), "bpe");
}

TEST(PlanTokens, SyllablesAreTakenApartOnlyWhenNothingIsLost) {
  std::vector<std::string> words;
  for (char32_t c = 0xAC00; c < 0xAC00 + 400; ++c) {
    std::string word;
    append_utf8(c, word);
    words.push_back(word);
  }
  EXPECT_EQ(plan_tokens(repeat(words, 1), {}, Side::source).form.normal_form, NormalForm::nfd);
  words.push_back("e\xCC\x81");  // not composed: composing the decoded text would change it
  EXPECT_EQ(plan_tokens(repeat(words, 1), {}, Side::source).form.normal_form, NormalForm::none);
  EXPECT_EQ(plan_tokens({"caf\xC3\xA9"}, {}, Side::source).form.normal_form, NormalForm::nfc);
}

TEST(PlanTokens, UnknownKindIsRefused) {
  TokenPlan plan;
  plan.kind = "runes";
  EXPECT_EQ(error_of<ConfigError>([&] { make_tokenizer({"a"}, plan, 1); }),
            "[tokenizer] the kind must be characters, words, wordpunct, bpe, byte_bpe or unigram; got \"runes\". Use "
            "one of those.");
}

}  // namespace tokenizer_test
}  // namespace carousel::data
