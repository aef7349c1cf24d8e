#include "carousel/train/schedule.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::train {
namespace schedule_test {

using testing::error_of;

TEST(LearningRate, WarmsUpStaysAndDecays) {
  const LearningRate rate{2.0, 0.1, 0.5, 0.01};
  EXPECT_DOUBLE_EQ(rate.at(0), 0.02);
  EXPECT_DOUBLE_EQ(rate.at(0.05), 1.0);
  EXPECT_DOUBLE_EQ(rate.at(0.1), 2.0);
  EXPECT_DOUBLE_EQ(rate.at(0.5), 2.0);
  EXPECT_DOUBLE_EQ(rate.at(0.75), 2.0 * (0.01 + 0.99 / 2));
  EXPECT_DOUBLE_EQ(rate.at(1), 0.02);
}

TEST(LearningRate, WithoutWarmupAndDecayIsConstant) {
  const LearningRate rate{0.5, 0, 1, 0.01};
  for (const double progress : {0.0, 0.3, 1.0}) EXPECT_EQ(rate.at(progress), 0.5);
}

TEST(ProgressTrace, RemembersWhichTickHeldAtAStep) {
  ProgressTrace trace;
  trace.note(0, 0);
  trace.note(3, 1);
  trace.note(4, 1);
  trace.note(7, 5);
  trace.note(7, 6);
  EXPECT_EQ(trace.tick_at(0), 0);
  EXPECT_EQ(trace.tick_at(3), 1);
  EXPECT_EQ(trace.tick_at(6), 1);
  EXPECT_EQ(trace.tick_at(7), 6);
  EXPECT_EQ(trace.tick_at(100), 6);
  EXPECT_FALSE(trace.complete());
  trace.note(9, ProgressTrace::kTicks);
  EXPECT_TRUE(trace.complete());
  EXPECT_EQ(trace.steps(), 9);
}

TEST(ProgressTrace, TextComesBack) {
  ProgressTrace trace;
  trace.note(0, 2);
  trace.note(10, 3);
  trace.note(11, 100);
  EXPECT_EQ(trace.text(), "0+2 10 1+97");
  const ProgressTrace again = ProgressTrace::parse(trace.text(), "m");
  EXPECT_EQ(again.text(), trace.text());
  for (int64_t step = 0; step < 20; ++step) EXPECT_EQ(again.tick_at(step), trace.tick_at(step));
  EXPECT_EQ(ProgressTrace::parse("", "m").text(), "");
}

TEST(ProgressTrace, RefusesOtherTexts) {
  for (const char* text : {"x", "1 ", " 1", "1  2", "1+", "1+-2", "-1", "1,2", "99999999999999999999", "1+5000",
                           "5000+4097", "9223372036854775807 1"})
    EXPECT_THROW(ProgressTrace::parse(text, "m"), FormatError) << text;
  EXPECT_EQ(error_of<FormatError>([] { ProgressTrace::parse("12 x", "m.safetensors"); }),
            "m.safetensors: [schedule] a recorded schedule is rising steps and ticks as numbers, '+' and spaces; got "
            "something else at byte 3 of it. Train without it.");
}

}  // namespace schedule_test
}  // namespace carousel::train
