// What a forecaster decides from its data, and that the guide says the same.
#include <gtest/gtest.h>

#include <regex>

#include "carousel/tasks/forecast_config.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks {
namespace forecast_config_test {

struct Shape {
  int64_t window, horizon, patch;
  bool operator==(const Shape&) const = default;
};

ForecastOptions decided(const std::vector<int64_t>& lengths, int64_t season, int64_t horizon = 0) {
  ForecastOptions o;
  o.network.horizon = horizon;
  decide_window(o, lengths, season);
  return o;
}

Shape shape_of(const ForecastOptions& o) {
  return {o.network.window, o.network.horizon, o.network.patch};
}

TEST(ForecastDecide, ShapesFollowTheSeasonAndTheLength) {
  EXPECT_EQ(shape_of(decided({11520}, 24, 96)), (Shape{336, 96, 24})) << "two weeks of hours";
  EXPECT_EQ(shape_of(decided({11520}, 24)), (Shape{336, 24, 24}));
  EXPECT_EQ(shape_of(decided({144}, 12)), (Shape{48, 12, 12}));
  EXPECT_EQ(shape_of(decided({5000}, 1)), (Shape{64, 24, 16})) << "no season";
  EXPECT_EQ(shape_of(decided({100000}, 288)), (Shape{864, 288, 24})) << "three seasons of 1,024 values";
  const ForecastOptions few = decided({700, 960, 960}, 24, 48), many = decided(std::vector<int64_t>(20, 700), 24, 48);
  EXPECT_EQ(shape_of(few), (Shape{216, 48, 24}));
  EXPECT_EQ(shape_of(many), (Shape{336, 48, 24})) << "many series have windows enough";
  EXPECT_EQ(few.members, 1);
  EXPECT_EQ(many.members, 3);
  EXPECT_EQ(few.normalize, "last");
  EXPECT_EQ(many.normalize, "standard");
}

TEST(ForecastDecide, LeavesWhatTheUserSetAlone) {
  ForecastOptions o;
  o.period = 7;
  o.normalize = "none";
  o.members = 2;
  o.network.window = 20;
  o.network.horizon = 6;
  o.network.patch = 5;
  decide_window(o, {1000}, 24);
  EXPECT_EQ(o.period, 7);
  EXPECT_EQ(o.normalize, "none");
  EXPECT_EQ(o.members, 2);
  EXPECT_EQ(shape_of(o), (Shape{20, 6, 5}));
}

TEST(ForecastDecide, PiecesOfAnAutoregressiveOneDivideTheHorizon) {
  ForecastOptions o;
  o.network.decoding = "autoregressive";
  o.network.horizon = 18;
  decide_window(o, {5000}, 24);
  EXPECT_EQ(shape_of(o), (Shape{336, 18, 6}));
}

TEST(ForecastDecide, DevIsAQuarterAndAtLeastAHorizon) {
  ForecastOptions o;
  o.network.horizon = 96;
  EXPECT_EQ(o.dev_length(11520), 2880);
  EXPECT_EQ(o.dev_length(200), 96);
  o.dev_share = 0.1;
  EXPECT_EQ(o.dev_length(11520), 1152);
}

TEST(ForecastDecide, FollowsTheTableOfTheGuide) {
  const std::string guide = testing::content_of(CAROUSEL_SOURCE_DIR "/docs/guide/forecast.md");
  const std::regex row(R"(\| (\d+ or more|fewer) \| (\d+) \| (\d+))");
  int rows = 0;
  for (std::sregex_iterator it(guide.begin(), guide.end(), row), end; it != end; ++it, ++rows) {
    ForecastOptions o;
    decide(o, (*it)[1] == "fewer" ? 499 : std::stoll((*it)[1]));
    EXPECT_EQ(o.network.stack.hidden_size.front(), std::stoll((*it)[2])) << (*it)[1];
    EXPECT_EQ(o.batch_size, std::stoll((*it)[3])) << (*it)[1];
  }
  EXPECT_EQ(rows, 3);
}

}  // namespace forecast_config_test
}  // namespace carousel::tasks
