// The laboratory's commands: what they print, and what they refuse.
#include <gtest/gtest.h>

#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/cli/lab_report.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace {

using carousel::testing::run;
using carousel::testing::Running;
using carousel::testing::TempDir;

tasks::lab::Report small_report() {
  tasks::lab::Report report;
  report.schema = "carousel/test@1";
  report.tables = {{"speed", "how fast", {"cell", "steps", "grad_norm"}, {}}};
  report.tables[0].rows = {{std::string("lstm"), int64_t{12}, 0.5},
                           {std::string("rnn"), int64_t{3}, std::numeric_limits<double>::quiet_NaN()}};
  report.plots = {{"curve", "x", "y", false, false, {{"lstm", {{0, 1}, {1, 2}}}}}};
  report.notes = {"lstm wins"};
  return report;
}

TEST(LabReport, AlignsItsTables) {
  const std::string text = report_text(small_report(), "never");
  EXPECT_EQ(text.rfind("how fast\n"
                       "  cell  steps  grad norm\n"
                       "  lstm     12     0.5000\n"
                       "  rnn       3          -\n"
                       "\ncurve\n",
                       0),
            0u)
      << text;
  EXPECT_NE(text.find("lstm wins\n"), std::string::npos);
}

TEST(LabReport, IsOneJsonObject) {
  EXPECT_EQ(report_json(small_report()),
            "{\"schema\":\"carousel/test@1\",\"interrupted\":false,\"tables\":{\"speed\":[{\"cell\":\"lstm\",\"steps\":"
            "12,\"grad_norm\":0.5},{\"cell\":\"rnn\",\"steps\":3,\"grad_norm\":null}]},\"notes\":[\"lstm wins\"]}\n");
}

const std::vector<std::string> kQuick = {"lab",       "memory", "--problems", "adding", "--cells",       "rnn",
                                         "--lengths", "4",      "--steps",    "3",      "--hidden-size", "4"};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Lab, PrintsATableACurveAndFindings) {
  const auto ran = run(kQuick);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("adding: squared error (guessing 0.1667, solved below 0.01)\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("rnn solves the adding problem at none of these lengths within this budget\n"),
            std::string::npos);
  EXPECT_NE(ran.err.find("rnn on adding over 4 steps: mse "), std::string::npos) << ran.err;
}

TEST(Lab, WritesJsonAndAPicture) {
  const TempDir dir;
  const auto ran = run(with(kQuick, {"--json", "--png", dir.file("plot.png")}));
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/lab_memory@1");
  EXPECT_EQ(json["tables"]["adding"][0]["cell"], "rnn");
  EXPECT_EQ(carousel::testing::content_of(dir.file("plot.png")).substr(1, 3), "PNG");
}

TEST(Lab, ReadsATextOrAFile) {
  const TempDir dir;
  const std::string text = "the quick brown fox jumps over the lazy dog";
  const std::vector<std::string> quick = {"lab", "gradients",     "--cells", "rnn",   "--steps",
                                          "0",   "--hidden-size", "4",       "--json"};
  const auto words = run(with(quick, {text})), file = run(with(quick, {dir.write("text.txt", text)}));
  EXPECT_EQ(words.code, 0) << words.err;
  EXPECT_EQ(words.out, file.out);
}

TEST(Lab, RefusesWithTheFlagAndTheRemedy) {
  const auto unknown = run(with(kQuick, {"--cells", "lstmm"}));
  EXPECT_EQ(unknown.code, 2);
  const auto range = run({"lab", "memory", "--hidden-size", "0"});
  EXPECT_EQ(range.code, 2);
  EXPECT_EQ(range.err,
            "carousel: [--hidden-size] hidden_size must be an integer from 1 to 65536; got \"0\". It means: Units of "
            "each cell.\n");
  const auto short_text = run({"lab", "gradients", "short"});
  EXPECT_EQ(short_text.code, 2);
  EXPECT_EQ(short_text.err,
            "carousel: [lab] a text to look at has at least 20 characters; got 5. Give a longer one, or a file.\n");
}

