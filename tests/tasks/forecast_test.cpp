// The task `forecast` from file to forecasts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/tasks/forecast_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace forecast_test {

/// Hours of two variables with a season of 8: a sawtooth with noise, and its mirror image ten times as large.
std::string table(int rows, uint64_t seed, int first = 0, double noise = 0.3) {
  Rng rng(seed, 0);
  std::string text = "date,up,down\n";
  for (int i = first; i < first + rows; ++i) {
    const double saw = i % 8 + noise * static_cast<double>(rng.normal());
    text += fmt::format("2020-{:02}-{:02} {:02}:00,{:.4f},{:.4f}\n", 1 + i / 24 / 28, 1 + i / 24 % 28, i % 24, 20 + saw,
                        -10 * saw);
  }
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"window", "24"}, {"horizon", "8"}, {"hidden_size", "12"}, {"batch_size", "16"}, {"max_steps", "5"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

ToyRun run_of(const std::string& file, const Settings& settings, const std::vector<std::string>& dev = {}) {
  return ToyRun(file, settings, dev, "forecast");
}

ForecastModel& model_of(const ToyRun& run) {
  return dynamic_cast<ForecastModel&>(*run.job.model);
}

std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "\n";
  return text;
}

TEST(ForecastTask, LearnsASeasonAndBeatsTheSeasonalNaive) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(800, 1)), {{"max_steps", "100"}, {"learning_rate", "0.01"}});
  for (const char* sentence :
       {"train: comma-separated columns under a row of names: date is the time, 2 columns of values; 2 series of 1600 "
        "values, one each 1 hour\n",
        "season: 8 steps, by autocorrelation\n", "shape: 8 values forecast from windows of 112\n",
        "dev: the last 200 of each series; ",
        "model: the best on dev of lstm (1 lstm layer of 64 units, 8 values a step)"})
    EXPECT_NE(run.said.find(sentence), std::string::npos) << run.said;
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.write("test.csv", table(1000, 2))}, {});
  EXPECT_EQ(report.task, "forecast");
  EXPECT_EQ(report.examples, 2 * (1000 - 112 - 8 + 1));
  // The seasonal naive forecast has the noise of both values: sqrt(2) times that of a model that knows the season.
  EXPECT_LT(report.metrics.at("mae"), 0.85 * report.baseline.at("mae"));
  EXPECT_LT(report.metrics.at("mse"), 0.75 * report.baseline.at("mse"));
  EXPECT_LT(report.metrics.at("mase"), 0.85);
  EXPECT_NEAR(report.metrics.at("coverage"), 0.9, 0.05);
  EXPECT_NEAR(report.baseline.at("coverage"), 0.9, 0.05);
  EXPECT_EQ(report.baseline_name, "seasonal naive: the last 8 values again");
  std::vector<std::string> keys, baseline_keys;
  for (const auto& [key, value] : report.metrics) keys.push_back(key);
  for (const auto& [key, value] : report.baseline) baseline_keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"coverage", "mae", "mase", "mse", "smape"}));
  EXPECT_EQ(keys, baseline_keys);
  EXPECT_NE(joined(report.notes).find("mse, mae, smape of each: lstm "), std::string::npos) << joined(report.notes);
}

