// What the user sees of a running training, on stderr.
#pragma once

#include <chrono>
#include <string>

#include "carousel/engine/engine.h"

namespace carousel::cli {

/// One line about a running training, cut to `columns`.
std::string progress_line(const train::Progress& progress, int64_t columns);

/// On a terminal one line that is drawn anew, else a line at the start and then every ten seconds.
class ProgressPrinter : public engine::Observer {
 public:
  ProgressPrinter();
  /// finish(), so that an error begins a line of its own.
  ~ProgressPrinter() override;
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;
  void message(const std::string& sentence) override;
  void progress(const train::Progress& progress) override;
  bool stop_requested() override;
  /// Leaves the last state of the line standing.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  void clear_line();

  bool terminal_;
  bool line_shown_ = false;
  std::string last_line_;
  Clock::time_point next_;
};

}  // namespace carousel::cli
