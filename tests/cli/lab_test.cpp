// The laboratory's commands: what they print, and what they refuse.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/cli/lab_report.h"
#include "tests/cli/toy_pairs.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace lab_test {

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

TEST(LabReport, ThinsLongTablesOnlyInATerminal) {
  tasks::lab::Report report;
  tasks::lab::Table table{"flow", "flow", {"cell", "distance"}, {}, "distance"};
  for (const char* cell : {"a", "b"})
    for (int64_t d = 0; d < (cell[0] == 'a' ? 23 : 4); ++d) table.rows.push_back({std::string(cell), d});
  report.tables = {table};
  const std::string text = report_text(report, "never");
  std::string words;
  for (const char c : text)
    if (c != ' ') words += c == '\n' ? ' ' : c;
  EXPECT_EQ(words, "flow celldistance a0 a1 a2 a5 a10 a20 a22 b0 b1 b2 b3  ") << text;
  EXPECT_EQ(nlohmann::json::parse(report_json(report))["tables"]["flow"].size(), 27u);
}

TEST(LabReport, IsOneJsonObject) {
  EXPECT_EQ(report_json(small_report()),
            "{\"schema\":\"carousel/test@1\",\"interrupted\":false,\"tables\":{\"speed\":[{\"cell\":\"lstm\",\"steps\":"
            "12,\"grad_norm\":0.5},{\"cell\":\"rnn\",\"steps\":3,\"grad_norm\":null}]},\"notes\":[\"lstm wins\"]}\n");
}

