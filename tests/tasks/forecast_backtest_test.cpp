// A forecaster scored at origins that roll, and its quantiles.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/tasks/forecast_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace forecast_backtest_test {

using testing::error_of;

ToyRun run_of(const std::string& file, const Settings& settings) {
  return ToyRun(file, settings, {}, "forecast");
}

const EvalTable& table_of(const EvalReport& report, const std::string& name) {
  const auto place = std::find_if(report.tables.begin(), report.tables.end(),
                                  [&](const EvalTable& table) { return table.name == name; });
  return *place;
}

std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "\n";
  return text;
}

TEST(ForecastBacktest, ErrorsByStepAndOriginAreThoseWorkedOutByHand) {
  const testing::TempDir dir;
  // The naive forecast of squares: behind the origin n the errors are (n + h)^2 - (n - 1)^2 for h = 0, 1.
  std::string text = "t,x\n", test = "t,x\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{}\n", i, i);
  for (int i = 0; i < 11; ++i) test += fmt::format("{},{}\n", 100 + i, i * i);
  ToyRun run =
      run_of(dir.write("t.csv", text), {{"window", "4"}, {"horizon", "2"}, {"model", "naive"}, {"period", "1"}});
  run.train();
  const double deviation = std::sqrt((30.0 * 30 - 1) / 12);
  const EvalReport report = run.job.model->backtest({dir.write("test.csv", test)}, 3);
  EXPECT_EQ(report.examples, 3);
  const EvalTable& steps = table_of(report, "by_step");
  ASSERT_EQ(steps.columns, (std::vector<std::string>{"step", "mse", "mae", "smape", "mase", "coverage", "baseline_mse",
                                                     "baseline_mae", "baseline_smape", "baseline_mase"}));
  ASSERT_EQ(steps.rows.size(), 2u);
  const auto error = [](int n, int h) { return static_cast<double>((n + h) * (n + h) - (n - 1) * (n - 1)); };
  for (int h = 0; h < 2; ++h) {
    const auto& row = steps.rows[static_cast<size_t>(h)];
    EXPECT_EQ(row[0], h + 1);
    EXPECT_NEAR(row[2], (error(5, h) + error(7, h) + error(9, h)) / 3 / deviation, 1e-5);
    EXPECT_NEAR(row[7], row[2], 1e-12) << "the model is the baseline";
  }
  const EvalTable& origins = table_of(report, "by_origin");
  ASSERT_EQ(origins.rows.size(), 3u);
  EXPECT_EQ(origins.columns[0], "values_behind");
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(origins.rows[static_cast<size_t>(k)][0], 2 * (k + 1));
    EXPECT_NEAR(origins.rows[static_cast<size_t>(k)][2], (error(9 - 2 * k, 0) + error(9 - 2 * k, 1)) / 2 / deviation,
                1e-5);
  }
  EXPECT_NEAR(report.metrics.at("mae"), (steps.rows[0][2] + steps.rows[1][2]) / 2, 1e-9);
  const EvalReport all = run.job.model->backtest({dir.file("test.csv")}, 50);
  EXPECT_EQ(all.examples, 3) << "a window before the fourth does not fit: 11 - 2 - 3 * 2 is 3";
  EXPECT_NE(joined(all.notes).find("3 origins of 50 fit, 2 values apart; the model is the same at each and not trained "
                                   "anew\n"),
            std::string::npos)
      << joined(all.notes);
}

