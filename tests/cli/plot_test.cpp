// Curves for the terminal and as pictures.
#include "apps/cli/plot.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "apps/cli/plot_axis.h"
#include "tests/cli/read_png.h"

namespace carousel::cli {
namespace plot_test {

tasks::lab::Plot two_curves() {
  tasks::lab::Plot plot;
  plot.title = "title";
  plot.x_label = "steps";
  plot.y_label = "loss";
  plot.series = {{"up", {{0, 0}, {10, 1}}}, {"down", {{0, 1}, {10, 0}}}};
  return plot;
}

TEST(Plot, PutsEachPointWhereItsValuesAre) {
  const std::string text = draw_plot(two_curves(), {Paint::ascii, 30, 5});
  EXPECT_EQ(text,
            "title\n"
            "loss\n"
            "       1 +b..             ..a\n"
            "         |   ....     ....\n"
            "     0.5 +       .....\n"
            "         |   ....     ....\n"
            "       0 +a..             ..b\n"
            "         ++--------+--------+\n"
            "          0        5       10\n"
            "          steps\n"
            "          a up   b down\n")
      << text;
}

TEST(Plot, ColoursBelongToTheCurves) {
  const std::string text = draw_plot(two_curves(), {Paint::colors, 30, 5});
  EXPECT_NE(text.find("\x1b[38;5;33ma\x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[38;5;208mb\x1b[0m"), std::string::npos);
}

TEST(Plot, CurvesThatMeetShareAStar) {
  tasks::lab::Plot plot = two_curves();
  plot.series[1] = plot.series[0];
  EXPECT_NE(draw_plot(plot, {}).find('*'), std::string::npos);
}

TEST(Plot, LeavesOutWhatCannotBeDrawn) {
  tasks::lab::Plot plot = two_curves();
  plot.series[0].points = {{1, std::numeric_limits<double>::quiet_NaN()}, {2, std::numeric_limits<double>::infinity()}};
  plot.series[1].points = {{1, 0}, {2, -1}};
  plot.log_y = true;
  EXPECT_NE(draw_plot(plot, {}).find("(nothing to draw)"), std::string::npos);
  plot.series[1].points = {{1, 0}, {2, 0.001}, {4, 10}};
  EXPECT_NE(draw_plot(plot, {}).find("0.001"), std::string::npos);
}

TEST(PlotAxis, TicksAreRoundAndWithinTheRange) {
  tasks::lab::Plot plot;
  plot.series = {{"a", {{3, 1e-4}, {47, 1e3}}}};
  plot.log_y = true;
  EXPECT_EQ(PlotAxis(plot, false).ticks(5), (std::vector<double>{10, 20, 30, 40}));
  const std::vector<double> powers = PlotAxis(plot, true).ticks(20);
  ASSERT_EQ(powers.size(), 8u);
  EXPECT_NEAR(powers.front(), 1e-4, 1e-10);
  EXPECT_NEAR(powers.back(), 1e3, 1e-6);
}

TEST(PlotAxis, OneValueStandsInTheMiddle) {
  tasks::lab::Plot plot;
  plot.series = {{"a", {{50, 0.2}}}};
  const PlotAxis axis(plot, false);
  ASSERT_TRUE(axis.defined());
  EXPECT_NEAR(axis.place(50), 0.5, 1e-9);
}

TEST(PlotPng, DrawsEachCurveInItsColour) {
  const Pixels image = read_png(plots_png({two_curves(), two_curves()}));
  EXPECT_EQ(image.width, 1000u);
  EXPECT_EQ(image.height, 2u * 520u);
  // The area begins 130 pixels from the left, 50 below the top of each plot, and is 840 x 340.
  const std::array<int, 3> first{0, 114, 178}, second{230, 159, 0};
  EXPECT_EQ(image.at(130, 50 + 339), first);
  EXPECT_EQ(image.at(130 + 839, 50), first);
  EXPECT_EQ(image.at(130, 50), second);
  EXPECT_EQ(image.at(130 + 839, 520 + 50 + 339), second);
}

TEST(PlotAxis, LabelsTellNeighboursApart) {
  EXPECT_EQ(PlotAxis::label(15000), "15000");
  EXPECT_EQ(PlotAxis::label(105000), "105000");
  EXPECT_EQ(PlotAxis::label(1.05e6), "1.05e+06");
  EXPECT_EQ(PlotAxis::label(3 * 0.1), "0.3");
  EXPECT_EQ(PlotAxis::label(1e-5), "1e-05");
}

}  // namespace plot_test
}  // namespace carousel::cli
