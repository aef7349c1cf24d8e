// Many models against each other, from outside.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/engine/compare.h"
#include "tests/cli/toy_pairs.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace compare_test {

using carousel::testing::run;
using carousel::testing::Running;
using carousel::testing::TempDir;

TEST(Compare, TrainsTheWholeGridOnTheSameBudget) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs());
  const auto ran = run({"compare", data, "--cells", "rnn,gru", "--num-layers", "1,2", "--hidden-size", "6", "--budget",
                        "0", "--set", "max_steps=4", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  // What is decided from the data is said once, what differs for each model.
  const auto said = [&](const std::string& words) {
    size_t count = 0;
    for (size_t at = ran.err.find(words); at != std::string::npos; at = ran.err.find(words, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(said("task: transduce, because "), 1u) << ran.err;
  EXPECT_EQ(said("\nmodel: encoder of "), 4u) << ran.err;
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

TEST(Compare, NamesTheBest) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "the quick brown fox jumps over the lazy dog " + std::to_string(i) + "\n";
  const auto ran = run({"compare", dir.write("book.txt", text), "--cells", "rnn,lstm,gru", "--hidden-size", "8",
                        "--budget", "0", "--set", "max_steps=8", "--set", "tokens=characters", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  const auto& rows = json["tables"]["compare"];
  const auto best = std::min_element(rows.begin(), rows.end(),
                                     [](const auto& a, const auto& b) { return a["perplexity"] < b["perplexity"]; });
  ASSERT_NE(rows[0]["perplexity"], rows[1]["perplexity"]);
  EXPECT_EQ(
      json["notes"].back(),
      fmt::format("best perplexity: {}, 1 layer of 8 ({:.4g}); each was trained once, so small differences may be "
                  "chance",
                  (*best)["cell"].get<std::string>(), (*best)["perplexity"].get<double>()));
}

TEST(Compare, ADivergenceIsARowAndANote) {
  const TempDir dir;
  const auto ran = run({"compare", dir.write("pairs.tsv", pairs()), "--cells", "rnn:activation=relu", "--hidden-size",
                        "6", "--budget", "0", "--set", "max_steps=200", "--set", "learning_rate=100", "--set",
                        "clip_norm=0", "--set", "optimizer=sgd", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  ASSERT_EQ(json["tables"]["compare"].size(), 1u);
  EXPECT_TRUE(json["tables"]["compare"][0]["score"].is_null()) << ran.out;
  ASSERT_EQ(json["notes"].size(), 1u) << ran.out;
  EXPECT_EQ(json["notes"][0].get<std::string>().rfind("rnn:activation=relu, 1 layer of 6 diverged: [", 0), 0u)
      << ran.out;
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
                         dir.file("pairs.tsv") + "/models\". Name another with --folder.\n");
}

TEST(Compare, CtrlCShowsWhatWasFinished) {
  const TempDir dir;
  const Running running(dir, {"compare", dir.write("pairs.tsv", pairs()), "--cells", "rnn,lstm", "--hidden-size", "4",
                              "--budget", "0.5", "--json"});
  ASSERT_TRUE(running.wait_for("rnn, 1 layer of 4: ")) << "and now the second one runs";
  running.signal(SIGINT);
  EXPECT_EQ(running.wait(), 130);
  const auto json = nlohmann::json::parse(running.out());
  EXPECT_EQ(json["interrupted"], true);
  ASSERT_EQ(json["tables"]["compare"].size(), 1u);
  EXPECT_EQ(json["tables"]["compare"][0]["cell"], "rnn");
}

TEST(Compare, AFolderKeepsNoHalfTrainedModel) {
  const TempDir dir;
  const std::string folder = dir.file("models");
  const Running running(dir, {"compare", dir.write("pairs.tsv", pairs()), "--cells", "rnn,lstm", "--hidden-size", "4",
                              "--budget", "0.5", "--folder", folder});
  ASSERT_TRUE(running.wait_for("rnn, 1 layer of 4: "));
  running.signal(SIGINT);
  EXPECT_EQ(running.wait(), 130);
  EXPECT_TRUE(std::filesystem::exists(folder + "/rnn_1x4.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/lstm_1x4.safetensors"));
}

TEST(Compare, LeavesNothingBehindHoweverItEnds) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs());
  const std::string temporary = dir.file("temporary");
  std::filesystem::create_directory(temporary);
  ::setenv("TMPDIR", temporary.c_str(), 1);
  const Running running(dir, {"compare", data, "--cells", "rnn,lstm", "--hidden-size", "4", "--budget", "0.5"});
  ::unsetenv("TMPDIR");
  ASSERT_TRUE(running.wait_for("rnn, 1 layer of 4: ")) << "and now the second one runs";
  running.signal(SIGKILL);
  running.wait();
  EXPECT_TRUE(std::filesystem::is_empty(temporary));
}

/// The rows of a comparison on pairs() in `dir`.
nlohmann::json rows_of(const TempDir& dir, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"compare", dir.write("pairs.tsv", pairs()), "--json"};
  words.insert(words.end(), more.begin(), more.end());
  const auto ran = run(words);
  EXPECT_EQ(ran.code, 0) << ran.err;
  return ran.code == 0 ? nlohmann::json::parse(ran.out)["tables"]["compare"] : nlohmann::json();
}

TEST(Compare, MemoryIsTheMostHeldWithinAStep) {
  const TempDir dir;
  const auto memory = [&](const std::string& batch_size) {
    return rows_of(dir, {"--cells", "gru", "--hidden-size", "8", "--budget", "0", "--set", "max_steps=2", "--set",
                         "batch_size=" + batch_size})[0]["memory_mib"]
        .get<double>();
  };
  EXPECT_GT(memory("64"), 1.5 * memory("2"));
}

TEST(Compare, EqualParametersLeaveNoNeighbourNearer) {
  const TempDir dir;
  engine::CompareRequest request;
  request.base.data = {dir.write("pairs.tsv", pairs())};
  request.base.settings = {{"max_steps", "1", "test"}};
  request.cells = {"lstm", "gru", "min_gru", "peephole_lstm"};
  request.budget = 0;
  request.equal_parameters = true;
  request.hidden_size = {13, 12};
  const auto report = engine::compare(request, {});
  EXPECT_EQ(report.tables[0].title, "same data, same options, equal parameters");
  for (const auto& series : report.plots[0].series)
    EXPECT_TRUE(std::is_sorted(series.points.begin(), series.points.end())) << series.name;
  const auto& rows = report.tables[0].rows;
  ASSERT_EQ(rows.size(), 8u);
  int64_t wanted = 0;
  for (const auto& row : rows) {
    const std::string cell = std::get<std::string>(row[0]);
    const int64_t width = std::get<int64_t>(row[2]), parameters = std::get<int64_t>(row[3]);
    if (cell == "lstm") wanted = parameters;
    const auto count = [&](int64_t units) {
      engine::TrainRequest one = request.base;
      one.settings.insert(
          one.settings.end(),
          {{"cell", cell, "test"}, {"num_layers", "1", "test"}, {"hidden_size", std::to_string(units), "test"}});
      return engine::count_parameters(one);
    };
    EXPECT_EQ(count(width), parameters) << cell;
    EXPECT_GE(std::abs(count(width + 1) - wanted), std::abs(parameters - wanted)) << cell;
    EXPECT_GE(std::abs(count(width - 1) - wanted), std::abs(parameters - wanted)) << cell;
  }
}

TEST(Compare, RefusesWhatTheGridWouldOverride) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs());
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"compare", data};
    words.insert(words.end(), more.begin(), more.end());
    const auto ran = run(words);
    EXPECT_EQ(ran.code, 2) << ran.err;
    return ran.err;
  };
  EXPECT_EQ(
      error({"--set", "hidden_size=16"}),
      "carousel: [--set] hidden_size is what a comparison sets for each training; got hidden_size = 16 for all of "
      "them. Use --hidden-size in place of it.\n");
  EXPECT_EQ(error({"--set", "model.num_layers=2"}),
            "carousel: [--set] num_layers is what a comparison sets for each training; got num_layers = 2 for all of "
            "them. Use --num-layers in place of it.\n");
  EXPECT_EQ(error({"--set", "cell=gru"}),
            "carousel: [--set] cell is what a comparison sets for each training; got cell = gru for all of them. Use "
            "--cells in place of it.\n");
  EXPECT_EQ(error({"--set", "max_seconds=5"}),
            "carousel: [--set] max_seconds is what a comparison sets for each training; got max_seconds = 5 for all of "
            "them. Use --budget in place of it.\n");
  EXPECT_EQ(error({"--cells", "gru:reset=after,gru", "--set", "reset=before"}),
            "carousel: [--set] reset is what a comparison sets for each training; got reset = before for all of them. "
            "Use --cells gru:reset= in place of it.\n");
  const std::string config = dir.write("run.toml", "[train]\nmax_seconds = 5\n");
  EXPECT_NE(error({"--config", config}).find("max_seconds is what a comparison sets for each training"),
            std::string::npos);
  EXPECT_NE(error({"--config", config}).find("run.toml:2"), std::string::npos) << "who set it";
}

