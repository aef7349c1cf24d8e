#include "apps/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/terminal.h"

namespace carousel::cli {

namespace {

constexpr auto kRedraw = std::chrono::milliseconds(200);
constexpr auto kBetweenLines = std::chrono::seconds(10);
constexpr auto kFirstLine = std::chrono::seconds(2);

std::string rate_text(double tokens_per_second) {
  if (tokens_per_second >= 1e6) return fmt::format("{:.2f}M", tokens_per_second / 1e6);
  if (tokens_per_second >= 1e4) return fmt::format("{:.1f}k", tokens_per_second / 1e3);
  return fmt::format("{:.0f}", tokens_per_second);
}

}  // namespace

std::string progress_line(const train::Progress& progress, int64_t columns) {
  std::string line = fmt::format("{:3.0f} %  epoch {:.1f}  {} tokens/s  loss {:.4f}", 100 * progress.fraction,
                                 progress.epoch, rate_text(progress.tokens_per_second), progress.loss);
  if (progress.has_evaluation) {
    const auto& evaluation = progress.evaluation;
    line += fmt::format("  dev {} {} (best {})", metric_title(evaluation.metric),
                        metric_text(evaluation.metric, evaluation.value),
                        metric_text(evaluation.metric, progress.best_value));
  }
  line += fmt::format("  lr {:.1e}", progress.learning_rate);
  if (progress.fraction > 0) line += "  ETA " + clock_text(progress.eta_seconds);
  return fit(line, columns);
}

ProgressPrinter::ProgressPrinter() : terminal_(is_terminal(STDERR_FILENO)), next_(Clock::now() + kFirstLine) {
  if (terminal_) next_ = Clock::now();
}

ProgressPrinter::~ProgressPrinter() {
  finish();
}

void ProgressPrinter::clear_line() {
  if (line_shown_) write_stderr("\r\x1b[K");
  line_shown_ = false;
}

void ProgressPrinter::message(const std::string& sentence) {
  clear_line();
  say(sentence);
}

void ProgressPrinter::progress(const train::Progress& progress) {
  const auto now = Clock::now();
  if (terminal_) {
    if (now < next_ && !progress.new_evaluation) return;
    // One column stays free: some terminals wrap when the last one is filled.
    last_line_ = progress_line(progress, terminal_columns(STDERR_FILENO, 80) - 1);
    write_stderr("\r" + last_line_ + "\x1b[K");
    line_shown_ = true;
    next_ = now + kRedraw;
    return;
  }
  last_line_ = progress_line(progress, 1000);
  if (now < next_) return;
  say(last_line_);
  last_line_.clear();
  next_ = now + kBetweenLines;
}

bool ProgressPrinter::stop_requested() {
  return Interrupt::requested();
}

void ProgressPrinter::finish() {
  clear_line();
  if (!last_line_.empty()) say(last_line_);
  last_line_.clear();
}

}  // namespace carousel::cli
