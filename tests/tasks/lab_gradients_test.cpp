// The flow of an error through small models: every distance is told, and what was not reached is not a number.
#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/tasks/lab/gradients.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks::lab {
namespace lab_gradients_test {

using carousel::testing::error_of;

TEST(GradientExperiment, AShortTextShortensTheDistance) {
  GradientOptions o;
  o.cells = "rnn";
  o.hidden_size = 4;
  o.steps = 0;
  const Report report = gradient_experiment(o, "abcdefghijklmnopqrstuvwxyz", {});
  ASSERT_FALSE(report.notes.empty());
  EXPECT_EQ(report.notes[0], "the text has 26 characters, so the distance is 24");
}

GradientOptions small(const char* cells) {
  GradientOptions o;
  o.cells = cells;
  o.hidden_size = 4;
  o.steps = 0;
  o.distance = 3;
  return o;
}

const char* const kText = "the quick brown fox jumps over the lazy dog and runs away from the slow cat again.";

TEST(GradientExperiment, AReachBehindTheDistanceIsNotANumber) {
  const Report report = gradient_experiment(small("lstm"), kText, {});
  EXPECT_TRUE(std::isnan(std::get<double>(report.tables[0].rows[0][2])));
  EXPECT_EQ(report.notes, std::vector<std::string>{
                              "lstm, first weights: dL/dh has not fallen to a ten-thousandth within 3 characters"});
}

TEST(GradientExperiment, AReachWithinTheDistanceIsACount) {
  GradientOptions o = small("rnn");
  o.distance = 60;
  o.hidden_size = 2;
  const Report report = gradient_experiment(o, kText, {});
  ASSERT_TRUE(std::holds_alternative<int64_t>(report.tables[0].rows[0][2]));
  const auto fall = std::get<int64_t>(report.tables[0].rows[0][2]);
  EXPECT_TRUE(report.notes.empty());
  const auto& flow = report.tables[1].rows;
  const auto norm = [&](int64_t d) { return std::get<double>(flow.at(static_cast<size_t>(d))[3]); };
  EXPECT_LE(norm(fall), 1e-4 * norm(0));
  EXPECT_GT(norm(fall - 1), 1e-4 * norm(0));
}

TEST(GradientExperiment, TellsOfEveryDistance) {
  GradientOptions o = small("gru");
  o.distance = 13;
  const Report report = gradient_experiment(o, kText, {});
  ASSERT_EQ(report.tables[1].name, "flow");
  ASSERT_EQ(report.tables[1].rows.size(), 13u);
  for (int64_t d = 0; d < 13; ++d) EXPECT_EQ(std::get<int64_t>(report.tables[1].rows[static_cast<size_t>(d)][2]), d);
}

TEST(GradientExperiment, GatesWithoutEndsAreNotSaturated) {
  const Report report = gradient_experiment(small("min_gru,slstm"), kText, {});
  ASSERT_EQ(report.tables[2].name, "gates");
  std::string gates;
  for (const auto& row : report.tables[2].rows)
    gates += std::get<std::string>(row[0]) + "/" + std::get<std::string>(row[2]) + " ";
  EXPECT_EQ(gates, "min_gru/update_gate slstm/candidate slstm/output_gate ");
}

/// Column `column` of the row of the flow at `distance`.
double flow_at(const Report& report, size_t distance, size_t column) {
  return std::get<double>(report.tables[1].rows.at(distance)[column]);
}

TEST(GradientExperiment, KeptIsTheShareOfThePastUnderBothConventions) {
  // The gates of min_gru see the input alone: at the first weights z is the same in both.
  const double fresh = flow_at(gradient_experiment(small("min_gru"), kText, {}), 1, 5);
  const double keeping = flow_at(gradient_experiment(small("min_gru:update=keep"), kText, {}), 1, 5);
  EXPECT_NEAR(fresh + keeping, 1, 1e-6) << "1 - z and z";
  EXPECT_NE(fresh, keeping);
}

TEST(GradientExperiment, NormsAreThoseOfOneSequence) {
  GradientOptions o = small("rnn");
  const double many = flow_at(gradient_experiment(o, kText, {}), 0, 3);
  o.batch_size = 2;
  const double few = flow_at(gradient_experiment(o, kText, {}), 0, 3);
  EXPECT_GT(few / many, 0.5);
  EXPECT_LT(few / many, 2);
}

TEST(GradientExperiment, TrainingMovesTheSecondLookOnly) {
  GradientOptions o = small("rnn");
  const double first = flow_at(gradient_experiment(o, kText, {}), 0, 3);
  o.steps = 20;
  const Report report = gradient_experiment(o, kText, {});
  ASSERT_EQ(report.tables[1].rows.size(), 6u);
  EXPECT_EQ(std::get<std::string>(report.tables[1].rows[3][1]), "trained");
  EXPECT_EQ(flow_at(report, 0, 3), first);
  EXPECT_NE(flow_at(report, 3, 3), first);
  EXPECT_GT(std::get<double>(report.tables[0].rows[1][4]), 0) << "accuracy";
}

TEST(GradientExperiment, RefusesAttention) {
  EXPECT_EQ(error_of<ConfigError>([&] { gradient_experiment(small("lstm+attention"), kText, {}); }),
            "[lab] gradients are those of a cell, and attention leads around it; got lstm+attention. Leave +attention "
            "out.");
}

}  // namespace lab_gradients_test
}  // namespace carousel::tasks::lab