TEST(ForecastBacktest, SaysWhatWasSeenInTraining) {
  const testing::TempDir dir;
  std::string text = "t,x\n";
  for (int i = 0; i < 60; ++i) text += fmt::format("{},{}\n", i, i % 5);
  const std::string file = dir.write("t.csv", text);
  ToyRun run = run_of(file, {{"window", "4"}, {"horizon", "2"}, {"model", "naive"}, {"period", "1"}});
  run.train();
  EXPECT_NE(joined(run.job.model->backtest({file}, 4).notes)
                .find("4 windows end inside the time of the training data, which the model has seen: its errors there "
                      "are no test\n"),
            std::string::npos);
  for (int i = 60; i < 63; ++i) text += fmt::format("{},{}\n", i, i % 5);
  EXPECT_NE(joined(run.job.model->backtest({dir.write("more.csv", text)}, 4).notes).find("2 windows end inside"),
            std::string::npos);
  const std::string later = dir.write("later.csv", "t,x\n60,0\n61,1\n62,2\n63,3\n");
  EXPECT_EQ(joined(run.job.model->evaluate({later}, {}).notes).find("inside the time"), std::string::npos);
}

TEST(ForecastBacktest, IsForForecasters) {
  const testing::TempDir dir;
  const ToyRun other(dir.write("words.tsv", spelling_lines(40, 1)), {{"max_steps", "1"}, {"hidden_size", "4"}});
  EXPECT_EQ(
      error_of<UnsupportedError>([&] { other.job.model->backtest({dir.file("words.tsv")}, 3); }),
      "[eval] only a forecaster has origins to roll; got --backtest for a model of task transduce. Leave it out.");
}

TEST(ForecastQuantiles, CoverAsManyAsTheySayAndNeverCross) {
  const testing::TempDir dir;
  // Noise that is skewed, and wider every other value.
  const auto noisy = [](int rows, uint64_t seed) {
    Rng rng(seed, 0);
    std::string text;
    for (int i = 0; i < rows; ++i)
      text += fmt::format("{:.4f}\n", (i % 2 == 0 ? 1 : 4) * std::exp(static_cast<double>(rng.normal())));
    return text;
  };
  const std::string file = dir.write("t.csv", noisy(1500, 1)), test = dir.write("test.csv", noisy(1200, 2));
  for (const Settings& more :
       {Settings{{"model", "seasonal_naive"}}, Settings{{"model", "dlinear"}},
        Settings{{"model", "lstm"}, {"output", "gaussian"}}, Settings{{"model", "lstm"}, {"output", "quantile"}}}) {
    Settings settings = {{"window", "12"},          {"horizon", "4"},     {"period", "2"},      {"normalize", "mean"},
                         {"learning_rate", "0.01"}, {"hidden_size", "8"}, {"batch_size", "32"}, {"max_steps", "300"},
                         {"quantiles", "80,20,5"},  {"coverage", "0.5"}};
    settings.insert(settings.end(), more.begin(), more.end());
    ToyRun run = run_of(file, settings);
    run.train();
    const EvalReport report = run.job.model->evaluate({test}, {});
    const std::string name = more.back().second;
    EXPECT_NEAR(report.metrics.at("below_q80"), 0.8, 0.05) << name;
    EXPECT_NEAR(report.metrics.at("below_q20"), 0.2, 0.05) << name;
    EXPECT_NEAR(report.metrics.at("below_q5"), 0.05, 0.04) << name << ": what crossed makes the ends wider";
    EXPECT_NEAR(report.metrics.at("coverage"), 0.5, 0.06) << name;
    EXPECT_GT(report.metrics.at("pinball"), 0);
    if (name == "quantile") {
      EXPECT_LT(report.metrics.at("pinball"), 0.9 * report.baseline.at("pinball")) << "it knows where it is unsure";
    }
    const FileAnswer answer = run.job.model->predict_file(test, {});
    EXPECT_EQ(answer.columns,
              (std::vector<std::string>{"series", "step", "forecast", "low", "high", "q80", "q20", "q5"}));
    for (const auto& row : answer.rows) {
      const auto at = [&](size_t c) { return std::get<double>(row[c]); };
      EXPECT_LE(at(7), at(6)) << name;  // 5 <= 20 <= 25 <= 75 <= 80
      EXPECT_LE(at(6), at(3)) << name;
      EXPECT_LE(at(3), at(4)) << name;
      EXPECT_LE(at(4), at(5)) << name;
    }
  }
}

}  // namespace forecast_backtest_test
}  // namespace carousel::tasks
