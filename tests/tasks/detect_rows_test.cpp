// Rows that a detector answers one by one, and what it refuses.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/tasks/detect_runs.h"

namespace carousel::tasks {
namespace detect_rows_test {

using carousel::testing::error_of;
using carousel::testing::TempDir;

/// A model of one series that knows little.
ToyRun small_run(const TempDir& dir, const Settings& more = {}) {
  ToyRun run = run_of(dir.write("t.csv", table(300, 1)), settings_of(more));
  run.train();
  return run;
}

std::string refusal(TaskModel& model, const std::vector<std::string>& lines) {
  return error_of<DataError>([&] {
    const auto rows = model.open_rows("rows");
    std::vector<FileAnswer::Cell> answer;
    for (const std::string& line : lines) rows->read(line, answer);
  });
}

TEST(DetectRows, AreRefusedWithTheirPlace) {
  const TempDir dir;
  ToyRun run = small_run(dir);
  TaskModel& model = *run.job.model;
  EXPECT_EQ(refusal(model, {"2020-01-01 00:00,1,2"}),
            "rows:1:20: [data] a row must have 2 cells, as the data that the model was trained on; got 3. Check its "
            "separators.");
  EXPECT_EQ(
      refusal(model, {"2020-01-01 00:00,1", "soon,2"}),
      "rows:2:1: [data] a time must be a date such as 2024-05-01 06:00, as in the data that the model was trained "
      "on; got \"soon\". Write it so.");
  EXPECT_EQ(refusal(model, {"2020-01-01 01:00,1", "2020-01-01 00:00,1"}),
            "rows:2:1: [data] times must not decrease; got 2020-01-01 00:00 after 2020-01-01 01:00. Sort the rows by "
            "time.");
  EXPECT_EQ(refusal(model, {"2020-01-01 00:00,x1"}),
            "rows:1:18: [data] a value must be a finite number within 1e+100, or be missing; got \"x1\". Correct it.");
  EXPECT_EQ(refusal(model, {"2020-01-01 00:00,1e300"}).rfind("rows:1:18: [data] a value must be a finite number", 0),
            0u);
  EXPECT_EQ(refusal(model, {"2020-01-01 00:00,NA"}),
            "rows:1:18: [data] a value must not be missing; got \"NA\". Fill it in, or train with --set "
            "missing=interpolate: such rows are then not scored.");
}

TEST(DetectRows, HaveTheirDatesAndFractionsWrittenAsInTraining) {
  const TempDir dir;
  std::string text = "Zeit;Last\n";
  for (int i = 0; i < 300; ++i)
    text += fmt::format("{:02}.02.2020 {:02}:00;{},{}\n", 1 + i / 24, i % 24, 10 + i % 12, i % 7);
  ToyRun run = run_of(dir.write("t.csv", text), settings_of({}));
  run.train();
  const auto rows = run.job.model->open_rows("rows");
  std::vector<FileAnswer::Cell> answer;
  EXPECT_FALSE(rows->read("Zeit;Last", answer));
  EXPECT_TRUE(rows->read("01.03.2020 00:00;10,25", answer));
  EXPECT_EQ(std::get<std::string>(answer[0]), "01.03.2020 00:00");
  EXPECT_EQ(std::get<double>(answer[1]), 10.25);
  EXPECT_EQ(refusal(*run.job.model, {"01.03.2020 00:00;10.25"}).rfind("rows:1:18: [data] a value must be a finite", 0),
            0u)
      << "the point may group digits";
}

TEST(DetectRows, MayHaveFractionsWhereTrainingHadWholeNumbers) {
  const TempDir dir;
  std::string text = "t;x\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("{};{}\n", i, 100 + i % 12);
  ToyRun run = run_of(dir.write("t.csv", text));
  run.train();
  const auto rows = run.job.model->open_rows("rows");
  std::vector<FileAnswer::Cell> answer;
  EXPECT_TRUE(rows->read("300;102,5", answer));
  EXPECT_EQ(std::get<double>(answer[1]), 102.5);
  EXPECT_EQ(refusal(*run.job.model, {"301;1,025"}).rfind("rows:1:5: [data] a value must be a finite number", 0), 0u)
      << "its comma may group digits";
}

TEST(DetectRows, WithAMissingValueAreNotScored) {
  const TempDir dir;
  ToyRun run = small_run(dir, {{"missing", "interpolate"}});
  const auto rows = run.job.model->open_rows("rows");
  std::vector<FileAnswer::Cell> answer;
  EXPECT_TRUE(rows->read("2020-01-01 00:00,NA", answer));
  EXPECT_EQ(std::get<double>(answer[2]), 0);
  EXPECT_EQ(rows->notes(), (std::vector<std::string>{"1 row: a value is missing, it is not scored"}));
}

TEST(DetectRows, HaveTheirColumnsByNameAndNeedNoLabels) {
  const TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(600, 1, -1, true)));
  run.train();
  std::string turned = "value,time\n", plain;
  const std::string text = table(150, 2, 120);
  for (size_t begin = text.find('\n') + 1; begin < text.size();) {
    const size_t end = text.find('\n', begin), comma = text.find(',', begin);
    const std::string row = text.substr(begin, end - begin);
    plain += row + "\n";
    turned += text.substr(comma + 1, end - comma - 1) + "," + text.substr(begin, comma - begin) + "\n";
    begin = end + 1;
  }
  EXPECT_EQ(streamed(*run.job.model, turned), streamed(*run.job.model, text));
  EXPECT_EQ(streamed(*run.job.model, plain), streamed(*run.job.model, text));
  EXPECT_EQ(streamed(*run.job.model, table(150, 2, 120, true)), streamed(*run.job.model, text));
}