TEST(ForecastTask, MetricsAreThoseWorkedOutByHand) {
  const testing::TempDir dir;
  // The naive forecast of 0 1 2 3 ...: errors 1 and 2 at the two steps, at each origin.
  std::string text = "t,x\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{}\n", i, i);
  const Settings settings = {
      {"window", "4"}, {"horizon", "2"}, {"model", "naive"}, {"period", "1"}, {"dev_share", "0.25"}};
  ToyRun run = run_of(dir.write("t.csv", text), settings);
  run.train();
  const EvalReport report =
      run.job.model->evaluate({dir.write("test.csv", "t,x\n50,5\n51,6\n52,7\n53,8\n54,9\n55,10\n")}, {});
  EXPECT_EQ(report.examples, 1);
  const double variance = (30.0 * 30 - 1) / 12;  // of the training part, 0 .. 29
  EXPECT_NEAR(report.metrics.at("mse"), (1 + 4) / 2.0 / variance, 1e-6);
  EXPECT_NEAR(report.metrics.at("mae"), 1.5 / std::sqrt(variance), 1e-6);
  EXPECT_NEAR(report.metrics.at("smape"), (200.0 / 17 + 400.0 / 18) / 2, 1e-5);
  EXPECT_NEAR(report.metrics.at("mase"), 1.5, 1e-6);
  EXPECT_EQ(report.metrics.at("coverage"), 1) << "dev had the same errors";
  EXPECT_EQ(report.metrics, report.baseline);
}

TEST(ForecastTask, RulesAreWhatTheyAreCalled) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.csv", table(200, 1));
  const auto points = [&](const char* model) {
    ToyRun run = run_of(file, settings_of({{"model", model}}));
    Tensor x = Tensor::empty({1, 24});
    for (int64_t i = 0; i < 24; ++i) x.data<float>()[i] = static_cast<float>(i * i);
    const Tensor y = model_of(run).forecasts(model, {x, Tensor(), Tensor()}).point;
    return std::vector<float>(y.data<float>(), y.data<float>() + 3);
  };
  EXPECT_EQ(points("naive"), (std::vector<float>{529, 529, 529}));
  EXPECT_EQ(points("seasonal_naive"), (std::vector<float>{256, 289, 324}));
  EXPECT_EQ(points("drift"), (std::vector<float>{552, 575, 598}));
}

TEST(ForecastTask, KeepsTheBestOnDevAndSaysSo) {
  const testing::TempDir dir;
  // A sawtooth without noise: nothing beats the last season.
  ToyRun run = run_of(dir.write("t.csv", table(200, 1, 0, 0)), settings_of({{"max_steps", "1"}, {"ridge", "10"}}));
  const train::TrainResult result = run.train();
  EXPECT_EQ(model_of(run).chosen(), "seasonal_naive");
  EXPECT_NEAR(result.best.evaluation.value, 0, 1e-6);
  EXPECT_EQ(result.best.evaluation.warning.rfind("seasonal_naive forecasts better than the recurrent network alone and "
                                                 "is kept (dev mae: lstm ",
                                                 0),
            0u)
      << result.best.evaluation.warning;
  ToyRun forced = run_of(dir.file("t.csv"), settings_of({{"model", "lstm"}}));
  forced.train();
  EXPECT_EQ(model_of(forced).chosen(), "lstm");
  EXPECT_EQ(model_of(forced).candidates(), (std::vector<std::string>{"lstm"}));
}

TEST(ForecastTask, StandardisesByTheTrainingPartAlone) {
  const testing::TempDir dir;
  std::string text = "t,x\n";
  for (int i = 0; i < 80; ++i) text += fmt::format("{},{}\n", i, i < 60 ? i % 2 : 1000 * (i % 3));
  const ToyRun run =
      run_of(dir.write("t.csv", text),
             {{"window", "4"}, {"horizon", "2"}, {"model", "naive"}, {"dev_share", "0.25"}, {"period", "2"}});
  const SeriesMemory& m = model_of(run).memories().front();
  EXPECT_NEAR(m.mean, 0.5, 1e-12);
  EXPECT_NEAR(m.deviation, 0.5, 1e-12);
  EXPECT_EQ(m.end, (std::vector<double>{1000, 2000, 0, 1000}));
}

