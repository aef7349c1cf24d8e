// Classification from outside: a table in, labels and probabilities out.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"

namespace carousel::cli {
namespace classify_test {

using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;
using Json = nlohmann::json;

std::string reviews() {
  std::string text = "nr,said,text\n";
  for (int i = 0; i < 60; ++i)
    text += std::to_string(i) + (i % 3 == 0 ? ",bad,\"a dull, long film " : ",good,\"a fine, short film ") +
            std::to_string(i) + "\"\n";
  return text;
}

TEST(ClassifyProgram, FromATableToProbabilities) {
  const TempDir dir;
  const std::string data = dir.write("reviews.csv", reviews()), model = dir.file("model.safetensors");
  const Ran trained = run({"train", data, "-o", model, "--columns", "_,label,text", "--epochs", "2", "--set",
                           "hidden_size=6", "--set", "embedding_size=6", "--threads", "1"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("task: classify, because 3 comma-separated columns under a row of names; the second holds "
                             "the label (2 different ones so far), the third the text, as asked for"),
            std::string::npos)
      << trained.err;
  EXPECT_NE(trained.err.find("best dev accuracy "), std::string::npos) << trained.err;

  const Ran scored = run({"eval", model, data, "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const Json score = Json::parse(scored.out);
  EXPECT_EQ(score["schema"], "carousel/eval@1");
  EXPECT_EQ(score["task"], "classify");
  EXPECT_EQ(score["examples"], 60);
  for (const char* part : {"metrics", "baseline"})
    for (const char* key : {"accuracy", "macro_f1", "expected_calibration_error"})
      EXPECT_TRUE(score[part][key].is_number()) << part << " " << key;
  EXPECT_EQ(score["baseline_name"], "always the most frequent label, good");
  EXPECT_NEAR(score["baseline"]["accuracy"].get<double>(), 40.0 / 60, 1e-9);

  const Ran answered = run({"predict", model, "--json"}, "a fine film\n\na dull film\n");
  ASSERT_EQ(answered.code, 0) << answered.err;
  std::istringstream lines(answered.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Json answer = Json::parse(line);
    const Json& p = answer["probabilities"];
    EXPECT_NEAR(p["good"].get<double>() + p["bad"].get<double>(), 1, 1e-9) << line;
    EXPECT_EQ(answer["hypotheses"].size(), 1u);
    EXPECT_EQ(answer["hypotheses"][0]["probability"], p[answer["hypotheses"][0]["text"].get<std::string>()]);
  }
  EXPECT_EQ(count, 3) << "one line for each, the empty one too";
  const Ran info = run({"info", model});
  EXPECT_NE(info.out.find("2: bad ("), std::string::npos) << info.out;
  EXPECT_NE(info.out.find("_,label,text"), std::string::npos) << info.out;
}

TEST(ClassifyProgram, RefusesWithItsOwnCodes) {
  const TempDir dir;
  const std::string data = dir.write("reviews.csv", reviews()), model = dir.file("m");
  EXPECT_EQ(run({"train", data, "-o", model, "--columns", "label,txet"}).code, 2);
  EXPECT_EQ(run({"train", data, "-o", model, "--columns", "label,text"}).code, 3);
  EXPECT_EQ(run({"train", dir.write("t.txt", "__label__a __label__b x\n__label__a y\n"), "-o", model}).code, 3);
  const Ran checked = run({"data", "check", data});
  EXPECT_EQ(checked.code, 0) << checked.out;
}

}  // namespace classify_test
}  // namespace carousel::cli
