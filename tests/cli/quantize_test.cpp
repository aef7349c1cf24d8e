// carousel quantize, from outside.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "carousel/tensor/archive.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace quantize_test {

using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;

/// A tiny classifier, trained once.
class QuantizeCommand : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    std::string text;
    for (int i = 0; i < 80; ++i)
      text += std::string(i % 2 ? "__label__up higher " : "__label__down lower ") +
              static_cast<char>('a' + i / 2 % 20) + "\n";
    dir_->write("labels.txt", text);
    dir_->write("held_out.txt", "__label__up a higher\n__label__down b lower\n");
    const Ran ran = run({"train", dir_->file("labels.txt"), "-o", dir_->file("model"), "--set", "max_steps=60", "--set",
                         "hidden_size=16", "--set", "embedding_size=16", "--set", "learning_rate=0.02", "--set",
                         "batch_size=16", "--set", "ngrams=0"});  // naive Bayes would save what the weights lose
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  static void TearDownTestSuite() { delete dir_; }
  static std::string file(const std::string& name) { return dir_->file(name); }

  static TempDir* dir_;
};
TempDir* QuantizeCommand::dir_ = nullptr;

TEST_F(QuantizeCommand, PrintsSizesAndScoresAndTheFileWorks) {
  const Ran ran =
      run({"quantize", file("model"), "-o", file("small"), "--data", file("held_out.txt"), "--max-loss", "1"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out.find("int8: "), 0u) << ran.out;
  for (const char* part : {"  size  ", " times smaller\n", "  on 2 examples\n", "  accuracy  ", "   loss "})
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << "\n" << ran.out;
  EXPECT_NE(ran.err.find("wrote " + file("small")), std::string::npos) << ran.err;
  EXPECT_LT(std::filesystem::file_size(file("small")), std::filesystem::file_size(file("model")));
  const Ran answers = run({"predict", file("small"), "--json"}, "higher\nlower\n");
  EXPECT_EQ(answers.code, 0) << answers.err;
  EXPECT_NE(answers.out, run({"predict", file("model"), "--json"}, "higher\nlower\n").out);
  EXPECT_EQ(run({"eval", file("small"), file("held_out.txt")}).code, 0);
  EXPECT_EQ(run({"inspect", file("small"), "higher", "--gates"}).code, 0);
  const Ran info = run({"info", file("small"), "--json"});
  EXPECT_EQ(nlohmann::json::parse(info.out)["rows"]["number format"].get<std::string>().find("int8, "), 0u) << info.out;
}

TEST_F(QuantizeCommand, FormatChangesTheFile) {
  ASSERT_EQ(run({"quantize", file("model"), "-o", file("eight")}).code, 0);
  const Ran ran = run({"quantize", file("model"), "-o", file("sixteen"), "--format", "bf16"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("the cost was not measured: give held-out data with --data FILE\n"), std::string::npos);
  EXPECT_EQ(ran.out.find("loss"), std::string::npos) << ran.out;
  EXPECT_GT(std::filesystem::file_size(file("sixteen")), std::filesystem::file_size(file("eight")));
}

TEST_F(QuantizeCommand, JsonHoldsBothScores) {
  const Ran ran =
      run({"quantize", file("model"), "-o", file("json"), "--data", file("held_out.txt"), "--max-loss", "1", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/quantize@1");
  EXPECT_EQ(json["model"], file("json"));
  EXPECT_EQ(json["format"], "int8");
  EXPECT_EQ(json["metric"], "accuracy");
  EXPECT_EQ(json["examples"], 2);
  EXPECT_EQ(json["loss"].get<double>(),
            json["metrics_before"]["accuracy"].get<double>() - json["metrics_after"]["accuracy"].get<double>());
  EXPECT_EQ(json["bytes_after"].get<uint64_t>(), std::filesystem::file_size(file("json")));
}

TEST_F(QuantizeCommand, TooMuchLossEndsWithOneAndWritesNothing) {
  // Of the column that embeddings do not reach only the size counts: rounded beside it, all else is lost.
  Archive archive = read_archive(file("model"));
  for (NamedTensor& t : archive.tensors) {
    const bool embedding = t.name == "embedding.weight";
    if (!embedding && t.name.find("weight_ih") == std::string::npos) continue;
    for (int64_t i = 0; i < t.tensor.dim(0); ++i) t.tensor.data<float>()[i * t.tensor.dim(1)] = embedding ? 0 : 1e5f;
  }
  write_archive(file("brittle"), archive);
  const Ran before = run({"eval", file("brittle"), file("labels.txt"), "--json"});
  ASSERT_GT(nlohmann::json::parse(before.out)["metrics"]["accuracy"].get<double>(), 0.9) << "nothing to lose";
  const Ran ran = run({"quantize", file("brittle"), "-o", file("lost"), "--data", file("labels.txt")});
  EXPECT_EQ(ran.code, 1) << ran.out;
  EXPECT_NE(ran.err.find("carousel: [quantize] accuracy may get worse by at most 0.01; got "), std::string::npos)
      << ran.err;
  EXPECT_FALSE(std::filesystem::exists(file("lost")));
  EXPECT_EQ(
      run({"quantize", file("brittle"), "-o", file("lost"), "--data", file("labels.txt"), "--max-loss", "1"}).code, 0);
}

TEST_F(QuantizeCommand, FlagsThatDoNotFitAreUsageErrors) {
  const Ran alone = run({"quantize", file("model"), "-o", file("x"), "--max-loss", "0.1"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_EQ(alone.err, "carousel: [carousel quantize] --max-loss requires --data. See `carousel quantize --help`.\n");
  const Ran format = run({"quantize", file("model"), "-o", file("x"), "--format", "int4"});
  EXPECT_EQ(format.code, 2);
  EXPECT_EQ(format.err,
            "carousel: [quantize] the number format must be one of int8, bf16; got 'int4'. Choose one of them.\n");
  EXPECT_EQ(run({"quantize", file("nothing"), "-o", file("x")}).code, 4);
  EXPECT_FALSE(std::filesystem::exists(file("x")));
}

}  // namespace quantize_test
}  // namespace carousel::cli
