// A language model writes on, and scores lines.
#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/data/unicode.h"
#include "carousel/tasks/language_model_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace language_model_generate_test {

/// The same four lines again and again, in this order.
std::string circle(int64_t times) {
  std::string text;
  for (int64_t i = 0; i < times; ++i) text += "one two three\nred green\ndo re mi\nnorth south\n";
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"hidden_size", "24"}, {"num_layers", "1"}, {"batch_size", "4"},
                {"bptt", "14"},        {"max_steps", "6"},  {"learning_rate", "0.03"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

std::string joined(LanguageModelTask& model, const std::string& prompt, const GenerateOptions& options) {
  std::string text;
  const Generation result = model.generate(prompt, options, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  EXPECT_EQ(result.text, text) << "the pieces are the text";
  return text;
}

TEST(Generate, ACharacterOfSeveralSymbolsComesAsAWhole) {
  const testing::TempDir dir;
  std::string text;
  for (int i = 0; i < 60; ++i) text += "\xE3\x81\x82\xE3\x81\x84 \xF0\x9F\x8E\xA0\n\xC3\xA9t\xC3\xA9\n";
  ToyRun run(dir.write("text.txt", text),
             settings_of({{"tokens", "byte_bpe"}, {"bpe_merges", "1"}, {"max_steps", "25"}}), {}, "lm");
  run.train();  // not for long: it also writes bytes that are no characters
  auto& model = dynamic_cast<LanguageModelTask&>(*run.job.model);
  GenerateOptions options;
  options.max_tokens = 60;
  int64_t characters = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    options.seed = seed;
    std::string all;
    const Generation result = model.generate("\xE3\x81\x82", options, [&](std::string_view piece) {
      EXPECT_EQ(data::find_invalid_utf8(piece), -1);
      all += piece;
      return true;
    });
    EXPECT_EQ(result.prompt, "\xE3\x81\x82");
    EXPECT_EQ(result.text, all);
    characters += all.find("\xE3\x81\x84") != std::string::npos;
  }
  EXPECT_GT(characters, 0) << "no character was ever put together";
}

/// A trained model of words, made once.
LanguageModelTask& words() {
  static const testing::TempDir dir;
  static ToyRun run(dir.write("text.txt", circle(100)), settings_of({{"max_steps", "150"}}), {}, "lm");
  static const bool trained = (run.train(), true);
  EXPECT_TRUE(trained);
  return dynamic_cast<LanguageModelTask&>(*run.job.model);
}

GenerateOptions greedy(int64_t max_tokens, std::vector<std::string> stop = {}) {
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = max_tokens;
  options.stop = std::move(stop);
  return options;
}

TEST(Generate, WritesOnOverLineEnds) {
  EXPECT_EQ(joined(words(), "one two", greedy(8)), " three\nred green\ndo re mi");
  EXPECT_EQ(joined(words(), "red green\n", greedy(4)), "do re mi\n");
  const Generation result = words().generate("one two", greedy(3), [](std::string_view) { return true; });
  EXPECT_EQ(result.prompt, "one two");
  EXPECT_EQ(result.symbols, 3);
  EXPECT_EQ(result.finish, "length");
}

TEST(Generate, EndsBeforeAStopText) {
  EXPECT_EQ(joined(words(), "one two", greedy(9, {"\n"})), " three");
  EXPECT_EQ(joined(words(), "one two", greedy(9, {"nothing", "en\ndo"})), " three\nred gre");
  EXPECT_EQ(joined(words(), "one two", greedy(3, {"red x"})), " three\nred") << "one that only began is text";
  EXPECT_EQ(words().generate("one", greedy(9, {"two"}), [](std::string_view) { return true; }).finish, "stop");
}

TEST(Generate, ASinkThatHasEnoughStopsIt) {
  int pieces = 0;
  const Generation result = words().generate("one", greedy(50), [&](std::string_view) { return ++pieces < 3; });
  EXPECT_EQ(result.finish, "interrupted");
  EXPECT_EQ(pieces, 3);
  EXPECT_EQ(result.symbols, 3);
}

TEST(Generate, EveryOptionChangesTheText) {
  GenerateOptions base;
  base.max_tokens = 60;
  base.sampling.temperature = 3;
  const std::string text = joined(words(), "", base);
  EXPECT_EQ(joined(words(), "", base), text) << "the seed decides";
  GenerateOptions changed = base;
  OptionTable table;
  changed.options(table);
  for (const auto& [key, value] : {std::pair{"temperature", "1"},
                                   {"top_k", "2"},
                                   {"top_p", "0.4"},
                                   {"min_p", "0.5"},
                                   {"repetition_penalty", "3"},
                                   {"entropy_brake", "0.5"},
                                   {"max_tokens", "20"}}) {
    changed = base;
    table.set(key, value, "test");
    EXPECT_NE(joined(words(), "", changed), text) << key;
  }
  changed = base;
  changed.sampling.repetition_penalty = 3;
  const std::string everywhere = joined(words(), "", changed);
  changed.sampling.repetition_window = 2;
  EXPECT_NE(joined(words(), "", changed), everywhere);
  changed = base;
  changed.seed = 2;
  EXPECT_NE(joined(words(), "", changed), text);
}

TEST(Generate, PiecesAreWholeCodePointsAndConcatenate) {
  const testing::TempDir dir;
  std::string text;
  for (int i = 0; i < 60; ++i) text += "caf\u00e9s o\u00f9 na\u00efve\n";
  for (const char* tokens : {"characters", "words", "bpe"}) {
    ToyRun run(dir.write("text.txt", text), settings_of({{"tokens", tokens}, {"bpe_merges", "4"}}), {}, "lm");
    auto& model = dynamic_cast<LanguageModelTask&>(*run.job.model);
    GenerateOptions options;
    options.max_tokens = 40;
    options.stop = {"zzzz", "\u00e9\u00e9"};
    std::string pieces;
    const Generation result = model.generate("ca", options, [&](std::string_view piece) {
      EXPECT_TRUE(piece.empty() || (static_cast<unsigned char>(piece[0]) & 0xC0) != 0x80) << tokens;
      pieces += piece;
      return true;
    });
    EXPECT_EQ(pieces, result.text) << tokens;
    EXPECT_EQ(result.text.find("zzzz"), std::string::npos);
  }
}

TEST(Generate, AWindowModelWritesToo) {
  const testing::TempDir dir;
  ToyRun run(dir.write("text.txt", circle(60)), settings_of({{"model", "window"}, {"window", "3"}}), {}, "lm");
  auto& model = dynamic_cast<LanguageModelTask&>(*run.job.model);
  EXPECT_FALSE(joined(model, "one", greedy(5)).empty());
  EXPECT_EQ(model.score_lines({"red green"}).front().symbols.size(), 3u);
}

TEST(Generate, TellsUnknownSymbolsAndRefusesEmptyStops) {
  EXPECT_EQ(words().generate("one purple", greedy(1), [](std::string_view) { return true; }).notes,
            (std::vector<std::string>{"unknown symbol: purple"}));
  EXPECT_EQ(testing::error_of<ConfigError>([&] { joined(words(), "one", greedy(1, {""})); }),
            "[generate] a stop text must hold something; got an empty one. Leave it out.");
}

TEST(ScoreLines, SumsToTheScoreOfTheLine) {
  const LineScore score = words().score_lines({"red green", "green red"}).front();
  ASSERT_EQ(score.symbols.size(), 3u);
  EXPECT_EQ(score.symbols[1].text, "green");
  EXPECT_EQ(score.symbols[2].text, "</s>");
  const TextScore whole = words().score(
      [] {
        auto ids = words().parts().tokenizer->encode("red green");
        ids.push_back(data::Vocabulary::kEos);
        return ids;
      }(),
      1);
  EXPECT_NEAR(score.log_probability(), -whole.nll_sum, 1e-4);
  EXPECT_NEAR(score.perplexity(), std::exp(whole.nll_sum / 3), 1e-3);
  const LineScore odd = words().score_lines({"red green", "green red"}).back();
  EXPECT_GT(score.log_probability(), odd.log_probability());
  EXPECT_EQ(words().score_lines({"red purple"}).front().notes, (std::vector<std::string>{"unknown symbol: purple"}));
}

TEST(Generate, OtherTasksSayWhatToUse) {
  const testing::TempDir dir;
  const ToyRun run(dir.write("pairs.tsv", spelling_lines(60, 1)), small_settings());
  EXPECT_EQ(testing::error_of<UnsupportedError>(
                [&] { run.job.model->generate("a", {}, [](std::string_view) { return true; }); }),
            "[generate] text is written on by a language model; got a model of task transduce. Use predict, or train "
            "with --task lm.");
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { run.job.model->score_lines({"a"}); }),
            "[score] lines are scored by a language model; got a model of task transduce. Use eval, or train with "
            "--task lm.");
}

}  // namespace language_model_generate_test
}  // namespace carousel::tasks