TEST(DetectRows, OfSeveralColumnsSayWhichIsUnusual) {
  const TempDir dir;
  std::string text = "t,a,b\n";
  Rng rng(1, 0);
  for (int i = 0; i < 300; ++i)
    text += fmt::format("{},{:.3f},{:.3f}\n", i, static_cast<double>(rng.normal()),
                        static_cast<double>(rng.normal()) + (i == 250 ? 30 : 0));
  ToyRun run = run_of(dir.write("t.csv", text));
  run.train();
  const auto rows = run.job.model->open_rows("rows");
  std::vector<FileAnswer::Cell> answer;
  size_t row = 0;
  for (size_t begin = 0; begin < text.size(); ++row) {
    const size_t end = text.find('\n', begin);
    rows->read(text.substr(begin, end - begin), answer);
    if (row == 251) break;
    begin = end + 1;
  }
  EXPECT_EQ(rows->columns(), (std::vector<std::string>{"time", "a", "b", "score", "alarm", "because"}));
  EXPECT_EQ(std::get<int64_t>(answer[4]), 1);
  EXPECT_EQ(std::get<std::string>(answer[5]), "b");
}

TEST(DetectRows, OfNamedSeriesDoNotMix) {
  const TempDir dir;
  std::string both = "series,t,x\n", one = both;
  Rng rng(1, 0);
  for (int i = 0; i < 200; ++i) {
    const std::string row = fmt::format("a,{},{:.3f}\n", i, static_cast<double>(rng.normal()));
    one += row;
    both += row + fmt::format("b,{},{}\n", i, 100 * i);
  }
  ToyRun run = run_of(dir.write("t.csv", both));
  run.train();
  std::string said = streamed(*run.job.model, both), of_a;
  // Two texts for each row, those of a and of b in turn.
  for (size_t begin = 0, row = 0; begin < said.size(); ++row) {
    const size_t end = said.find(' ', said.find(' ', begin) + 1) + 1;
    if (row % 2 == 0) of_a += said.substr(begin, end - begin);
    begin = end;
  }
  EXPECT_EQ(of_a, streamed(*run.job.model, one));
}

TEST(DetectRows, GoOnWhereTrainingEnded) {
  const TempDir dir;
  const std::string whole = table(400, 1);
  size_t cut = 0;
  for (int line = 0; line < 301; ++line) cut = whole.find('\n', cut) + 1;
  ToyRun run = run_of(dir.write("t.csv", whole.substr(0, cut)));
  run.train();
  const auto rows = run.job.model->open_rows("rows");
  std::vector<FileAnswer::Cell> answer;
  rows->read(whole.substr(cut, whole.find('\n', cut) - cut), answer);
  EXPECT_GT(std::get<double>(answer[2]), 0) << "no warm-up";
  EXPECT_EQ(rows->notes(),
            (std::vector<std::string>{"1 series goes on where training ended: the last rows of that stand before it"}));
}

TEST(DetectTask, RefusesWhatItCannotDo) {
  const TempDir dir;
  ToyRun run = small_run(dir);
  TaskModel& model = *run.job.model;
  const std::string file = dir.file("t.csv");
  PredictOptions search;
  search.beam_size = 4;
  EXPECT_EQ(error_of<ConfigError>([&] { model.evaluate({file}, search); }),
            "[detect] a detector scores rows and searches for no sequence; got --beam. Leave it out; predict has one "
            "score for each row.");
  EXPECT_EQ(error_of<ConfigError>([&] {
              model.evaluate({file, file, file}, {});
            }),
            "[detect] one file or folder of series is needed, and at most one file of windows behind it; got 3 names. "
            "Put the series into one folder.");
  EXPECT_EQ(error_of<DataError>([&] { model.evaluate({file}, {}); }),
            file +
                ": [eval] a score needs labelled anomalies behind the first 15 % of a series; got none. Name the "
                "column of labels with --columns when training, or give the file of windows behind the data.");
  const std::string silent = dir.write("silent.csv", table(300, 1, -1, true));
  EXPECT_EQ(error_of<DataError>([&] { model.evaluate({silent}, {}); }),
            silent +
                ": [eval] a score needs labelled anomalies behind the first 15 % of a series; got none. Give a "
                "file that holds some.");
  EXPECT_EQ(error_of<UnsupportedError>([&] { model.predict({"1"}, {}); }),
            "[predict] a detector answers rows of numbers; got lines of text. Name a file, or pipe rows into it: "
            "carousel predict MODEL FILE.");
  EXPECT_EQ(error_of<UnsupportedError>([&] { model.inspect("1", {}); }),
            "[inspect] a detector reads rows of numbers and has no attention; got a line. Look at its scores with "
            "predict.");
  EXPECT_EQ(error_of<ConfigError>([&] { ToyRun(file, {}, {file}, "detect"); }),
            "[detect] rows are held back from the data itself; got a dev file. Leave it out, or set dev_share.");
  EXPECT_EQ(
      error_of<DataError>([&] { run_of(dir.write("short.csv", table(4, 1))); }),
      dir.file("short.csv") +
          ": [detect] a series must hold more rows than a window of 4 to learn from, and some to hold back; got at "
          "most 4 to learn from. Give more data, or set a shorter --window.");
}

