// What a forecaster is told in advance: columns known beforehand, and the calendar.
#include "carousel/tasks/forecast_covariates.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/tasks/forecast_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace forecast_covariates_test {

using testing::error_of;

/// Days of a shop: sales are noise, and five more where there is an offer; a second shop sells five fewer then. The
/// last `future` rows have no values.
std::string shop(int rows, uint64_t seed, int future = 0, int first = 0) {
  Rng rng(seed, 0);
  std::string text = "day,sales,other,offer\n";
  for (int i = 0; i < rows; ++i) {
    const bool offer = rng.uniform() < 0.3F;
    const double noise = 0.3 * static_cast<double>(rng.normal()), sign = offer ? 5 : 0;
    const int day = first + i;
    text += fmt::format("{}-{:02}-{:02},", 2000 + day / 336, 1 + day / 28 % 12, 1 + day % 28);
    text += i < rows - future ? fmt::format("{:.3f},{:.3f}", 20 + sign + noise, 50 - sign + noise) : ",";
    text += offer ? ",1\n" : ",0\n";
  }
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"columns", "time,value,value,known"},
                {"window", "16"},
                {"horizon", "4"},
                {"period", "1"},
                {"hidden_size", "8"},
                {"patch", "4"},
                {"batch_size", "32"},
                {"learning_rate", "0.01"},
                {"max_steps", "400"},
                {"calendar", "no"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

ToyRun run_of(const std::string& file, const Settings& settings, const std::vector<std::string>& dev = {}) {
  return ToyRun(file, settings, dev, "forecast");
}

TEST(ForecastCovariates, ModelsThatAreToldOfOffersForecastThem) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.csv", shop(600, 1)), test = dir.write("test.csv", shop(300, 2, 0, 2000));
  for (const Settings& more : {Settings{{"model", "dlinear"}}, Settings{{"model", "lstm"}},
                               Settings{{"model", "lstm"}, {"decoding", "autoregressive"}},
                               Settings{{"model", "lstm"}, {"output", "quantile"}}}) {
    Settings blind = more;
    blind.emplace_back("columns", "time,value,value,_");
    double error[2] = {};
    for (const bool told : {false, true}) {
      ToyRun run = run_of(file, settings_of(told ? more : blind));
      run.train();
      error[told] = run.job.model->evaluate({test}, {}).metrics.at("mse");
    }
    EXPECT_LT(error[1], 0.3 * error[0]) << more.back().second;
  }
}

TEST(ForecastCovariates, PredictTakesFutureRowsWithoutValues) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", shop(600, 1)), settings_of({{"model", "dlinear"}}));
  run.train();
  const std::string now = dir.write("now.csv", shop(40, 9, 5, 2000));
  const data::SeriesSet set = [&] {
    data::SeriesFormat format;
    format.columns = "time,value,value,known";
    return data::read_series(now, data::plan_series(now, format, {}), format, {});
  }();
  const FileAnswer answer = run.job.model->predict_file(now, {});
  ASSERT_EQ(answer.rows.size(), 8u);
  int offers = 0;
  for (size_t h = 0; h < 4; ++h) {
    const double sign = set.series[0].known->values[0][35 + h] > 0 ? 5 : 0;
    offers += sign > 0;
    EXPECT_NEAR(std::get<double>(answer.rows[h][3]), 20 + sign, 1) << h;
    EXPECT_NEAR(std::get<double>(answer.rows[4 + h][3]), 50 - sign, 1) << h;
    EXPECT_EQ(std::get<std::string>(answer.rows[h][2]),
              data::format_time({(*set.series[0].times)[35 + h], data::TimeStyle::date}));
  }
  EXPECT_GT(offers, 0);
  EXPECT_LT(offers, 4);
  const std::string few = dir.write("few.csv", shop(40, 3, 3));
  EXPECT_EQ(error_of<DataError>([&] { run.job.model->predict_file(few, {}); }),
            few +
                ": [predict] what is known in advance must be given for all 4 steps that are forecast; got 3 rows "
                "behind the last value of \"sales\". Add rows with offer and empty values.");
  EXPECT_EQ(run.job.model->evaluate({few}, {}).examples, 2 * (37 - 16 - 4 + 1)) << "scores need no future";
  std::string renamed = shop(40, 3, 5);
  renamed.replace(renamed.find("offer"), 5, "price");
  const std::string other = dir.write("other.csv", renamed);
  EXPECT_EQ(error_of<DataError>([&] { run.job.model->predict_file(other, {}); }),
            other +
                ": [forecast] the columns known in advance must be those of the training data, offer; got price. Put "
                "them in the same places under the same names.");
}

