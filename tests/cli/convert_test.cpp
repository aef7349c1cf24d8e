// Models under other conventions, from outside.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "carousel/base/rng.h"
#include "carousel/tensor/archive.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace convert_test {

using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;

/// Tiny models, trained once.
class Convert : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    std::string text;
    Rng rng(1, 0);
    for (int i = 0; i < 120; ++i) {
      std::string letters;
      for (uint64_t n = 1 + rng.below(4); n > 0; --n) letters += static_cast<char>('a' + rng.below(5));
      text += letters + "\t" + std::string(letters.rbegin(), letters.rend()) + "\n";
    }
    dir_->write("pairs.tsv", text);
    train("gru", {"cell=gru"});
    train("after", {"cell=gru", "reset=after", "update=keep", "biases=2"});
    train("lstm", {"cell=lstm"});
  }
  static void TearDownTestSuite() { delete dir_; }
  static void train(const std::string& name, const std::vector<std::string>& settings) {
    std::vector<std::string> words = {"train", dir_->file("pairs.tsv"), "-o",     dir_->file(name),
                                      "--set", "max_steps=6",           "--set",  "hidden_size=8",
                                      "--set", "embedding_size=4",      "--seed", "3"};
    for (const std::string& s : settings) words.insert(words.end(), {"--set", s});
    const Ran ran = run(words);
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  static std::string file(const std::string& name) { return dir_->file(name); }
  static std::string answers(const std::string& model) {
    const Ran ran = run({"predict", model, "--nbest", "2", "--json"}, "abc\nde\nea\n");
    EXPECT_EQ(ran.code, 0) << ran.err;
    return ran.out;
  }
  /// Texts equal and probabilities too, up to rounding.
  static void expect_same_answers(const std::string& a, const std::string& b) {
    std::istringstream left(answers(a)), right(answers(b));
    for (std::string one, other; std::getline(left, one) && std::getline(right, other);) {
      const auto x = nlohmann::json::parse(one), y = nlohmann::json::parse(other);
      ASSERT_EQ(x["hypotheses"].size(), y["hypotheses"].size());
      for (size_t i = 0; i < x["hypotheses"].size(); ++i) {
        EXPECT_EQ(x["hypotheses"][i]["text"], y["hypotheses"][i]["text"]);
        EXPECT_NEAR(x["hypotheses"][i]["log_probability"].get<double>(),
                    y["hypotheses"][i]["log_probability"].get<double>(), 1e-4);
      }
    }
  }

  static TempDir* dir_;
};
TempDir* Convert::dir_ = nullptr;

TEST_F(Convert, UpdateAndBiasesChangeTheFileAndNotTheAnswers) {
  const Ran ran = run({"convert", file("gru"), "-o", file("keep"), "--update", "keep", "--biases", "2", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("to: gru, reset = before, update = keep, biases = 2\n"), std::string::npos) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(ran.out)["schema"], "carousel/convert@1");
  expect_same_answers(file("gru"), file("keep"));
  const Archive archive = read_archive(file("keep"));
  EXPECT_NE(archive.find("encoder.bias_hh_l0_reverse"), nullptr);
  EXPECT_NE(archive.find("decoder.bias_hh_l0"), nullptr);
  EXPECT_NE(run({"info", file("keep")}).out.find("h' = z * h + (1 - z) * g"), std::string::npos);
  ASSERT_EQ(run({"convert", file("keep"), "-o", file("back"), "--update", "new", "--biases", "1"}).code, 0);
  expect_same_answers(file("gru"), file("back"));
}

