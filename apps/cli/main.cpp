// Entry point of `carousel`.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "apps/cli/program.h"

namespace {

/// Threads that wait for each other spin for milliseconds by default. On a core shared with another program the one
/// waited for does not run meanwhile, and small models train ten times slower. The OpenMP library reads its settings
/// before main(), so the program starts itself again with a short spin (some 50 microseconds, then sleep), unless the
/// user has settings of their own.
void start_with_short_spin(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  std::error_code unknown;
  // By its own path: through /proc/self/exe the process would be called "exe" in ps and top.
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  if (unknown || ::setenv("GOMP_SPINCOUNT", "5000", 1) != 0) return;
  ::execv(self.c_str(), argv);  // returns only when it fails: then go on as we are
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) start_with_short_spin(argv);
  return carousel::cli::run_program({argv, argv + argc});
}
