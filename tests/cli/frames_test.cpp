// A classifier of recordings on the command line.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace frames_test {

using carousel::testing::run;

TEST(FramesProgram, TrainsOnAFolderScoresItAndAnswersFoldersAndNames) {
  const carousel::testing::TempDir dir;
  std::filesystem::create_directories(dir.file("r"));
  for (int i = 0; i < 6; ++i)
    for (const bool high : {false, true})
      dir.write(fmt::format("r/{}-{}.wav", high ? "high" : "low", i),
                carousel::testing::wav(8000, 800 + 50 * i, 16, high ? 900 : 300));
  const std::string folder = dir.file("r"), model = dir.file("m.safetensors");
  const auto trained = run({"train", folder, "-o", model, "--set", "max_steps=3", "--set", "hidden_size=4"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(
      trained.err.find("task: classify, because a folder of 12 files; part 1 of their names is the label (2: high, "
                       "low)"),
      std::string::npos)
      << trained.err;
  const auto scored = run({"eval", model, folder, "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const auto json = nlohmann::json::parse(scored.out);
  for (const char* key : {"accuracy", "macro_f1", "expected_calibration_error"}) {
    EXPECT_TRUE(json["metrics"].contains(key));
    EXPECT_TRUE(json["baseline"].contains(key));
  }
  const auto table = run({"predict", model, folder});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out.rfind("input,label,probability\n" + folder + "/high-0.wav,", 0), 0u) << table.out;
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 13);
  const auto named = run({"predict", model}, folder + "/low-1.wav\n" + folder + "/none.wav\n");
  EXPECT_EQ(named.code, 3) << named.err;
  EXPECT_EQ(std::count(named.out.begin(), named.out.end(), '\n'), 2);
  EXPECT_NE(named.err.find("none.wav: [audio] a file must be a recording; got "), std::string::npos) << named.err;
  const auto info = run({"info", model});
  EXPECT_NE(info.out.find("80 numbers (logmel) every 10 ms, of sound at 8000 Hz"), std::string::npos) << info.out;
  const auto resumed = run({"train", folder, "-o", model, "--resume"});
  EXPECT_NE(resumed.err.find("is finished: nothing to resume"), std::string::npos) << resumed.err;
}

}  // namespace frames_test
}  // namespace carousel::cli
