// The task `detect` from file to alarms.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/tasks/detect_calibration.h"
#include "tests/tasks/detect_runs.h"

namespace carousel::tasks {
namespace detect_test {

using carousel::testing::TempDir;

std::string answered(const DetectModel& model, const std::vector<GroupDetector::Answer>& answers) {
  std::string all;
  for (const GroupDetector::Answer& a : answers)
    all += fmt::format("{} {:d} ", a.score, a.peak && a.score >= model.threshold());
  return all;
}

TEST(DetectTask, FindsWhatIsFarOffAndHardlyMore) {
  const TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(1200, 1)));
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.write("test.csv", table(800, 2, 500, true))}, {});
  EXPECT_EQ(report.task, "detect");
  EXPECT_EQ(report.examples, 800);
  EXPECT_EQ(report.metrics.at("recall"), 1);
  EXPECT_GT(report.metrics.at("precision"), 0.3);
  EXPECT_GT(report.metrics.at("nab"), 95);
  EXPECT_LT(report.metrics.at("error"), report.baseline.at("error")) << "the season is known";
  std::vector<std::string> keys, baseline;
  for (const auto& [key, value] : report.metrics) keys.push_back(key);
  for (const auto& [key, value] : report.baseline) baseline.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"error", "f1", "nab", "precision", "recall"}));
  EXPECT_EQ(keys, baseline);
}

TEST(DetectTask, SaysTheSameOfAStreamAsOfAFile) {
  const TempDir dir;
  for (const char* score : {"forecast", "reconstruction", "both"}) {
    ToyRun run = run_of(dir.write("t.csv", table(600, 1)), settings_of({{"score", score}}));
    run.train();
    const std::string text = table(300, 3, 200);
    DetectModel& model = detector_of(run);
    const DetectData data = read_detect_data({dir.write("test.csv", text)}, model.options());
    const std::string said = streamed(model, text);
    EXPECT_EQ(said, answered(model, model.answers(data.groups.front(), 1))) << score;
    EXPECT_NE(said.find(" 1 "), std::string::npos) << "the far values are alarms";
  }
}

TEST(DetectTask, LooksAtNothingThatComesLater) {
  const TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(600, 1)));
  run.train();
  const std::string whole = streamed(*run.job.model, table(300, 3, 250)),
                    part = streamed(*run.job.model, table(250, 3));
  EXPECT_EQ(whole.substr(0, part.size()), part);
}

TEST(DetectTask, NamesTheSeasonThatItsSeriesHave) {
  const TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", table(300, 3)));
  EXPECT_EQ(seasons_text(detector_of(run).parts()), "24 steps") << "a day of hours, whatever else stands out";
  EXPECT_NE(run.said.find("; season 24 steps; "), std::string::npos) << run.said;
  ToyRun said = run_of(dir.file("t.csv"), settings_of({{"period", "5"}}));
  EXPECT_EQ(seasons_text(detector_of(said).parts()), "5 steps");
}

TEST(DetectTask, DoesNotLearnFromLabelsNorFromWhatIsScored) {
  const TempDir dir;
  ToyRun plain = run_of(dir.write("a.csv", table(2000, 1, -1, true)));
  // Behind the first 15 % all is other, and labelled.
  const std::string first = table(2000, 1, -1, true), other = table(2000, 9, 1000, true);
  size_t cut = 0;
  for (int line = 0; line < 301; ++line) cut = first.find('\n', cut) + 1;
  EXPECT_NE(plain.said.find("no anomaly is labelled: eval will have nothing to score by"), std::string::npos);
  ToyRun mixed = run_of(dir.write("b.csv", first.substr(0, cut) + other.substr(cut)));
  plain.train();
  mixed.train();
  EXPECT_EQ(plain.weights(), mixed.weights());
  EXPECT_NE(plain.said.find("labelled series are learnt from in their first 15 %"), std::string::npos) << plain.said;
  ToyRun all = run_of(dir.write("c.csv", first), settings_of({{"fit_share", "1"}}));
  all.train();
  EXPECT_NE(plain.weights(), all.weights());
}

TEST(DetectTask, EveryOptionChangesTheAnswer) {
  const TempDir dir;
  const std::string file = dir.write("t.csv", table(600, 1)), test = table(300, 3, 200);
  const auto said = [&](const Settings& more) {
    ToyRun run = run_of(file, settings_of(more));
    run.train();
    return streamed(*run.job.model, test) + fmt::format("{}", detector_of(run).threshold());
  };
  const std::string before = said({{"score", "both"}});
  for (const auto& [key, value] : Settings{{"score", "forecast"},
                                           {"period", "5"},
                                           {"dev_share", "0.5"},
                                           {"fit_share", "0.7"},
                                           {"window", "16"},
                                           {"code_size", "2"},
                                           {"memory", "50"},
                                           {"quiet", "0"},
                                           {"habituation", "0"},
                                           {"warm_up", "10"},
                                           {"false_alarms", "20"},
                                           {"budget_per", "day"}})
    EXPECT_NE(said({{"score", "both"}, {key, value}}), before) << key;
}