/// An experiment of a moment.
std::vector<std::string> quick(const std::string& cells = "rnn") {
  return {"lab",       "memory", "--problems", "adding", "--cells",       cells,
          "--lengths", "4",      "--steps",    "3",      "--hidden-size", "4"};
}

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Lab, PrintsATableACurveAndFindings) {
  const auto ran = run(quick());
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("adding: squared error (guessing 0.1667, solved below 0.01)\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("rnn does not solve the adding problem at 4 steps within this budget\n"), std::string::npos);
  EXPECT_NE(ran.err.find("rnn on adding over 4 steps: mse "), std::string::npos) << ran.err;
}

TEST(Lab, WritesJsonAndAPicture) {
  const TempDir dir;
  const auto ran = run(with(quick(), {"--json", "--png", dir.file("plot.png")}));
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/lab_memory@1");
  EXPECT_EQ(json["tables"]["adding"][0]["cell"], "rnn");
  EXPECT_EQ(carousel::testing::content_of(dir.file("plot.png")).substr(1, 3), "PNG");
}

TEST(Lab, ReadsATextOrAFile) {
  const TempDir dir;
  const std::string text = "the quick brown fox jumps over the lazy dog";
  const std::vector<std::string> look = {"lab", "gradients",     "--cells", "rnn",   "--steps",
                                         "0",   "--hidden-size", "4",       "--json"};
  const auto words = run(with(look, {text})), file = run(with(look, {dir.write("text.txt", text)}));
  EXPECT_EQ(words.code, 0) << words.err;
  EXPECT_EQ(words.out, file.out);
}

TEST(Lab, ReadsAsTrainDoes) {
  const TempDir dir;
  const std::string text = "the quick brown fox\njumps over the lazy dog";
  const std::string zipped = dir.file("text.txt.gz");
  gzFile file = gzopen(zipped.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const std::vector<std::string> look = {"lab", "gradients",     "--cells", "rnn",   "--steps",
                                         "0",   "--hidden-size", "4",       "--json"};
  const auto words = run(with(look, {text})), lines = run(with(look, {zipped}));
  EXPECT_EQ(words.code, 0) << words.err;
  EXPECT_EQ(words.out, lines.out) << lines.err;
}

TEST(Lab, AMistypedPathIsNoText) {
  const TempDir dir;
  const std::string book = dir.write("book-of-foxes.txt", "the quick brown fox jumps over the lazy dog");
  const auto typo = run({"lab", "gradients", dir.file("bok-of-foxes.txt")});
  EXPECT_EQ(typo.code, 2);
  EXPECT_EQ(typo.err, "carousel: [lab] a text to look at must be a file or the words themselves; got \"" +
                          dir.file("bok-of-foxes.txt") + "\", which looks like a file and is none. Did you mean \"" +
                          book + "\"?\n");
  for (const char* path : {"no/such/folder/with/a/book", "my books/war and peace.txt", "war-and-peace-in-one.volume"}) {
    const auto ran = run({"lab", "gradients", path});
    EXPECT_EQ(ran.code, 2) << path;
    EXPECT_NE(ran.err.find("which looks like a file and is none. Check the path.\n"), std::string::npos) << ran.err;
  }
  const auto text = run({"lab", "gradients", "either/or is the question. the answer is both.", "--steps", "0",
                         "--cells", "rnn", "--hidden-size", "4"});
  EXPECT_EQ(text.code, 0) << text.err;
}

TEST(Lab, AModelAndALineBelongTogether) {
  const TempDir dir;
  const std::string model = dir.write("model.safetensors", "anything");
  const auto alone = run({"lab", "gradients", model});
  EXPECT_EQ(alone.code, 2);
  EXPECT_EQ(alone.err,
            "carousel: [lab] a model needs a line to look at; got " + model + " alone. Write the line after it.\n");
  const auto both = run({"lab", "gradients", model, "a line", "--hidden-size", "8"});
  EXPECT_EQ(both.code, 2);
  EXPECT_EQ(
      both.err,
      "carousel: [--hidden-size] hidden_size belongs to the experiment on a text; got hidden_size = 8 with a model "
      "and a line. Leave it out.\n");
  ::setenv("CAROUSEL_LAB_STEPS", "20", 1);
  const auto environment = run({"lab", "gradients", model, "a line"});
  ::unsetenv("CAROUSEL_LAB_STEPS");
  EXPECT_EQ(environment.code, 2);
  EXPECT_EQ(
      environment.err,
      "carousel: [environment CAROUSEL_LAB_STEPS] steps belongs to the experiment on a text; got steps = 20 with a "
      "model and a line. Leave it out.\n");
}

TEST(Lab, CellsHaveConventions) {
  const auto rows = [](const std::string& cells) {
    const auto ran = run(with(quick(cells), {"--json"}));
    EXPECT_EQ(ran.code, 0) << ran.err;
    return nlohmann::json::parse(ran.out)["tables"]["adding"];
  };
  const auto both = rows("gru,gru:reset=after:update=keep");
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[1]["cell"], "gru:reset=after:update=keep");
  EXPECT_NE(both[0]["mse"], both[1]["mse"]);
  const auto wrong = run(quick("gru:reset=afer"));
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err,
            "carousel: [cell] reset must be one of before, after, or auto; got \"afer\". Did you mean \"after\"?\n");
}