TEST(ForecastTask, ForecastsWhatComesAfterAFile) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(200, 1)), settings_of({{"max_steps", "60"}}));
  run.train();
  const FileAnswer answer = run.job.model->predict_file(dir.write("now.csv", table(48, 3)), {});
  EXPECT_EQ(answer.columns, (std::vector<std::string>{"series", "step", "time", "forecast", "low", "high"}));
  ASSERT_EQ(answer.rows.size(), 16u);
  EXPECT_EQ(std::get<std::string>(answer.rows[0][0]), "up");
  EXPECT_EQ(std::get<int64_t>(answer.rows[8][1]), 1);
  EXPECT_EQ(std::get<std::string>(answer.rows[0][2]), "2020-01-03 00:00");
  for (size_t h = 0; h < 8; ++h) {
    EXPECT_NEAR(std::get<double>(answer.rows[h][3]), 20 + static_cast<double>(h), 1.2) << h;
    EXPECT_NEAR(std::get<double>(answer.rows[8 + h][3]), -10 * static_cast<double>(h), 12) << h;
    EXPECT_LT(std::get<double>(answer.rows[h][4]), std::get<double>(answer.rows[h][3]));
    EXPECT_GT(std::get<double>(answer.rows[h][5]), std::get<double>(answer.rows[h][3]));
  }
  const std::string few = dir.write("few.csv", table(12, 3));
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->predict_file(few, {}); }),
            few +
                ": [predict] a series must have 24 values, a window; got fewer in each. Give the values before them "
                "too, or train with a shorter --window.");
}

TEST(ForecastTask, AFileThatGoesOnWhereTrainingEndedNeedsNoContext) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(200, 1)), settings_of());
  run.train();
  const std::string next = dir.write("next.csv", table(10, 3, 200));
  const EvalReport report = run.job.model->evaluate({next}, {});
  EXPECT_EQ(report.examples, 2 * 3) << "from its first value on";
  EXPECT_NE(
      joined(report.notes)
          .find("2 series begin where training ended (up, down): the last 24 values of it stand before the file's"),
      std::string::npos)
      << joined(report.notes);
  EXPECT_EQ(run.job.model->predict_file(next, {}).rows.size(), 16u);
  const std::string later = dir.write("later.csv", table(10, 3, 208));
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->evaluate({later}, {}); }),
            later +
                ": [eval] a series must have 32 values, a window of 24 and a horizon of 8 behind it; got 10 in the "
                "longest. Give the values before them too, or train with a shorter --window.");
}

TEST(ForecastTask, ARowForEachSeriesGoesOnByItsName) {
  const testing::TempDir dir;
  std::string train, test;
  for (const char* name : {"A", "B"}) {
    train += name;
    test += name;
    for (int i = 0; i < 80; ++i) train += fmt::format(",{}", (*name == 'A' ? 1 : 5) * (3 + i % 4));
    for (int i = 80; i < 88; ++i) test += fmt::format(",{}", (*name == 'A' ? 1 : 5) * (3 + i % 4));
    train += "\n";
    test += "\n";
  }
  ToyRun run = run_of(dir.write("t.csv", train), settings_of({{"layout", "rows"}}));
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.write("test.csv", test)}, {});
  EXPECT_EQ(report.examples, 2);
  EXPECT_NEAR(report.baseline.at("smape"), 0, 1e-4);
  test += "C,1,2,3,4,5,6,7,8\n";
  const std::string notes = joined(run.job.model->evaluate({dir.write("more.csv", test)}, {}).notes);
  EXPECT_NE(notes.find("1 series was not in the training data (C): measured by mean and deviation of the file\n"),
            std::string::npos)
      << notes;
  EXPECT_NE(notes.find("1 series is too short for a window and a horizon and left out (C)\n"), std::string::npos)
      << notes;
}

TEST(ForecastTask, ADevFileIsItsOwn) {
  const testing::TempDir dir;
  const std::string dev = dir.write("d.csv", table(60, 2));
  ToyRun run = run_of(dir.write("t.csv", table(200, 1)), settings_of(), {dev});
  EXPECT_NE(run.said.find("dev: " + dev + "; 338 windows to learn from, 58 to choose by"), std::string::npos)
      << run.said;
  run.train();
}

