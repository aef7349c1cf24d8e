// Recordings with texts on the command line.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "carousel/base/files.h"
#include "tests/support/run_program.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace transcribe_test {

using carousel::testing::run;

TEST(TranscribeProgram, TrainsOnAFolderWithTextsAndAnswersEverywhere) {
  const carousel::testing::TempDir dir;
  std::filesystem::create_directories(dir.file("r"));
  std::string list;
  for (int i = 0; i < 12; ++i) {
    const bool high = i % 2 == 0;
    dir.write(fmt::format("r/{}.wav", i), carousel::testing::wav(8000, 1600 + 50 * i, 16, high ? 900 : 300));
    dir.write(fmt::format("r/{}.txt", i), high ? "high tone\n" : "low tone\n");
    list += fmt::format("r/{}.wav\t{} tone\n", i, high ? "high" : "low");
  }
  const std::string folder = dir.file("r"), model = dir.file("m.safetensors"), table = dir.write("list.tsv", list);
  const auto trained = run({"train", folder, "-o", model, "--set", "max_steps=3", "--set", "hidden_size=4"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("task: transduce, because a folder of 12 recordings, all of them with a text of the same "
                             "name beside it (.txt)"),
            std::string::npos)
      << trained.err;
  const auto scored = run({"eval", model, table, "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const auto json = nlohmann::json::parse(scored.out);
  EXPECT_EQ(json["task"], "transduce");
  for (const char* key : {"sequence_error_rate", "token_error_rate", "word_error_rate", "character_error_rate"}) {
    EXPECT_TRUE(json["metrics"].contains(key));
    EXPECT_TRUE(json["baseline"].contains(key));
  }
  const auto answers = run({"predict", model, folder});
  ASSERT_EQ(answers.code, 0) << answers.err;
  EXPECT_EQ(answers.out.rfind("input,text,probability\n" + folder + "/0.wav,", 0), 0u) << answers.out;
  EXPECT_EQ(std::count(answers.out.begin(), answers.out.end(), '\n'), 13);
  const auto named = run({"predict", model, "--beam", "4", "--nbest", "2"}, folder + "/1.wav\n");
  ASSERT_EQ(named.code, 0) << named.err;
  EXPECT_EQ(std::count(named.out.begin(), named.out.end(), '\n'), 2) << named.out;
  EXPECT_EQ(std::count(named.out.begin(), named.out.end(), '\t'), 4) << named.out;
  // A language model of the same symbols ranks the answers.
  const std::string lm = dir.file("lm.safetensors"), text = dir.write("text.txt", "high tone\nlow tone\nhigh tone\n");
  ASSERT_EQ(run({"train", text, "--task", "lm", "-o", lm, "--set", "tokens=characters", "--set", "max_steps=3", "--set",
                 "hidden_size=4"})
                .code,
            0);
  const auto helped = [&](const std::string& weight, const std::string& bonus) {
    const auto ran = run({"predict", model, folder, "--lm", lm, "--lm-weight", weight, "--symbol-bonus", bonus});
    EXPECT_EQ(ran.code, 0) << ran.err;
    return ran.out;
  };
  EXPECT_NE(helped("0", "0"), helped("0", "30")) << "--symbol-bonus";
  EXPECT_NE(helped("0", "30"), helped("30", "30")) << "--lm-weight";
  EXPECT_NE(
      run({"predict", model, folder, "--lm-weight", "1"})
          .err.find("[predict] --lm-weight says how much a language model counts; got no --lm. Name one with --lm."),
      std::string::npos);
  EXPECT_NE(run({"predict", model, folder, "--lm", dir.file("none.safetensors")}).err.find("none.safetensors"),
            std::string::npos);
  const auto map = run({"inspect", model, folder + "/1.wav", "--json"});
  ASSERT_EQ(map.code, 0) << map.err;
  EXPECT_EQ(nlohmann::json::parse(map.out)["target"].back(), "(none)");
  EXPECT_EQ(run({"inspect", model, folder + "/1.wav", "--gates"}).code, 0);
  const auto info = run({"info", model});
  EXPECT_NE(info.out.find("ctc: a symbol or none at each step"), std::string::npos) << info.out;
  // The same bytes again, and none on top.
  const std::string second = dir.file("n.safetensors");
  ASSERT_EQ(run({"train", folder, "-o", second, "--set", "max_steps=3", "--set", "hidden_size=4"}).code, 0);
  EXPECT_TRUE(carousel::testing::run({"eval", second, table}).out == run({"eval", model, table}).out);
  EXPECT_TRUE(read_file(second) == read_file(model));
  EXPECT_NE(run({"train", folder, "-o", model, "--resume"}).err.find("is finished: nothing to resume"),
            std::string::npos);
  const auto quantized = run({"quantize", model, "-o", dir.file("q.safetensors"), "--data", folder, "--max-loss", "1"});
  EXPECT_EQ(quantized.code, 0) << quantized.err;
  EXPECT_NE(quantized.err.find("these are the data that the model was trained on"), std::string::npos) << quantized.err;
  EXPECT_EQ(run({"eval", dir.file("q.safetensors"), table}).code, 0);
  // What is not to be had says so.
  const auto doctor = run({"doctor", model, table});
  EXPECT_NE(doctor.err.find("answers whole files. Score it with eval."), std::string::npos) << doctor.err;
  const auto learns = run({"doctor", folder, "--set", "hidden_size=8", "--set", "batch_size=4"});
  EXPECT_NE(learns.out.find("one batch: the loss on one batch fell from "), std::string::npos) << learns.err;
  const auto check = run({"data", "check", table});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_NE(check.out.find("a list of files with"), std::string::npos) << check.out;
  EXPECT_NE(run({"generate", model, "x"}).code, 0);
}

}  // namespace transcribe_test
}  // namespace carousel::cli