TEST(DetectTask, ReadsAFolderOfTablesWithWindows) {
  const TempDir dir;
  std::filesystem::create_directories(dir.file("data/g"));
  std::filesystem::create_directories(dir.file("labels"));
  dir.write("data/g/a.csv", table(800, 1, 500));
  dir.write("data/g/b.csv", table(800, 2));
  dir.write("labels/combined_windows.json",
            R"({"g/a.csv": [["2020-01-21 18:00:00", "2020-01-22 06:00:00"]], "g/b.csv": []})");
  ToyRun run = run_of(dir.path());
  EXPECT_NE(
      run.said.find("train: a folder of 2 tables with windows of anomalies; the first has comma-separated "
                    "columns under a row of names: time is the time, 1 column of values; 2 series of 1600 rows\n"),
      std::string::npos)
      << run.said;
  EXPECT_FALSE(make_task("detect")->recognises({dir.path()}).empty());
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.path()}, {});
  EXPECT_EQ(report.examples, 1600);
  EXPECT_EQ(report.metrics.at("recall"), 1);
  const FileAnswer answer = run.job.model->predict_file(dir.path(), {});
  EXPECT_EQ(answer.columns, (std::vector<std::string>{"series", "row", "time", "score", "alarm"}));
  EXPECT_EQ(answer.rows.size(), 1600u);
  EXPECT_EQ(std::get<std::string>(answer.rows.front().front()), "g/a.csv");
  // One of the files alone, with the windows behind it.
  const EvalReport one =
      run.job.model->evaluate({dir.file("data/g/a.csv"), dir.file("labels/combined_windows.json")}, {});
  EXPECT_EQ(one.examples, 800);
}

TEST(DetectTask, KnowsNothingInAdvance) {
  const testing::TempDir dir;
  std::string text = "t,x,c\n";
  for (int i = 0; i < 60; ++i) text += fmt::format("{},{},{}\n", i, i % 7, i % 2);
  const std::string file = dir.write("t.csv", text);
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              ToyRun(file, {{"columns", "time,value,known"}}, {}, "detect");
            }),
            "[detect] a detector looks at values alone; got a column with the role known. Write a _ in its place.");
}

TEST(Threshold, IsTheRankOfTheBudgetOrLiesOnTheTail) {
  std::vector<double> peaks;
  for (int i = 0; i < 1000; ++i) peaks.push_back(std::pow((i + 0.5) / 1000, -0.5));  // falls with the square
  EXPECT_NEAR(threshold_of(peaks, {1, 2}, 200), std::sqrt(1000 / 200.5), 1e-9);
  EXPECT_NEAR(threshold_of(peaks, {1, 2}, 1), std::sqrt(1000 / 1.5), 1e-9);
  EXPECT_NEAR(threshold_of({3}, peaks, 0.01) / std::sqrt(100000), 1, 0.1) << "beyond what was seen";
  EXPECT_NEAR(threshold_of({}, peaks, 1) / std::sqrt(1000), 1, 0.1) << "no peak to count";
  EXPECT_EQ(threshold_of({}, {}, 1), 0);
  EXPECT_EQ(threshold_of({3}, {3}, 0.5), 3);
  EXPECT_EQ(threshold_of({3, 0, -1}, {3, 0}, 7), 3) << "zeros are no scores";
}

TEST(PeakTracker, CallsOneIncidentOnce) {
  PeakTracker tracker(3);
  std::string peaks;
  for (const double score : {1, 2, 2, 1, 1, 1, 3, 1, 1, 1, 2}) peaks += tracker.read(score) ? '1' : '0';
  EXPECT_EQ(peaks, "11000010001");
  PeakTracker loud(0);
  EXPECT_TRUE(loud.read(2));
  EXPECT_TRUE(loud.read(1));
}

TEST(Habituation, MakesWhatComesAgainLessUnusual) {
  Habituation habit(2, 1);
  std::vector<double> said;
  for (const double off : {5.0, 1.0, 1.0, 5.0, 1.0, 1.0, 6.0, 1.0, 1.0, 1.0}) said.push_back(habit.read(off));
  EXPECT_EQ(said[0], 5);
  EXPECT_EQ(said[3], 2.5) << "as before";
  EXPECT_EQ(said[6], 6) << "higher than before";
  EXPECT_EQ(said[9], 1.0 / 4) << "three incidents were higher";
  Habituation off(2, 0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(off.read(5), 5);
}

TEST(RunningMoments, AreThoseOfAllValuesUntilTheMemoryIsFull) {
  RunningMoments moments(4);
  for (const double v : {1.0, 2.0, 6.0}) moments.add(v);
  EXPECT_DOUBLE_EQ(moments.mean(), 3);
  EXPECT_DOUBLE_EQ(moments.deviation(), std::sqrt(14.0 / 3));
  EXPECT_DOUBLE_EQ(moments.size(), std::sqrt(41.0 / 3));
  for (int i = 0; i < 100; ++i) moments.add(5);
  EXPECT_NEAR(moments.mean(), 5, 1e-9);
  EXPECT_EQ(moments.count(), 4);
  RunningMoments constant(10);
  for (int i = 0; i < 20; ++i) constant.add(0.1);
  EXPECT_EQ(constant.deviation(), 0);
}

TEST(SeriesFeatures, SayWhatIsKnownOfTheNextValue) {
  SeriesFeatures features(100, 3);
  for (const double v : {0.0, 1.0, 4.0}) features.read(v);
  // A season before the next value there was 0: 4 less than now, in units of sqrt((1 + 9) / 2).
  const auto now = features.values();
  EXPECT_FLOAT_EQ(now[1], static_cast<float>(3 / 1.0)) << "the unit before it: one difference of 1";
  EXPECT_FLOAT_EQ(now[2], static_cast<float>(-4 / std::sqrt(5.0)));
  EXPECT_EQ(now[3], 1);
  EXPECT_DOUBLE_EQ(features.level(), 3.5 / 0.5);
  EXPECT_EQ(now[0], 4) << "clipped";
}

}  // namespace detect_test
}  // namespace carousel::tasks