TEST(ForecastCovariates, AFutureAloneGoesOnWhereTrainingEnded) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", shop(600, 1)), settings_of({{"model", "dlinear"}}));
  run.train();
  const std::map<std::string, std::string> metadata = run.job.model->metadata();
  EXPECT_EQ(run.task->load(metadata, "m")->metadata(), metadata);
  const auto rows = run.job.model->describe();
  EXPECT_EQ(std::count(rows.begin(), rows.end(), std::pair<std::string, std::string>("known in advance", "offer")), 1);
  const std::string next = dir.write("next.csv", shop(4, 5, 4, 600));
  const FileAnswer answer = run.job.model->predict_file(next, {});
  ASSERT_EQ(answer.rows.size(), 8u) << "the last values of training stand in front";
  EXPECT_EQ(std::get<std::string>(answer.rows[0][2]), "2001-10-13");
  // The same as with the values of training in the file.
  const std::string all =
      dir.write("all.csv", shop(600, 1) + shop(4, 5, 4, 600).substr(std::string("day,sales,other,offer\n").size()));
  const FileAnswer whole = run.job.model->predict_file(all, {});
  for (size_t r = 0; r < 8; ++r)
    EXPECT_NEAR(std::get<double>(answer.rows[r][3]), std::get<double>(whole.rows[r][3]), 1e-4) << r;
}

TEST(ForecastCovariates, DamagedMetadataIsRefusedOrHarmless) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.csv", shop(200, 1)), settings_of({{"model", "dlinear"}}));
  run.train();
  const std::string text = run.job.model->metadata().at("forecast.series");
  int refused = 0, tried = 0;
  for (size_t i = text.find("\"known\""); i < text.size(); i += 5) {
    for (const char c : {'~', '9', '"'}) {
      std::string damaged = text;
      damaged[i] = c;
      ++tried;
      try {
        run.task->load({{"forecast.series", damaged}}, "m");
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, tried / 3);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return error_of<FormatError>([&] { run.task->load({{"forecast.series", changed}}, "m"); });
  };
  EXPECT_NE(with("\"known\":[\"offer\"]", "\"known\":[\"offer\",\"b\"]")
                .find("columns known in advance must have a mean and a deviation each; got 2, 1 and 1"),
            std::string::npos);
  EXPECT_NE(with("\"calendar\":[]", "\"calendar\":[\"moon\"]")
                .find("the calendar knows hour_of_day, day_of_week and time_of_year, each once; got moon"),
            std::string::npos);
  EXPECT_NE(
      with("\"responses\":[", "\"responses\":[],\"x\":[").find("there must be numbers for each series; got 0 of 1"),
      std::string::npos);
}

TEST(ForecastCovariates, ADevFileHasTheSameColumns) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.csv", shop(200, 1)), dev = dir.write("d.csv", shop(60, 2));
  ToyRun run = run_of(file, settings_of({{"model", "lstm"}, {"max_steps", "2"}}), {dev});
  run.train();
  std::string renamed = shop(60, 2);
  renamed.replace(renamed.find("offer"), 5, "price");
  const std::string other = dir.write("other.csv", renamed);
  EXPECT_EQ(error_of<DataError>([&] {
              run_of(file, settings_of(), {other});
            }).rfind(other + ": [forecast] the columns known", 0),
            0u);
}

/// Hours whose values are a weekend's, and noise.
std::string weeks(int rows, bool matters) {
  Rng rng(7, 0);
  std::string text = "hour,load\n";
  for (int i = 0; i < rows; ++i) {
    const int day = i / 24;
    text += fmt::format("2024-{:02}-{:02} {:02}:00,{:.3f}\n", 1 + day / 28, 1 + day % 28, i % 24,
                        (matters && day % 7 >= 5 ? 10 : 0) + static_cast<double>(rng.normal()));
  }
  return text;
}

TEST(ForecastCovariates, TheCalendarIsToldWhereItHelps) {
  const testing::TempDir dir;
  const Settings settings = {{"window", "24"}, {"horizon", "24"}, {"period", "24"}, {"model", "dlinear"}};
  // 28 days a month make of every 7 days a weekend, but for the gaps between months: the dates are close to regular.
  const ToyRun helps = run_of(dir.write("a.csv", weeks(24 * 28, true)), settings);
  EXPECT_NE(
      helps.said.find("calendar (hour_of_day, day_of_week): told to the models; on dev the linear model's mae is "),
      std::string::npos)
      << helps.said;
  const ToyRun useless = run_of(dir.write("b.csv", weeks(24 * 28, false)), settings);
  EXPECT_NE(useless.said.find("calendar (hour_of_day, day_of_week): not told to the models; "), std::string::npos)
      << useless.said;
  const std::string plain = dir.write(
      "plain.csv", "t,x\n" + [] {
        std::string rows;
        for (int i = 0; i < 200; ++i) rows += fmt::format("{},{}\n", i, i % 7);
        return rows;
      }());
  EXPECT_EQ(error_of<ConfigError>([&] {
              run_of(plain, {{"calendar", "yes"}});
            }),
            "[forecast] calendar = yes needs a column of dates with a step that hours, days or years hold; got none. "
            "Leave calendar = auto, or give dates such as 2024-05-01 06:00.");
  EXPECT_EQ(run_of(plain, {}).said.find("calendar"), std::string::npos);
}