TEST_F(Convert, WhatCannotBeConvertedIsRefusedWithTheReason) {
  const Ran reset = run({"convert", file("gru"), "-o", file("x"), "--reset", "after"});
  EXPECT_EQ(reset.code, 2);
  EXPECT_EQ(reset.err.rfind("carousel: [convert] reset = before cannot become reset = after: ", 0), 0u) << reset.err;
  EXPECT_EQ(run({"convert", file("lstm"), "-o", file("x"), "--update", "keep"}).code, 2);
  EXPECT_EQ(run({"convert", file("lstm"), "-o", file("x")}).err,
            "carousel: [convert] a convention to convert to is needed; got none. Give --update or --biases.\n");
  EXPECT_EQ(run({"convert", "-o", file("x"), "--biases", "2"}).err,
            "carousel: [convert] a model to convert is needed; got none. Name it, or give --from-torch and --like.\n");
  EXPECT_EQ(
      run({"convert", file("lstm"), "-o", file("x"), "--like", file("gru")}).err,
      "carousel: [convert] --like and --prefix belong to --from-torch; got them without it. Add --from-torch FILE.\n");
  EXPECT_EQ(run({"info", file("x")}).code, 4) << "nothing was written";
}

/// What torch.save would hold: two biases and the names of nn.LSTM or nn.GRU.
Archive state_dict(const std::string& model, const std::string& prefix) {
  Archive torch;
  for (const NamedTensor& t : read_archive(model).tensors)
    if (t.name.rfind(prefix, 0) == 0) torch.tensors.push_back({t.name.substr(prefix.size()), t.tensor});
  return torch;
}

