#include "apps/cli/terminal.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "apps/cli/output.h"
#include "apps/cli/progress.h"

namespace carousel::cli {
namespace terminal_test {

TEST(Terminal, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("\u00e9"), 1);
  EXPECT_EQ(display_width("e\u0301"), 1);       // combining accent
  EXPECT_EQ(display_width("\u4e16\u754c"), 4);  // East Asian wide
  EXPECT_EQ(display_width("\xff\xfe"), 2);      // no UTF-8
  EXPECT_EQ(display_width(""), 0);
}

TEST(Terminal, FitCutsAtAWholeCharacter) {
  EXPECT_EQ(fit("abcdef", 3), "abc");
  EXPECT_EQ(fit("\u4e16\u754c", 3), "\u4e16");
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(pad_left("\u4e16", 4), "  \u4e16");
  EXPECT_EQ(pad_right("ab", 4), "ab  ");
}

TEST(Terminal, DataCannotSteerTheTerminal) {
  EXPECT_EQ(fit("a\x1b[31mb\n\x07", 20), "a?[31mb??");
  EXPECT_EQ(fit("\u202eabc", 20), "?abc");  // right-to-left override
  EXPECT_EQ(fit("\xff", 20), "?");
}

TEST(Terminal, LocaleDecidesBetweenBlocksAndAscii) {
  ::unsetenv("LC_ALL");
  ::unsetenv("LC_CTYPE");
  ::setenv("LANG", "C.UTF-8", 1);
  EXPECT_EQ(choose_paint("never"), Paint::blocks);
  ::setenv("LANG", "C", 1);
  EXPECT_EQ(choose_paint("never"), Paint::ascii);
  ::setenv("LC_ALL", "en_US.utf8", 1);
  EXPECT_EQ(choose_paint("never"), Paint::blocks);
  EXPECT_EQ(choose_paint("always"), Paint::colors);
  ::unsetenv("LC_ALL");
}

TEST(Output, RatesArePercentAndScoresStayNumbers) {
  EXPECT_EQ(metric_text("sequence_error_rate", 0.241), "24.10 %");
  EXPECT_EQ(metric_text("bleu", 31.25), "31.25");
  EXPECT_EQ(metric_title("token_error_rate"), "token error rate");
}

TEST(Output, MessagesCannotSteerTheTerminal) {
  EXPECT_EQ(printable("a\x1B[31m\rb\n\tc\x7F\xC2\x9B"
                      "d\xFF"),
            "a?[31m?b\n\tc??d?");
  EXPECT_EQ(printable("\xC3\xA4 plain"), "\xC3\xA4 plain");
  EXPECT_EQ(printable("\n"), "\n");
  EXPECT_EQ(printable(""), "");
}

TEST(Output, ClockSurvivesAnyNumber) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(65.9), "1:05");
  EXPECT_EQ(clock_text(7384), "2:03:04");
  EXPECT_EQ(clock_text(-1), "0:00");
  EXPECT_EQ(clock_text(1.0 / 0.0), "277777:46:40");
}

TEST(Progress, LineHoldsWhatTheUserWaitsFor) {
  train::Progress progress;
  progress.fraction = 0.42;
  progress.epoch = 3.14;
  progress.tokens_per_second = 51234;
  progress.loss = 0.5;
  progress.learning_rate = 0.001;
  progress.eta_seconds = 75;
  EXPECT_EQ(progress_line(progress, 200), " 42 %  epoch 3.1  51.2k tokens/s  loss 0.5000  lr 1.0e-03  ETA 1:15");
  progress.has_evaluation = true;
  progress.evaluation.metric = "sequence_error_rate";
  progress.evaluation.value = 0.3;
  progress.best_value = 0.25;
  EXPECT_EQ(
      progress_line(progress, 200),
      " 42 %  epoch 3.1  51.2k tokens/s  loss 0.5000  dev sequence error rate 30.00 % (best 25.00 %)  lr 1.0e-03  "
      "ETA 1:15");
  EXPECT_EQ(progress_line(progress, 10), " 42 %  epo");
}

}  // namespace terminal_test
}  // namespace carousel::cli