TEST(ForecastTask, OutputsGiveIntervalsThatCover) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.csv", table(300, 1)), test = dir.write("test.csv", table(150, 2));
  for (const char* output : {"gaussian", "quantile"})
    for (const char* decoding : {"direct", "autoregressive"}) {
      ToyRun run = run_of(file, settings_of({{"model", "lstm"},
                                             {"output", output},
                                             {"decoding", decoding},
                                             {"max_steps", "60"},
                                             {"learning_rate", "0.01"},
                                             {"coverage", "0.8"}}));
      run.train();
      EXPECT_NEAR(run.job.model->evaluate({test}, {}).metrics.at("coverage"), 0.8, 0.08) << output << decoding;
    }
}

TEST(ForecastTask, SeveralMembersForecastTheirMean) {
  const testing::TempDir dir;
  const Settings settings = settings_of({{"model", "lstm"}, {"members", "3"}, {"normalize", "none"}});
  ToyRun run = run_of(dir.write("t.csv", table(200, 1)), settings);
  run.train();
  ForecastModel& model = model_of(run);
  ASSERT_EQ(model.lstm().size(), 3u);
  Tensor x = Tensor::full({1, 24}, 0.5);
  std::vector<std::vector<float>> each;
  for (const auto& member : model.lstm()) {
    nn::Context ctx;
    const Tensor y = member->forward(ctx, x).value();
    each.emplace_back(y.data<float>(), y.data<float>() + y.numel());
  }
  EXPECT_NE(each[0], each[1]) << "from different weights on";
  const Tensor mean = model.forecasts("lstm", {x, Tensor(), Tensor()}).point;
  for (size_t h = 0; h < 8; ++h)
    EXPECT_NEAR(mean.data<float>()[h], (each[0][h] + each[1][h] + each[2][h]) / 3, 1e-6) << h;
}

TEST(ForecastTask, ComesBackFromItsMetadata) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(200, 1)), settings_of());
  run.train();
  const std::map<std::string, std::string> metadata = run.job.model->metadata();
  const auto loaded = run.task->load(metadata, "m");
  EXPECT_EQ(loaded->metadata(), metadata);
  EXPECT_EQ(testing::error_of<FormatError>([&] { run.task->load({}, "m"); }),
            "m: byte 0: [model] the metadata must hold 'forecast.series'; got none. The file is no forecaster or is "
            "damaged; train again.");
  int refused = 0;
  const std::string& text = metadata.at("forecast.series");
  for (size_t i = 0; i < text.size(); i += 7) {
    std::string damaged = text;
    damaged[i] = '~';
    try {
      run.task->load({{"forecast.series", damaged}}, "m");
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(text.size()) / 7 / 2);
  run.table.set("period", "auto", "test");
  EXPECT_EQ(
      testing::error_of<FormatError>([&] { run.task->load(metadata, "m"); }),
      "m: byte 0: [model] period, window and horizon must be at least 1; got 0. The file is damaged; train again.");
}