TEST_F(Convert, WhatIsSoAlreadyIsSaid) {
  const Ran ran = run({"convert", file("gru"), "-o", file("same"), "--update", "new"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err,
            "nothing to convert: the model has these conventions already: gru, reset = before, update = new, biases = "
            "1\nwrote " +
                file("same") + "\n");
  EXPECT_EQ(carousel::testing::content_of(file("same")), carousel::testing::content_of(file("gru")));
}

TEST_F(Convert, FaultsOfTheInputNameTheInput) {
  Archive broken = read_archive(file("lstm"));
  for (NamedTensor& t : broken.tensors)
    if (t.name == "output.bias") t.tensor.fill(std::nan(""));
  write_archive(file("broken"), broken);
  const Ran nan = run({"convert", file("broken"), "-o", file("x"), "--biases", "2"});
  EXPECT_EQ(nan.code, 4);
  EXPECT_EQ(nan.err, "carousel: " + file("broken") +
                         ": [model] tensor output.bias must be finite; got NaN or infinity. Fetch the file again, or "
                         "train anew.\n");
  Archive weights = state_dict(file("broken"), "");
  write_archive(file("torch"), weights);
  const Ran torch = run({"convert", "--from-torch", file("torch"), "--like", file("lstm"), "-o", file("x")});
  EXPECT_EQ(torch.code, 4);
  EXPECT_EQ(torch.err.rfind("carousel: " + file("torch") + ": [model] tensor output.bias must be finite", 0), 0u)
      << torch.err;
  Archive checkpoint = read_archive(file("lstm"));
  checkpoint.metadata["carousel.trainer_state"] = "{}";
  write_archive(file("lstm.ckpt"), checkpoint);
  const Ran ckpt = run({"convert", file("lstm.ckpt"), "-o", file("x"), "--biases", "2"});
  EXPECT_EQ(ckpt.code, 4);
  EXPECT_EQ(ckpt.err.rfind("carousel: " + file("lstm.ckpt") + ": [model] a model is needed; got the checkpoint", 0), 0u)
      << ckpt.err;
}

TEST_F(Convert, AModelWithoutRecurrentLayersIsRefused) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "the quick brown fox jumps over the lazy dog\n";
  const Ran trained = run({"train", dir_->write("book.txt", text), "-o", file("window"), "--set", "model=window",
                           "--set", "hidden_size=4", "--set", "max_steps=1"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  for (const char* flag : {"--update", "--biases"}) {
    const Ran ran =
        run({"convert", file("window"), "-o", file("x"), flag, flag == std::string("--biases") ? "2" : "new"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, "carousel: [convert] only recurrent layers have conventions to convert; got " + file("window") +
                           ", which has none. Keep it as it is.\n");
  }
}

TEST_F(Convert, FlagsThatDoNotGoTogetherAreRefused) {
  const std::string needs =
      "carousel: [convert] --from-torch needs --like MODEL, the model whose sizes and vocabulary the weights are for, "
      "and no other model; got another combination. See `carousel convert --help`.\n";
  EXPECT_EQ(run({"convert", "--from-torch", file("torch"), "-o", file("x")}).err, needs);
  EXPECT_EQ(run({"convert", file("gru"), "--from-torch", file("torch"), "--like", file("gru"), "-o", file("x")}).err,
            needs);
  EXPECT_EQ(
      run({"convert", "--from-torch", file("torch"), "--like", file("gru"), "-o", file("x"), "--biases", "2"}).err,
      "carousel: [convert] with --from-torch the conventions are those of --like; got others. Convert the result "
      "in a second call.\n");
}

TEST_F(Convert, AStateDictOfPyTorchLoadsByName) {
  ASSERT_EQ(run({"convert", file("lstm"), "-o", file("two"), "--biases", "2"}).code, 0);
  write_archive(file("torch"), state_dict(file("two"), ""));
  Archive blank = read_archive(file("lstm"));
  for (NamedTensor& t : blank.tensors) t.tensor.fill(0);
  write_archive(file("blank"), blank);
  const Ran ran = run({"convert", "--from-torch", file("torch"), "--like", file("blank"), "-o", file("from")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  expect_same_answers(file("lstm"), file("from"));
  // A bare nn.LSTM: its names lack the place in the model.
  write_archive(file("bare"), state_dict(file("two"), "encoder."));
  ASSERT_EQ(
      run({"convert", "--from-torch", file("bare"), "--prefix", "encoder.", "--like", file("lstm"), "-o", file("from")})
          .code,
      0);
  expect_same_answers(file("lstm"), file("from"));
}

TEST_F(Convert, ConventionsOfPyTorchBecomeThoseOfTheModel) {
  ASSERT_EQ(run({"convert", file("after"), "-o", file("own"), "--update", "new"}).code, 0);
  write_archive(file("torch"), state_dict(file("after"), ""));
  ASSERT_EQ(run({"convert", "--from-torch", file("torch"), "--like", file("own"), "-o", file("from")}).code, 0);
  expect_same_answers(file("after"), file("from"));
  const Ran ran = run({"convert", "--from-torch", file("torch"), "--like", file("gru"), "-o", file("x")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("reset = after cannot become reset = before"), std::string::npos) << ran.err;
}

TEST_F(Convert, MissingSuperfluousAndMisshapenTensorsAreNamed) {
  const auto error = [&](const Archive& torch) {
    write_archive(file("bad"), torch);
    const Ran ran = run({"convert", "--from-torch", file("bad"), "--like", file("lstm"), "-o", file("x")});
    EXPECT_EQ(ran.code, 4);
    return ran.err;
  };
  Archive missing = state_dict(file("lstm"), ""), extra = missing, shaped = missing;
  std::erase_if(missing.tensors, [](const NamedTensor& t) { return t.name == "output.bias"; });
  EXPECT_EQ(error(missing), "carousel: " + file("bad") +
                                ": [convert] the state_dict must hold output.bias for output.bias of " + file("lstm") +
                                "; got none. Save the whole state_dict, or give the prefix that its names need.\n");
  extra.tensors.push_back({"head.weight", Tensor::zeros({2, 3})});
  EXPECT_NE(error(extra).find("[convert] every tensor must belong to the model; got head.weight f32 [2, 3], which " +
                              file("lstm") + " does not have as head.weight."),
            std::string::npos);
  for (NamedTensor& t : shaped.tensors)
    if (t.name == "output.bias") t.tensor = Tensor::zeros({99});
  EXPECT_NE(error(shaped).find("[convert] tensor output.bias must be f32 ["), std::string::npos);
}

}  // namespace convert_test
}  // namespace carousel::cli
