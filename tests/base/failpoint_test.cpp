// Saving a file with each of its system calls failing in turn, and with the process killed before and after each of
// them. The calls are caught by functions of the same names in this program, which pass on to the C library.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "tests/support/temp_dir.h"

namespace {

enum class Fate { pass, fail, short_write, kill_before, kill_after };

/// What happens at which caught call. Calls are counted and named while `on`.
struct Failpoint {
  bool on = false;
  int at = -1;
  Fate fate = Fate::pass;
  int error = EIO;
  int calls = 0;
  std::vector<std::string> names;
} failpoint;

template <class F>
F* library_function(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

/// Runs one caught call as the failpoint wants it. `call` returns -1 when it fails.
template <class F>
auto caught(const char* name, F&& call) {
  if (!failpoint.on) return call();
  failpoint.names.emplace_back(name);
  if (failpoint.calls++ != failpoint.at) return call();
  if (failpoint.fate == Fate::kill_before) std::raise(SIGKILL);
  if (failpoint.fate == Fate::fail) {
    errno = failpoint.error;
    return static_cast<decltype(call())>(-1);
  }
  const auto result = call();
  if (failpoint.fate == Fate::kill_after) std::raise(SIGKILL);
  return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
  va_end(arguments);
  static auto* const real = library_function<int(const char*, int, ...)>("open");
  return caught((flags & O_CREAT) != 0 ? "create" : "open", [&] { return real(path, flags, mode); });
}

int ftruncate(int file, off_t size) noexcept {
  static auto* const real = library_function<int(int, off_t)>("ftruncate");
  return caught("ftruncate", [&] { return real(file, size); });
}

ssize_t write(int file, const void* bytes, size_t count) {
  static auto* const real = library_function<ssize_t(int, const void*, size_t)>("write");
  const bool cut = failpoint.on && failpoint.calls == failpoint.at && failpoint.fate == Fate::short_write && count > 1;
  return caught("write", [&] { return real(file, bytes, cut ? count / 2 : count); });
}

int fsync(int file) {
  static auto* const real = library_function<int(int)>("fsync");
  return caught("fsync", [&] { return real(file); });
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = library_function<int(const char*, const char*)>("rename");
  return caught("rename", [&] { return real(from, to); });
}

}  // extern "C"

namespace carousel {
namespace {

using testing::content_of;
using testing::TempDir;

constexpr const char* kOld = "the old content";
constexpr const char* kNew = "the new content, longer";

class Failpoints : public ::testing::Test {
 protected:
  Failpoints() : file(folder.write("model", kOld)) {}
  ~Failpoints() override { failpoint = {}; }

  /// Saves the new content; at call number `at` the fate strikes.
  void save(int at, Fate fate, int error = EIO) {
    failpoint = {true, at, fate, error, 0, {}};
    try {
      atomic_write(
          file, std::vector<std::string_view>{std::string_view(kNew).substr(0, 9), std::string_view(kNew).substr(9)});
    } catch (...) {
      failpoint.on = false;
      throw;
    }
    failpoint.on = false;
  }
  std::vector<std::string> calls() {
    save(-1, Fate::pass);
    folder.write("model", kOld);
    return failpoint.names;
  }
  int64_t files_left() const {
    const std::filesystem::directory_iterator all(folder.path());
    return std::distance(begin(all), end(all));
  }

  TempDir folder;
  std::string file;
};

TEST_F(Failpoints, CallsComeInTheOrderThatSurvivesAPowerCut) {
  EXPECT_EQ(calls(),
            (std::vector<std::string>{"create", "ftruncate", "write", "write", "fsync", "rename", "open", "fsync"}));
}

TEST_F(Failpoints, EveryFailingCallIsReportedAndLeavesTheOldOrTheNewFile) {
  const std::vector<std::string> names = calls();
  for (const int error : {EIO, ENOSPC, EDQUOT, EROFS})
    for (int at = 0; at < static_cast<int>(names.size()); ++at) {
      folder.write("model", kOld);
      EXPECT_THROW(save(at, Fate::fail, error), ResourceError) << names[static_cast<size_t>(at)] << " " << at;
      const bool renamed = at > 5;  // only the folder's own fsync is left
      EXPECT_EQ(content_of(file), renamed ? kNew : kOld) << at;
      EXPECT_EQ(files_left(), 1) << "a temporary file is left after call " << at;
    }
}

TEST_F(Failpoints, InterruptedAndShortCallsGoOn) {
  const std::vector<std::string> names = calls();
  for (int at = 0; at < static_cast<int>(names.size()); ++at) {
    folder.write("model", kOld);
    const std::string& name = names[static_cast<size_t>(at)];
    if (name == "write") {
      save(at, Fate::short_write);
    } else if (name == "create") {
      save(at, Fate::fail, EINTR);
    } else {
      continue;
    }
    EXPECT_EQ(content_of(file), kNew) << name;
  }
}

TEST_F(Failpoints, AKillBetweenAnyTwoCallsLeavesTheOldOrTheNewFile) {
  const std::vector<std::string> names = calls();
  for (const Fate fate : {Fate::kill_before, Fate::kill_after})
    for (int at = 0; at < static_cast<int>(names.size()); ++at) {
      folder.write("model", kOld);
      const pid_t child = ::fork();
      if (child == 0) {
        save(at, fate);
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      ASSERT_TRUE(WIFSIGNALED(status));
      const bool renamed = at > 5 || (at == 5 && fate == Fate::kill_after);
      EXPECT_EQ(content_of(file), renamed ? kNew : kOld) << names[static_cast<size_t>(at)] << " " << at;
      save(-1, Fate::pass);
      EXPECT_EQ(content_of(file), kNew) << "the next save works";
      EXPECT_EQ(files_left(), 1) << "and clears away what the killed one left";
    }
}

}  // namespace
}  // namespace carousel
