#include "apps/cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <cstring>
#include <initializer_list>

#include "apps/cli/program.h"

namespace carousel::cli {

namespace {

volatile std::sig_atomic_t first_signal = 0;
volatile std::sig_atomic_t may_finish = 0;

// Only calls that are safe inside a signal handler.
extern "C" void on_signal(int number) {
  if (may_finish == 0 || first_signal != 0) _exit(kSignalBase + number);
  first_signal = number;
  constexpr char kText[] = "\ncarousel: stopping after this step and saving; once more to stop at once\n";
  const auto written = ::write(STDERR_FILENO, kText, std::strlen(kText));
  static_cast<void>(written);
}

void install() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // Under nohup a hang-up stays ignored. SIGINT is taken even when ignored: a shell script ignores it for all that it
    // starts in the background, and `kill -INT` shall save there too.
    const bool ignored = ::sigaction(number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN;
    if (!ignored || number != SIGHUP) ::sigaction(number, &action, nullptr);
  }
}

}  // namespace

void Interrupt::end_at_once() {
  may_finish = 0;
  install();
}

void Interrupt::finish_first() {
  may_finish = 1;
  install();
}

bool Interrupt::requested() {
  return first_signal != 0;
}

int Interrupt::exit_code() {
  return first_signal == 0 ? 0 : kSignalBase + first_signal;
}

}  // namespace carousel::cli
