// What the facade refuses while the task is still open.
#include "carousel/engine/engine.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/engine/toy_task.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace engine_test {

/// What training on `file` says to one setting.
std::string error_for(const std::string& file, const std::string& key, const std::string& value) {
  TrainRequest request;
  request.data = {file};
  request.output = file + ".safetensors";
  request.settings = {{key, value, "--set"}};
  ToyObserver observer;
  return testing::error_of<ConfigError>([&] { Engine::train(request, observer); });
}

TEST(Engine, OptionsAreRefusedInTheWordsOfTheTaskThatTheDataIsFor) {
  const testing::TempDir dir;
  const std::string text = dir.write("book.txt", "the quick brown fox\njumps over the dog\n");
  const std::string pairs = dir.write("pairs.tsv", "a\tb\nc\td\n");
  EXPECT_EQ(error_for(text, "zoneout", "1").rfind("[--set] zoneout must be a number from 0 to 0.95", 0), 0u);
  EXPECT_EQ(error_for(text, "model", "windw"),
            "[--set] model must be one of recurrent, window; got \"windw\". Did you mean \"window\"?");
  EXPECT_EQ(error_for(text, "hidden_size", "16,0").rfind("[--set] hidden_size must be integers from 1 to 65536", 0),
            0u);
  EXPECT_EQ(error_for(text, "attention", "adative"),
            "[--set] attention is an option of transduce; got it for lm. Leave it out, or say what to learn with "
            "--task.");
  EXPECT_EQ(error_for(text, "atention", "additive").rfind("[--set] no option is called \"atention\"", 0), 0u);
  EXPECT_EQ(error_for(pairs, "attention", "adative").rfind("[--set] attention must be one of ", 0), 0u);
  EXPECT_EQ(error_for(pairs, "bptt", "0").rfind("[--set] bptt is an option of lm; got it for transduce", 0), 0u);
}

TEST(Engine, WithoutReadableDataTheTaskThatKnowsTheOptionSpeaks) {
  const testing::TempDir dir;
  EXPECT_EQ(error_for(dir.file("none"), "zoneout", "1").rfind("[--set] zoneout must be a number from 0 to 0.95", 0),
            0u);
  EXPECT_EQ(error_for(dir.file("none"), "attention", "adative").rfind("[--set] attention must be one of ", 0), 0u);
  EXPECT_EQ(error_for(dir.file("none"), "hiden_size", "8"),
            "[--set] no option is called \"hiden_size\". Did you mean \"hidden_size\"?");
}

}  // namespace engine_test
}  // namespace carousel::engine