TEST(ForecastTask, RefusesWhatItCannotDo) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.csv", table(200, 1));
  ToyRun run = run_of(file, settings_of());
  PredictOptions search;
  search.beam_size = 4;
  EXPECT_EQ(testing::error_of<ConfigError>([&] { run.job.model->evaluate({file}, search); }),
            "[forecast] a forecaster gives numbers and searches for no sequence; got --beam. Leave it out.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              run.job.model->evaluate({file, file}, {});
            }),
            "[forecast] all series stand in one file; got 2 files. Give one.");
  EXPECT_EQ(
      testing::error_of<UnsupportedError>([&] { run.job.model->predict({"1 2 3"}, {}); }),
      "[predict] a forecaster answers a file of numbers as a whole; got lines. Name a file: carousel predict MODEL "
      "FILE.");
  EXPECT_EQ(
      testing::error_of<UnsupportedError>([&] { run.job.model->inspect("1", {}); }),
      "[inspect] a forecaster reads files of numbers and has no attention; got a line. Look at its forecasts with "
      "predict.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              auto task = make_task("forecast");
              task->build({.data = {file, file}, .dev = {}, .seed = 1, .max_seconds = 0}, [](const std::string&) {});
            }),
            "[forecast] all series stand in one file; got 2 files. Give one, with a column for each series.");
  const ToyRun other(dir.write("words.tsv", spelling_lines(40, 1)), {{"max_steps", "1"}, {"hidden_size", "4"}});
  EXPECT_FALSE(other.job.model->answers_files());
  EXPECT_EQ(
      testing::error_of<UnsupportedError>([&] { other.job.model->predict_file("x.csv", {}); }),
      "[predict] a file is answered as a whole by models of numbers; got x.csv for one of task transduce. Give its "
      "lines.");
  std::string smooth;
  for (int i = 0; i < 300; ++i) smooth += fmt::format("{}\n", std::sin(i / 50.0));
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              run_of(dir.write("smooth.csv", smooth),
                     settings_of({{"window", "96"}, {"normalize", "none"}, {"ridge", "1e-09"}}));
            }),
            "[dlinear] least squares must have a solution; got none with ridge = 1e-09. Set a larger ridge.");
  const std::string small = dir.write("s.csv", table(30, 1));
  EXPECT_EQ(testing::error_of<DataError>([&] { run_of(small, settings_of()); }),
            small +
                ": [forecast] a series must hold a window of 24 and a horizon of 8 for training and a horizon for "
                "dev; got at most 30 values. Give more data, or set a shorter --window or --horizon.");
}

TEST(ForecastTask, IsRecognisedByNumbersUnderTimes) {
  const testing::TempDir dir;
  EXPECT_EQ(decide_task({dir.write("t.csv", table(50, 1))}),
            (std::pair<std::string, std::string>("forecast",
                                                 "comma-separated columns under a row of names: date is the "
                                                 "time, 2 columns of values")));
  EXPECT_EQ(decide_task({dir.write("words.tsv", spelling_lines(40, 1))}).first, "transduce");
  const std::string prose = "Here is a sentence.\nAnd, well, another.\n";
  EXPECT_EQ(decide_task({dir.write("text.txt", prose)}).first, "lm");
  const std::string unclear = dir.write("text.csv", prose);
  EXPECT_EQ(testing::error_of<DataError>([&] { decide_task({unclear}); }),
            unclear +
                ": [task] what the columns of a table hold must be clear; got names and values that do not tell. "
                "Say it with --columns (text,label or source,target or time,value, with _ for each to skip), or "
                "name the task with --task: lm reads a file as running text.");
  std::string sums;
  for (int i = 0; i < 50; ++i) sums += fmt::format("{}\t{}\n", i * 37 % 50, i);
  EXPECT_EQ(decide_task({dir.write("sums.tsv", sums)}).first, "transduce") << "numbers for numbers are pairs";
}

/// Everything that a run leaves behind: weights, choice, margins, score.
std::string outcome(const std::string& file, const Settings& settings) {
  ToyRun run = run_of(file, settings);
  const double best = run.train().best.evaluation.value;
  std::string text = run.weights() + std::to_string(best);
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  return text;
}