TEST(ForecastCovariates, AForecastKnowsTheHoursBehindTheFile) {
  const testing::TempDir dir;
  const std::string file = dir.write("a.csv", weeks(24 * 28, true));
  ToyRun run =
      run_of(file, {{"window", "24"}, {"horizon", "48"}, {"period", "24"}, {"model", "dlinear"}, {"calendar", "yes"}});
  run.train();
  // Friday in, a weekend out.
  const std::string text = weeks(24 * 28, true);
  size_t end = text.find("2024-01-20");
  const FileAnswer answer = run.job.model->predict_file(dir.write("now.csv", text.substr(0, end)), {});
  for (const size_t h : {4u, 20u, 30u, 44u}) EXPECT_NEAR(std::get<double>(answer.rows[h][3]), 10, 3) << h;
  end = text.find("2024-01-22");
  const FileAnswer monday = run.job.model->predict_file(dir.write("later.csv", text.substr(0, end)), {});
  for (const size_t h : {4u, 20u, 30u, 44u}) EXPECT_NEAR(std::get<double>(monday.rows[h][3]), 0, 3) << h;
}

TEST(Covariates, ChannelsAreStandardisedAndGoRoundWithTheClock) {
  data::Series series;
  series.values = {0, 0};
  // Saturday 2024-05-04 06:00, then Sunday.
  series.times = std::make_shared<const std::vector<int64_t>>(
      std::vector<int64_t>{data::parse_time("2024-05-04 06:00")->value, data::parse_time("2024-05-05 06:00")->value});
  series.step = {86400, false, 0};
  auto known = std::make_shared<data::KnownColumns>();
  known->names = {"c"};
  known->values = {{3, 5, 7}};
  series.known = known;
  Covariates c;
  c.known = {"c"};
  c.mean = {5};
  c.deviation = {2};
  c.response = true;
  c.calendar = {"hour_of_day", "day_of_week"};
  ASSERT_EQ(c.channels(), 1 + 1 + 2 + 3);
  const std::vector<float> rows = c.of(series, data::TimeStyle::minutes, {10}, 3);
  ASSERT_EQ(rows.size(), 21u);
  EXPECT_FLOAT_EQ(rows[0], -1);
  EXPECT_FLOAT_EQ(rows[1], -10) << "the response";
  EXPECT_NEAR(rows[2], 1, 1e-6) << "a quarter of a day";
  EXPECT_NEAR(rows[3], 0, 1e-6);
  EXPECT_EQ(rows[6], 1) << "Saturday";
  EXPECT_EQ(rows[7 + 6], 1) << "Sunday";
  EXPECT_EQ(rows[14 + 6], 0) << "Monday, reckoned on";
  EXPECT_FLOAT_EQ(rows[14], 1);
}

TEST(Covariates, TheCalendarFollowsTheStepAndTheYears) {
  const testing::TempDir dir;
  const auto calendar = [&](const std::string& text) {
    const std::string file = dir.write("a.csv", text);
    return calendar_of(data::read_series(file, data::plan_series(file, {}, {}), {}, {}));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(calendar(weeks(100, false)), (Names{"hour_of_day", "day_of_week"}));
  std::string days = "d,x,y\n", months = days, numbers = "t,x,y\n";
  for (int i = 0; i < 40; ++i) {
    days += fmt::format("2020-{:02}-{:02},{},1\n", 1 + i / 28, 1 + i % 28, i);
    months += fmt::format("{}-{:02},{},1\n", 2000 + i / 12, 1 + i % 12, i);
    numbers += fmt::format("{},{},1\n", i, i * i);
  }
  EXPECT_EQ(calendar(days), (Names{"day_of_week"}));
  EXPECT_EQ(calendar(months), (Names{"time_of_year"}));
  EXPECT_EQ(calendar(numbers), Names());
}

TEST(Covariates, ASeriesLearnsItsOwnResponse) {
  data::SeriesSet set;
  Rng rng(3, 0);
  auto known = std::make_shared<data::KnownColumns>();
  known->names = {"c", "still"};
  known->values.resize(2);
  for (int s = 0; s < 2; ++s) {
    data::Series series;
    for (int i = 0; i < 400; ++i) {
      if (s == 0) {
        known->values[0].push_back(static_cast<double>(rng.normal()));
        known->values[1].push_back(4);
      }
      series.values.push_back((s == 0 ? 3 : -2) * known->values[0][static_cast<size_t>(i)] + 100 * (i % 7));
    }
    series.known = known;
    set.series.push_back(series);
  }
  const Covariates c = known_covariates(set, {300, 300});
  EXPECT_TRUE(c.response);
  EXPECT_EQ(c.deviation[1], 1) << "a constant";
  for (size_t s = 0; s < 2; ++s) {
    const std::vector<double> found = c.responses_of(set.series[s], 300, 10, 7);
    EXPECT_NEAR(found[0], (s == 0 ? 3 : -2) * c.deviation[0] / 10, 0.02) << "the season is no response";
    EXPECT_NEAR(found[1], 0, 1e-9);
  }
  EXPECT_EQ(c.responses_of(set.series[0], 5, 10, 7), (std::vector<double>{0, 0})) << "too short to say";
}

}  // namespace forecast_covariates_test
}  // namespace carousel::tasks