TEST(Lab, RefusesWithTheFlagAndTheRemedy) {
  const auto unknown = run(quick("lstmm"));
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(unknown.err.rfind("carousel: [cell] there is no cell 'lstmm'; got known cells rnn, lstm, ", 0), 0u)
      << unknown.err;
  EXPECT_NE(unknown.err.find(". Did you mean 'lstm'?\n"), std::string::npos) << unknown.err;
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
  const auto gates = nlohmann::json::parse(
      run({"inspect", dir.file("model.safetensors"), "--gates", "--gate", "forget_gate", "abcd", "--json"}).out);
  const std::vector<double> left = column(tables["gates"], "gate", "forget_gate", "left_share");
  const std::vector<double> right = column(tables["gates"], "gate", "forget_gate", "right_share");
  for (size_t direction = 0; direction < 2; ++direction) {
    const auto& series = gates["series"][direction];
    ASSERT_EQ(series["layer"], direction == 0 ? "encoder.0" : "encoder.0.reverse");
    std::vector<std::vector<double>> rows = series["values"];
    if (direction == 1) std::reverse(rows.begin(), rows.end());  // its last step is the first symbol
    const std::vector<double> kept = column(tables["kept"], "layer", series["layer"], "kept");
    ASSERT_EQ(kept.size(), 5u);
    std::vector<double> product(8, 1);
    double low = 0, high = 0;
    for (size_t d = 0; d < 5; ++d) {
      EXPECT_NEAR(kept[d], std::accumulate(product.begin(), product.end(), 0.0) / 8, 1e-5) << series["layer"] << d;
      for (size_t unit = 0; d < 4 && unit < 8; ++unit) {
        const double value = rows[3 - d][unit];
        product[unit] *= value;
        low += value < 0.1;
        high += value > 0.9;
      }
    }
    EXPECT_DOUBLE_EQ(left.at(direction), low / 32);
    EXPECT_DOUBLE_EQ(right.at(direction), high / 32);
  }
  EXPECT_EQ(column(tables["layers"], "layer", "encoder.0", "dead_share").size(), 1u);
}

TEST(LabGradients, FollowsTheErrorOfALanguageModelsLastSymbol) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "the quick brown fox jumps over the lazy dog\n";
  const std::string data = dir.write("book.txt", text);
  const std::vector<std::string> small = {"hidden_size=8", "num_layers=1", "tokens=characters"};
  const auto gru = model_gradients(dir, data, "the fox", with(small, {"cell=gru"}))["tables"];
  const std::vector<double> norms = column(gru["flow"], "state", "layer.0/h", "grad");
  ASSERT_EQ(norms.size(), 6u) << "the loss at the seventh symbol reads the state after the sixth";
  EXPECT_GT(norms[0], norms[5]);
  EXPECT_GT(norms[5], 0);
  EXPECT_EQ(column(gru["kept"], "layer", "layer.0", "kept").size(), 7u);
  const auto line = run({"lab", "gradients", dir.file("model.safetensors"), "the fox", "--json"});
  const auto file = run({"lab", "gradients", dir.file("model.safetensors"),
                         dir.write("lines.txt", "\nthe fox\tsecond column\nsecond line\n"), "--json"});
  EXPECT_EQ(file.out, line.out) << file.err;
  EXPECT_EQ(file.err, "line: \"the fox\", the first of " + dir.file("lines.txt") + "\n");
  const auto typo = run({"lab", "gradients", dir.file("model.safetensors"), dir.file("linse.txt")});
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("which looks like a file and is none. Did you mean"), std::string::npos) << typo.err;
  // The same function under the other convention keeps the same share of its past.
  const auto converted =
      run({"convert", dir.file("model.safetensors"), "-o", dir.file("keep.safetensors"), "--update", "keep"});
  ASSERT_EQ(converted.code, 0) << converted.err;
  const auto keep =
      nlohmann::json::parse(run({"lab", "gradients", dir.file("keep.safetensors"), "the fox", "--json"}).out)["tables"];
  const std::vector<double> kept = column(gru["kept"], "layer", "layer.0", "kept");
  const std::vector<double> again = column(keep["kept"], "layer", "layer.0", "kept");
  ASSERT_EQ(again.size(), kept.size());
  for (size_t d = 0; d < kept.size(); ++d) EXPECT_NEAR(again[d], kept[d], 1e-5) << d;
  EXPECT_NE(kept[1], 0.5);
  const auto short_line = run({"lab", "gradients", dir.file("model.safetensors"), "ab"});
  EXPECT_EQ(short_line.code, 2);
  EXPECT_EQ(short_line.err, "carousel: [lab] a line to look at has at least 3 symbols; got 2. Give a longer one.\n");
  const auto window = model_gradients(dir, data, "the fox", with(small, {"model=window"}));
  EXPECT_EQ(window["notes"][0], "the model has no recurrent layer: nothing flows back through time");
}

}  // namespace lab_test
}  // namespace carousel::cli
