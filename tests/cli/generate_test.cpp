// carousel generate and carousel score.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"

namespace carousel::cli {
namespace generate_test {

using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;

/// A small language model of words, trained once.
const std::string& model() {
  static const TempDir dir;
  static const std::string file = [] {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "one two three\nred green\n";
    const Ran ran =
        run({"train", dir.write("text.txt", text), "-o", dir.file("lm.safetensors"), "--epochs", "40", "--set",
             "hidden_size=16", "--set", "tokens=words", "--set", "bptt=10", "--set", "learning_rate=0.03"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    return dir.file("lm.safetensors");
  }();
  return file;
}

TEST(GenerateCommand, PrintsThePromptAndWhatFollows) {
  const Ran ran = run({"generate", model(), "one two ", "--temperature", "0", "--max-tokens", "4"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "one two three\nred green\n");
  EXPECT_EQ(run({"generate", model(), "-", "--temperature", "0", "--max-tokens", "1"}, "red green\none two\n").out,
            "red green\none two three\n");
  EXPECT_EQ(run({"generate", model(), "-", "--temperature", "0", "--max-tokens", "1"}, "\n\none two\n").out,
            "\n\none two three\n");
  EXPECT_EQ(run({"generate", model(), "one", "--temperature", "0", "--stop", "zzz", "--stop", "\\n"}).out,
            "one two three\n");
}

TEST(GenerateCommand, JsonHasTheTextAlone) {
  const Ran ran = run({"generate", model(), "one two", "--temperature", "0", "--stop", "\\n", "--json"});
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/generate@1");
  EXPECT_EQ(json["prompt"], "one two");
  EXPECT_EQ(json["text"], " three");
  EXPECT_EQ(json["finish"], "stop");
  EXPECT_EQ(json["symbols"], 2);
  EXPECT_LT(json["log_probability"].get<double>(), 0);
}

TEST(GenerateCommand, SeedAndOptionsReachTheModel) {
  const auto text = [](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"generate", model(), "", "--temperature", "5", "--max-tokens", "40"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words).out;
  };
  EXPECT_EQ(text({}), text({"--seed", "1"}));
  EXPECT_NE(text({}), text({"--seed", "2"}));
  EXPECT_NE(text({}), text({"--top-k", "2"}));
  EXPECT_NE(text({}), text({"--repetition-penalty", "5"}));
}

TEST(GenerateCommand, RefusesWrongNumbersByTheFlagsName) {
  const Ran ran = run({"generate", model(), "one", "--top-p", "1.5"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err,
            "carousel: [--top-p] top_p must be a number from 0 to 1; got \"1.5\". It means: Draw among the fewest "
            "symbols that hold this share of the probability.\n");
}

TEST(ScoreCommand, OneLinePerLine) {
  const Ran ran = run({"score", model()}, "one two three\nthree two one\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  const size_t end = ran.out.find('\n');
  EXPECT_EQ(ran.out.substr(end - 13, 13), "one two three");
  EXPECT_GT(std::stod(ran.out), std::stod(ran.out.substr(end + 1))) << "the line that it knows is more probable";
  const Ran tokens = run({"score", model(), "--tokens"}, "one two three\n");
  EXPECT_NE(tokens.out.find("\tone -"), std::string::npos) << tokens.out;
  EXPECT_NE(tokens.out.find("\t</s> "), std::string::npos) << tokens.out;
  const auto json = nlohmann::json::parse(run({"score", model(), "--json"}, "red green\n").out);
  EXPECT_EQ(json["schema"], "carousel/score@1");
  EXPECT_EQ(json["symbols"].size(), 3u);
  EXPECT_EQ(json["symbols"][0]["text"], "red");
}

}  // namespace generate_test
}  // namespace carousel::cli
