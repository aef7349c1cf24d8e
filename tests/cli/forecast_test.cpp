// A forecaster on the command line: from a table to a table.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace carousel::cli {
namespace forecast_test {

using carousel::testing::run;

TEST(ForecastProgram, TrainsScoresAndForecasts) {
  const carousel::testing::TempDir dir;
  std::string text = "date,\"a, b\",c\n";
  for (int i = 0; i < 120; ++i) text += fmt::format("{}-{:02},{},{}\n", 2000 + i / 12, 1 + i % 12, i % 4, i);
  const std::string data = dir.write("t.csv", text), model = dir.file("m.safetensors");
  const auto trained = run({"train", data, "-o", model, "--horizon", "3", "--window", "8", "--set", "max_steps=5",
                            "--set", "hidden_size=4"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(
      trained.err.find("task: forecast, because comma-separated columns under a row of names: date is the time, 2 "
                       "columns of values\n"),
      std::string::npos)
      << trained.err;
  EXPECT_NE(trained.err.find("predict " + model + " " + data + "\n"), std::string::npos) << trained.err;
  const auto scored = run({"eval", model, data, "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const auto json = nlohmann::json::parse(scored.out);
  for (const char* key : {"mse", "mae", "smape", "mase", "coverage"}) {
    EXPECT_TRUE(json["metrics"].contains(key));
    EXPECT_TRUE(json["baseline"].contains(key));
  }
  const auto table = run({"predict", model, data});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(table.out.rfind("series,step,time,forecast,low,high\n\"a, b\",1,2010-01,", 0), 0u) << table.out;
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 7);
  const auto lines = run({"predict", model, data, "--json"});
  const auto first = nlohmann::json::parse(lines.out.substr(0, lines.out.find('\n')));
  EXPECT_EQ(first["schema"], "carousel/predict-row@1");
  EXPECT_EQ(first["series"], "a, b");
  EXPECT_EQ(first["step"], 1);
  EXPECT_TRUE(first["forecast"].is_number());
  const auto rolled = run({"eval", model, data, "--backtest", "3", "--json"});
  ASSERT_EQ(rolled.code, 0) << rolled.err;
  const auto backtest = nlohmann::json::parse(rolled.out);
  ASSERT_EQ(backtest["by_step"].size(), 3u);
  EXPECT_EQ(backtest["by_step"][2]["step"], 3);
  for (const char* key : {"mse", "mae", "smape", "mase", "coverage", "baseline_mae"})
    EXPECT_TRUE(backtest["by_step"][0].contains(key)) << key;
  ASSERT_EQ(backtest["by_origin"].size(), 3u);
  EXPECT_EQ(backtest["by_origin"][1]["values_behind"], 6);
  EXPECT_EQ(backtest["examples"], 6);
  EXPECT_FALSE(json.contains("by_step"));
  const auto shown = run({"eval", model, data, "--backtest", "3"});
  EXPECT_NE(shown.out.find("\n       step        mse        mae      smape       mase   coverage  baseline mse"),
            std::string::npos)
      << shown.out;
  EXPECT_EQ(std::count(shown.out.begin(), shown.out.end(), '\n'), 1 + 5 + 1 + 2 * (2 + 3));
  EXPECT_EQ(run({"eval", model, data, "--backtest", "0"}).code, 2);
  const auto searched = run({"eval", model, data, "--backtest", "3", "--beam", "4"});
  EXPECT_EQ(searched.code, 2);
  EXPECT_EQ(searched.err,
            "carousel: [eval] a backtest searches for no sequence; got --beam. Leave it out; a forecaster gives "
            "numbers.\n");
  const auto piped = run({"predict", model});
  EXPECT_EQ(piped.code, 2);
  EXPECT_EQ(piped.err,
            "carousel: [predict] this model answers a file of numbers, which is looked at more than once; got standard "
            "input. Name a file.\n");
}

TEST(ForecastProgram, KeepsHowDatesAndFractionsAreWritten) {
  const carousel::testing::TempDir dir;
  std::string text = "Tag;Last\n";
  for (int i = 0; i < 120; ++i)
    text += fmt::format("{}/{}/2020;{},{}\n", 1 + i % 28, 1 + i / 28, 10 + i % 7, i % 7);  // the 28th and then the 1st
  const std::string data = dir.write("t.csv", text), model = dir.file("m.safetensors");
  const auto trained = run({"train", data, "-o", model, "--horizon", "2", "--window", "8", "--set", "max_steps=2",
                            "--set", "hidden_size=4"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  // Nothing in these rows tells the month from the day.
  const std::string later = dir.write("u.csv",
                                      "Tag;Last\n1/6/2020;10,1\n2/6/2020;11,2\n3/6/2020;12\n4/6/2020;13\n5/6/"
                                      "2020;14\n6/6/2020;15\n7/6/2020;16\n8/6/2020;10\n9/6/2020;11\n");
  const auto table = run({"predict", model, later});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_NE(table.out.find("Last,1,2020-06-10,"), std::string::npos) << table.out;
}

TEST(ForecastProgram, WarnsOfDevDataThatTrainingHasToo) {
  const carousel::testing::TempDir dir;
  std::string text = "time,x\n", later = text;
  for (int i = 0; i < 120; ++i) text += fmt::format("{},{}\n", i, i * i % 4099);
  for (int i = 60; i < 126; ++i) later += fmt::format("{},{}\n", i, i * i % 4099);
  const auto trained =
      run({"train", dir.write("t.csv", text), "--dev", dir.write("d.csv", later), "-o", dir.file("m.safetensors"),
           "--horizon", "2", "--window", "8", "--set", "max_steps=2", "--set", "hidden_size=4"});
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(
      trained.err.find("warning: 60 of 66 values of dev stand in the training data too, in runs of 16 and more: "),
      std::string::npos)
      << trained.err;
}

TEST(ForecastProgram, TakesWhatIsKnownInAdvance) {
  const carousel::testing::TempDir dir;
  std::string text = "day,sales,offer\n";
  for (int i = 0; i < 150; ++i) text += fmt::format("{},{},{}\n", i, 5 + 3 * (i * i % 7 == 2), int{i * i % 7 == 2});
  const std::string data = dir.write("t.csv", text), model = dir.file("m.safetensors");
  const auto trained =
      run({"train", data, "-o", model, "--task", "forecast", "--columns", "time,value,known", "--horizon", "2",
           "--window", "6", "--set", "model=dlinear", "--set", "period=1", "--set", "quantiles=10"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto refused = run({"predict", model, data});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(
      refused.err.find("[predict] what is known in advance must be given for all 2 steps that are forecast; got 0 "
                       "rows behind the last value of \"sales\". Add rows with offer and empty values.\n"),
      std::string::npos)
      << refused.err;
  const auto answered = run({"predict", model, dir.write("now.csv", text + "150,,0\n151,,1\n"), "--json"});
  ASSERT_EQ(answered.code, 0) << answered.err;
  const size_t end = answered.out.find('\n');
  const auto first = nlohmann::json::parse(answered.out.substr(0, end)),
             second = nlohmann::json::parse(answered.out.substr(end + 1));
  EXPECT_NEAR(first["forecast"].get<double>(), 5, 0.5);
  EXPECT_NEAR(second["forecast"].get<double>(), 8, 0.5);
  EXPECT_EQ(second["time"], "151");
  EXPECT_LE(first["low"].get<double>(), first["q10"].get<double>());
}

}  // namespace forecast_test
}  // namespace carousel::cli
