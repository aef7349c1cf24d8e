// The C interface as programs in C use it, linked with the inference library alone.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "carousel/capi/carousel.h"
#include "tests/support/run_program.h"

namespace carousel {
namespace carousel_test {

/// Model files, made by the program: this library does not train.
class CInterface : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new testing::TempDir;
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += "carousels go round\nand round they go\n";
    const std::string text = dir_->write("text.txt", lines);
    train("lm", text, {"--set", "tokens=characters", "--set", "bptt=4", "--set", "max_steps=60"});
    train("other", text, {"--set", "tokens=characters", "--set", "bptt=4", "--seed", "2", "--set", "max_steps=1"});
    train("pairs", dir_->write("pairs.tsv", "ab\tA B\nba\tB A\nabb\tA B B\nbb\tB B\n"), {"--set", "max_steps=20"});
  }
  static void TearDownTestSuite() { delete std::exchange(dir_, nullptr); }

  static std::string file(const std::string& name) { return dir_->file(name); }

 private:
  static void train(const std::string& name, const std::string& data, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"train",         data,    "-o",           dir_->file(name), "--set",
                                      "hidden_size=8", "--set", "batch_size=2", "--set",          "embedding_size=8"};
    words.insert(words.end(), more.begin(), more.end());
    const testing::Ran ran = testing::run(words);
    ASSERT_EQ(ran.code, 0) << ran.err;
  }
  static inline testing::TempDir* dir_ = nullptr;
};

/// Exit code and stdout of a shell command.
std::pair<int, std::string> shell(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

TEST_F(CInterface, AProgramInCUsesAllOfIt) {
  const auto [code, out] =
      shell(std::string(CAROUSEL_C_PROGRAM) + " " + file("lm") + " " + file("pairs") + " " + file("other"));
  EXPECT_EQ(code, 0) << out;
  EXPECT_EQ(out, testing::run({"predict", file("pairs")}, "ab\n").out);
}

TEST_F(CInterface, TheExampleContinuesALineAsPredictDoes) {
  const auto [code, out] = shell(std::string(CAROUSEL_EXAMPLE) + " " + file("lm") + " 'and r'");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(out, testing::run({"predict", file("lm")}, "and r\n").out);
  EXPECT_EQ(
      shell(std::string(CAROUSEL_EXAMPLE) + " " + file("pairs") + " ab 2>&1"),
      std::pair(1, std::string("[session] a session goes with a model that answers at each step of its input; got "
                               "one of task transduce, which reads all of it first. Use predict.\n")));
}

TEST_F(CInterface, StatusesAreTheExitCodesOfTheProgram) {
  std::ofstream(file("bad")) << "not a model";
  for (const char* name : {"bad", "missing"}) {
    carousel_model* model = nullptr;
    EXPECT_EQ(carousel_model_load(file(name).c_str(), &model), testing::run({"info", file(name)}).code) << name;
    EXPECT_EQ(model, nullptr);
  }
}

TEST_F(CInterface, TheGuideShowsTheExample) {
  const std::string source(CAROUSEL_SOURCE_DIR);
  const std::string guide = testing::content_of(source + "/docs/guide/streaming.md");
  std::istringstream lines(testing::content_of(source + "/examples/next_symbol.c"));
  std::string shown;
  for (std::string line; std::getline(lines, line);) shown += line.empty() ? "\n" : "    " + line + "\n";
  EXPECT_NE(guide.find(shown), std::string::npos) << "docs/guide/streaming.md shows another text than examples/";
}

}  // namespace carousel_test
}  // namespace carousel
