// Ctrl-C, SIGTERM and SIGHUP. Never a signal death: the exit code is 128 plus the signal's number.
#pragma once

namespace carousel::cli {

class Interrupt {
 public:
  /// From now on a signal ends the program at once.
  static void end_at_once();
  /// From now on the first signal only sets requested(), and the second ends the program at once.
  static void finish_first();
  static bool requested();
  /// 128 plus the number of the signal that came first; 0 when none came.
  static int exit_code();
};

}  // namespace carousel::cli