TEST(Compare, CellsHaveConventions) {
  const TempDir dir;
  const auto rows = rows_of(dir, {"--cells", "gru,gru:reset=after:update=keep:biases=2", "--hidden-size", "6",
                                  "--budget", "0", "--set", "max_steps=2"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["cell"], "gru");
  EXPECT_EQ(rows[1]["cell"], "gru:reset=after:update=keep:biases=2");
  EXPECT_GT(rows[1]["parameters"], rows[0]["parameters"]) << "a second bias";
  const auto wrong = run({"compare", dir.file("pairs.tsv"), "--cells", "gru:rest=after"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("got \"rest\" in \"gru:rest=after\". Did you mean \"reset\"?"), std::string::npos)
      << wrong.err;
}

TEST(Compare, TrainsATwiceNamedCombinationOnceAndSaysSo) {
  const TempDir dir;
  const auto ran = run({"compare", dir.write("pairs.tsv", pairs()), "--cells", "gru,gru:reset=before", "--hidden-size",
                        "6,6", "--budget", "0", "--set", "max_steps=1", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["tables"]["compare"].size(), 1u);
  EXPECT_EQ(json["notes"][0],
            "gru:reset=before, 1 layer of 6: it stands in the grid more than once and is trained once");
}

TEST(Compare, KeepsItsModelsAndOverwritesNone) {
  const TempDir dir;
  const std::string model = dir.file("models/gru-reset=after_1x6.safetensors");
  const std::vector<std::string> words = {
      "--cells", "gru:reset=after", "--hidden-size", "6",        "--budget",
      "0",       "--set",           "max_steps=1",   "--folder", dir.file("models")};
  ASSERT_EQ(rows_of(dir, words).size(), 1u);
  EXPECT_EQ(run({"info", model}).code, 0);
  std::vector<std::string> again = {"compare", dir.file("pairs.tsv")};
  again.insert(again.end(), words.begin(), words.end());
  const auto ran = run(again);
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "carousel: [compare] a model of an earlier comparison must not be overwritten; got " + model +
                         ", which is there. Move it away, or name another --folder.\n");
}

TEST(Compare, BudgetConfigAndDevChangeTheTrainings) {
  const TempDir dir;
  const std::vector<std::string> small = {"--cells", "rnn", "--hidden-size", "4"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), small.begin(), small.end());
    return rows_of(dir, more)[0];
  };
  const auto timed = with({"--budget", "0.5"});
  EXPECT_GT(timed["steps"], 3) << "time is the bound";
  EXPECT_GE(timed["seconds"], 0.4);
  EXPECT_LT(timed["seconds"], 20);
  const std::string config = dir.write("run.toml", "[train]\nmax_steps = 3\n");
  EXPECT_EQ(with({"--budget", "0", "--config", config})["steps"], 3);
  // Without a dev file a share of the data is cut off: other data to learn from.
  const std::string dev = dir.write("dev.tsv", "abq\tx\ncdq\ty\n");
  EXPECT_NE(with({"--budget", "0", "--set", "max_steps=3", "--dev", dev})["grad_norm"],
            with({"--budget", "0", "--set", "max_steps=3"})["grad_norm"]);
}

TEST(Compare, APictureThatCannotBeWrittenIsRefusedBeforeTheWork) {
  const TempDir dir;
  const std::string picture = dir.file("none/x.png");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"compare", dir.write("pairs.tsv", pairs()), "--budget", "0", "--set", "max_steps=1"},
        std::vector<std::string>{"lab", "memory", "--problems", "adding", "--lengths", "4", "--steps", "1"}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--png", picture});
    const auto ran = run(all);
    EXPECT_EQ(ran.code, 6) << ran.err;
    EXPECT_EQ(ran.err.rfind("carousel: [write] " + picture + " must be writable; got: No such file or directory.", 0),
              0u)
        << ran.err;
    EXPECT_EQ(ran.err.find("rnn"), std::string::npos) << "nothing was trained";
  }
}

}  // namespace compare_test
}  // namespace carousel::cli