TEST(Lab, EndsCleanlyOnCtrlC) {
  const TempDir dir;
  const Running running(dir, {"lab", "memory", "--problems", "adding", "--cells", "rnn", "--lengths", "50", "--steps",
                              "1000000", "--json"});
  ASSERT_TRUE(running.wait_for("rnn on adding"));
  running.signal(SIGINT);
  EXPECT_EQ(running.wait(), 130);
  EXPECT_EQ(nlohmann::json::parse(running.out())["interrupted"], true);
}

std::string pairs() {
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "ab" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "\tx\n";
  for (int i = 0; i < 60; ++i)
    text += "cd" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "\ty\n";
  return text;
}

/// What `lab gradients` says of a model trained for two steps on `data` with `settings`.
nlohmann::json model_gradients(const TempDir& dir, const std::string& data, const std::string& line,
                               const std::vector<std::string>& settings) {
  std::vector<std::string> words = {"train", data, "-o", dir.file("model.safetensors"), "--set", "max_steps=2"};
  for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
  const auto trained = run(words);
  EXPECT_EQ(trained.code, 0) << trained.err;
  const auto ran = run({"lab", "gradients", dir.file("model.safetensors"), line, "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  return nlohmann::json::parse(ran.out);
}

/// The column `value` of the rows whose `key` is `name`.
std::vector<double> column(const nlohmann::json& table, const char* key, const std::string& name, const char* value) {
  std::vector<double> values;
  for (const auto& row : table)
    if (row[key] == name) values.push_back(row[value]);
  return values;
}

TEST(LabGradients, FollowsAnErrorThroughTheEncoderOfAModel) {
  const TempDir dir;
  const auto report =
      model_gradients(dir, dir.write("pairs.tsv", pairs()), "abcd", {"hidden_size=8", "num_layers=1", "cell=lstm"});
  const auto& tables = report["tables"];
  for (const char* state : {"encoder.0/h", "encoder.0/c", "encoder.0/h.reverse", "encoder.0/c.reverse"}) {
    const std::vector<double> norms = column(tables["flow"], "state", state, "grad");
    ASSERT_EQ(norms.size(), 4u) << state;
    for (const double norm : norms) EXPECT_GT(norm, 0) << state;
  }
  // Distance 0 is the last step of either direction; nothing has been multiplied yet.
  for (const char* layer : {"encoder.0", "encoder.0.reverse"}) {
    const std::vector<double> kept = column(tables["kept"], "layer", layer, "kept");
    ASSERT_EQ(kept.size(), 5u) << layer;
    EXPECT_EQ(kept[0], 1) << layer;
    EXPECT_NEAR(kept[1], 0.73, 0.1) << "the forget bias is 1";
    EXPECT_LT(kept[4], kept[1]) << layer;
  }
  EXPECT_EQ(column(tables["gates"], "gate", "forget_gate", "left_share"), (std::vector<double>{0, 0}));
  EXPECT_EQ(column(tables["layers"], "layer", "encoder.0", "dead_share").size(), 1u);
}

TEST(LabGradients, FollowsTheErrorOfALanguageModelsLastSymbol) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "the quick brown fox jumps over the lazy dog\n";
  const std::string data = dir.write("book.txt", text);
  const auto gru = model_gradients(dir, data, "the fox", {"hidden_size=8", "num_layers=1", "cell=gru"})["tables"];
  const std::vector<double> norms = column(gru["flow"], "state", "layer.0/h", "grad");
  ASSERT_EQ(norms.size(), 6u) << "the loss at the seventh symbol reads the state after the sixth";
  EXPECT_GT(norms[0], norms[5]);
  EXPECT_GT(norms[5], 0);
  EXPECT_EQ(column(gru["kept"], "layer", "layer.0", "kept").size(), 7u);
  const auto short_line = run({"lab", "gradients", dir.file("model.safetensors"), "ab"});
  EXPECT_EQ(short_line.code, 2);
  EXPECT_EQ(short_line.err, "carousel: [lab] a line to look at has at least 3 symbols; got 2. Give a longer one.\n");
  const auto window = model_gradients(dir, data, "the fox", {"hidden_size=8", "num_layers=1", "model=window"});
  EXPECT_EQ(window["notes"][0], "the model has no recurrent layer: nothing flows back through time");
}

}  // namespace
}  // namespace carousel::cli
