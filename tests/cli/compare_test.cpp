// Many models against each other, from outside.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/engine/compare.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace {

using carousel::testing::run;
using carousel::testing::TempDir;

std::string pairs() {
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "ab" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "\tx\n";
  for (int i = 0; i < 60; ++i)
    text += "cd" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "\ty\n";
  return text;
}

TEST(Compare, TrainsTheWholeGridOnTheSameBudget) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs());
  const auto ran = run({"compare", data, "--cells", "rnn,gru", "--num-layers", "1,2", "--hidden-size", "6", "--budget",
                        "0", "--set", "max_steps=4", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto rows = nlohmann::json::parse(ran.out)["tables"]["compare"];
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0]["cell"], "rnn");
  EXPECT_EQ(rows[3]["num_layers"], 2);
  for (const auto& row : rows) {
    EXPECT_EQ(row["steps"], 4);
    EXPECT_GT(row["memory_mib"], 0);
    EXPECT_GT(row["grad_norm"], 0);
  }
  EXPECT_LT(rows[0]["parameters"], rows[1]["parameters"]);
}

TEST(Compare, GivesEqualParametersWhenAsked) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs());
  const auto ran = run({"compare", data, "--cells", "lstm,rnn", "--hidden-size", "24", "--equal", "parameters",
                        "--budget", "0", "--set", "max_steps=1", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto rows = nlohmann::json::parse(ran.out)["tables"]["compare"];
  EXPECT_GT(rows[1]["hidden_size"], 24);
  EXPECT_NEAR(rows[1]["parameters"].get<double>() / rows[0]["parameters"].get<double>(), 1, 0.05);
}

TEST(Compare, RefusesAnEmptyGridAndAFolderItCannotMake) {
  const TempDir dir;
  engine::CompareRequest request;
  request.base.data = {dir.write("pairs.tsv", pairs())};
  request.num_layers.clear();
  EXPECT_EQ(carousel::testing::error_of<ConfigError>([&] { engine::compare(request, {}); }),
            "[compare] a grid needs a cell, a depth and a width; got 3, 0 and 1. Name at least one of each.");
  const auto ran = run({"compare", dir.file("pairs.tsv"), "--folder", dir.file("pairs.tsv") + "/models"});
  EXPECT_EQ(ran.code, 6);
  EXPECT_EQ(ran.err, "carousel: [compare] the folder of the models must be writable; got: Not a directory for \"" +
                         dir.file("pairs.tsv") + "/models\". Name one with --folder.\n");
}

}  // namespace
}  // namespace carousel::cli