TEST(DetectTask, RefusesWindowsThatDoNotFit) {
  const TempDir dir;
  ToyRun run = small_run(dir);
  const std::string file = dir.file("t.csv"), name = dir.file("w.json");
  const auto refused = [&](const std::string& json, const std::string& data) {
    dir.write("w.json", json);
    return error_of<DataError>([&] { run.job.model->evaluate({data, name}, {}); });
  };
  EXPECT_EQ(refused(R"({"t.csv": [["2019-01-01", "2019-01-02"]]})", file),
            name +
                ": [data] a window must hold rows of its file that no other holds; got none of t.csv from 2019-01-01 "
                "00:00 to 2019-01-02 00:00. Correct it, or remove it.");
  EXPECT_EQ(refused(R"({"u.csv": []})", file),
            name + ": [data] windows must name the files they are in, such as \"group/file.csv\"; got none of " + file +
                ". Correct the names.");
  const std::string untimed = dir.write("n.csv", "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
  EXPECT_EQ(refused(R"({"n.csv": [[1, 2]]})", untimed),
            name +
                ": [data] windows are given by times, and the rows of their file must have them; got none in n.csv. "
                "Give a column of times, or a column of labels.");
}

TEST(DetectTask, LeavesOutSeriesOfHardlyAnyRows) {
  const TempDir dir;
  // Labelled: nothing is left of the second to learn from.
  std::string text = "series,t,x,label\n";
  for (int i = 0; i < 200; ++i) text += fmt::format("a,{},{},0\n", i, i % 5);
  for (int i = 0; i < 5; ++i) text += fmt::format("b,{},{},{:d}\n", i, i % 5, i == 3);
  ToyRun run = run_of(dir.write("u.csv", text), settings_of({{"window", "8"}}));
  EXPECT_NE(run.said.find("1 series is too short for a window of 8 and not learnt from"), std::string::npos)
      << run.said;
  run.train();
  EXPECT_FALSE(streamed(*run.job.model, text).empty());
}

TEST(DetectTask, NoByteOfAModelFileIsTrusted) {
  const TempDir dir;
  ToyRun run = small_run(dir);
  const std::map<std::string, std::string> metadata = run.job.model->metadata();
  EXPECT_EQ(run.task->load(metadata, "m")->metadata(), metadata);
  EXPECT_EQ(
      error_of<FormatError>([&] { run.task->load({}, "m"); }),
      "m: byte 0: [model] the metadata must hold 'detect.series'; got none. The file is no detector or is damaged; "
      "train again.");
  int refused = 0;
  const std::string& text = metadata.at("detect.series");
  for (size_t i = 0; i < text.size(); i += 7) {
    std::string damaged = text;
    damaged[i] = '~';
    try {
      run.task->load({{"detect.series", damaged}}, "m");
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(text.size()) / 7 / 2);
  std::string blind = text;
  for (size_t at; (at = blind.find("\"value\"")) != std::string::npos;) blind.replace(at, 7, "\"_\"");
  EXPECT_NE(error_of<FormatError>([&] {
              run.task->load({{"detect.series", blind}}, "m");
            }).find("columns must have a role each, and one of them the values"),
            std::string::npos);
  for (const nn::NamedParameter& p : run.job.model->module().parameters())
    if (p.name == "next.output.bias") p.var.mutable_value().fill(NAN);
  EXPECT_EQ(error_of<DivergedError>([&] { streamed(*run.job.model, table(10, 1)); }),
            "[detect] what the networks of a detector say must be finite; got another number. Train again.");
  run.table.set("window", "auto", "test");
  EXPECT_EQ(error_of<FormatError>([&] { run.task->load(metadata, "m"); }),
            "m: byte 0: [model] window must be at least 1; got 0. The file is damaged; train again.");
}

}  // namespace detect_rows_test
}  // namespace carousel::tasks
