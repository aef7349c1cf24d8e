// carousel train --profile: says where the time went, and changes nothing else.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/toy_pairs.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace profile_test {

using carousel::testing::content_of;
using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;

TEST(Profile, SaysWhereTheTimeWentAndTrainsTheSameModel) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs());
  const auto train = [&](const std::string& model, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"train",     data, "-o",    dir.file(model),  "--epochs", "2",
                                      "--threads", "2",  "--set", "hidden_size=16", "--set",    "embedding_size=8",
                                      "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const Ran plain = train("plain.safetensors", {}), profiled = train("profiled.safetensors", {"--profile"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  ASSERT_EQ(profiled.code, 0) << profiled.err;
  EXPECT_EQ(content_of(dir.file("profiled.safetensors")), content_of(dir.file("plain.safetensors")));

  EXPECT_FALSE(nlohmann::json::parse(plain.out).contains("profile"));
  EXPECT_EQ(plain.err.find("where the time"), std::string::npos);
  EXPECT_NE(profiled.err.find("where the time of 2 threads went"), std::string::npos) << profiled.err;
  const auto profile = nlohmann::json::parse(profiled.out)["profile"];
  EXPECT_EQ(profile["threads"], 2);
  double sum = 0;
  for (const auto& [name, part] : profile["parts"].items()) sum += part["seconds"].get<double>();
  EXPECT_NEAR(sum, 2 * profile["seconds"].get<double>(), 1e-3);
  for (const char* part : {"products", "packing", "cells", "attention", "loss", "optimizer", "data"})
    EXPECT_GT(profile["parts"][part]["calls"], 0) << part;
}

TEST(Profile, KnowsTheDataOfEveryTask) {
  const TempDir dir;
  std::string labels, text;
  for (int i = 0; i < 40; ++i) {
    labels += i % 2 == 0 ? "__label__a one two three\n" : "__label__b four five six\n";
    text += "one two three four\n";
  }
  for (const auto& [task, content] : {std::pair{"classify", labels}, std::pair{"lm", text}}) {
    const Ran ran = run({"train", dir.write("data.txt", content), "-o", dir.file("m"), "--task", task, "--epochs", "1",
                         "--set", "hidden_size=8", "--profile", "--json"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    const auto parts = nlohmann::json::parse(ran.out)["profile"]["parts"];
    for (const char* part : {"products", "cells", "loss", "optimizer", "data"})
      EXPECT_GT(parts[part]["calls"], 0) << task << " " << part;
  }
}

TEST(NextSteps, OfAClassifierShowATextWithoutItsLabel) {
  const TempDir dir;
  std::string labels;
  for (int i = 0; i < 40; ++i) labels += i % 2 == 0 ? "__label__a one two three\n" : "__label__b four five six\n";
  const Ran ran =
      run({"train", dir.write("data.txt", labels), "-o", dir.file("m"), "--epochs", "1", "--set", "hidden_size=8"});
  EXPECT_NE(ran.err.find("echo 'four five six' | "), std::string::npos) << ran.err;
  EXPECT_EQ(run({"predict", dir.file("m"), "--min-length", "3"}, "one\n").err,
            "carousel: [classify] a classifier gives labels and searches for no sequence; got --min-length. Leave it "
            "out; --nbest gives more labels.\n");
}

}  // namespace profile_test
}  // namespace carousel::cli