TEST(ForecastOptions, EveryOptionChangesTheOutcome) {
  const std::map<std::string, Settings> changes = {
      {"layout", {{"layout", "rows"}}},
      {"columns", {{"columns", "series,time,_,value"}}},
      {"header", {{"header", "yes"}}},
      {"period", {{"period", "3"}}},
      {"dev_share", {{"dev_share", "0.4"}}},
      {"model", {{"model", "lstm"}}},
      {"calendar", {{"calendar", "yes"}}},
      {"members", {{"members", "2"}}},
      {"normalize", {{"normalize", "mean"}}},
      {"moving_average", {{"moving_average", "3"}}},
      {"ridge", {{"ridge", "0.5"}}},
      {"window", {{"window", "16"}}},
      {"horizon", {{"horizon", "4"}}},
      {"patch", {{"patch", "4"}}},
      {"decoding", {{"decoding", "autoregressive"}}},
      {"output", {{"output", "quantile"}}},
      {"loss", {{"loss", "mse"}}},
      {"coverage", {{"coverage", "0.5"}}},
      {"quantiles", {{"quantiles", "20,60"}}},
      {"output_dropout", {{"output_dropout", "0.6"}}},
      {"cell", {{"cell", "gru"}}},
      {"reset", {{"cell", "gru"}, {"reset", "after"}}},
      {"update", {{"cell", "gru"}, {"update", "keep"}}},
      {"biases", {{"biases", "2"}}},
      {"activation", {{"cell", "rnn"}, {"activation", "relu"}}},
      {"projection_size", {{"cell", "projected_lstm"}, {"projection_size", "4"}}},
      {"hidden_size", {{"hidden_size", "11"}}},
      {"num_layers", {{"num_layers", "2"}}},
      {"bidirectional", {{"bidirectional", "true"}}},
      {"residual", {{"residual", "true"}}},
      {"layer_norm", {{"layer_norm", "true"}}},
      {"dropout", {{"num_layers", "2"}, {"dropout", "0.6"}}},
      {"variational_dropout", {{"num_layers", "2"}, {"dropout", "0.3"}, {"variational_dropout", "true"}}},
      {"recurrent_dropout", {{"recurrent_dropout", "0.5"}}},
      {"zoneout", {{"zoneout", "0.5"}}},
      {"batch_size", {{"batch_size", "5"}}}};
  const std::map<std::string, Settings> company = {{"decoding", {{"patch", "4"}}},
                                                   {"reset", {{"cell", "gru"}}},
                                                   {"update", {{"cell", "gru"}}},
                                                   {"activation", {{"cell", "rnn"}}},
                                                   {"projection_size", {{"cell", "projected_lstm"}}},
                                                   {"dropout", {{"num_layers", "2"}}},
                                                   {"variational_dropout", {{"num_layers", "2"}, {"dropout", "0.3"}}}};
  const testing::TempDir dir;
  std::string text = "a,0,1,2\n";  // a header, or not
  Rng rng(4, 0);
  for (int i = 1; i < 90; ++i)
    text += fmt::format("a,{},{:.3f},{}\n", i, std::sin(i) + static_cast<double>(rng.uniform()), i % 5 * 1.5);
  const std::string file = dir.write("t.csv", text);
  std::string numbers;  // a column, or a row, for each series
  for (int i = 0; i < 60; ++i)
    for (int j = 0; j < 60; ++j) numbers += fmt::format("{}{}", j == 0 ? i : i * j % 7, j < 59 ? "," : "\n");
  const std::string square = dir.write("square.csv", numbers);
  const std::string dated = dir.write("dated.csv", table(200, 3));
  auto task = make_task("forecast");
  OptionTable table;
  task->options(table);
  std::map<std::pair<std::string, Settings>, std::string> before;
  for (const Option& row : table.rows()) {
    // The trainer's own are tested with the task transduce.
    if (row.section == "train" && !changes.contains(row.name)) continue;
    const std::set<std::string> of_cells = {"max_line_bytes", "missing", "dates", "decimal"};
    if (of_cells.contains(row.name)) continue;  // tests/data
    ASSERT_TRUE(changes.contains(row.name)) << "no test for the option " << row.name;
    Settings base = settings_of({{"max_steps", "2"}, {"patch", "8"}});
    if (company.contains(row.name))
      for (const auto& pair : company.at(row.name)) base.push_back(pair);
    Settings changed = base;
    for (const auto& pair : changes.at(row.name)) changed.push_back(pair);
    const std::string& data = row.name == "layout" ? square : row.name == "calendar" ? dated : file;
    std::string& unchanged = before[{data, base}];
    if (unchanged.empty()) unchanged = outcome(data, base);
    EXPECT_TRUE(outcome(data, changed) != unchanged) << row.name << " changes nothing";
  }
}

}  // namespace forecast_test
}  // namespace carousel::tasks
