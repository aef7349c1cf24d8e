// Runs the built program as a user does and collects what it wrote.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

namespace carousel::testing {

/// A started program with its streams in files of `dir`.
class Running {
 public:
  /// `out_path` "": a file of its own.
  Running(const TempDir& dir, const std::vector<std::string>& arguments, const std::string& input = "",
          const std::string& out_path = "")
      : out_(out_path.empty() ? dir.file("stdout") : out_path), err_(dir.file("stderr")) {
    const std::string in = dir.write("stdin", input);
    dir.write("stderr", "");  // wait_for must not see what an earlier program wrote
    std::vector<std::string> words = {CAROUSEL_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    process_ = ::fork();
    if (process_ != 0) return;
    replace(in, O_RDONLY, STDIN_FILENO);
    replace(out_, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    replace(err_, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }

  void signal(int number) const { ::kill(process_, number); }
  /// Waits until stderr holds `text`; false when the program ends or a minute passes before.
  bool wait_for(const std::string& text) const {
    for (int i = 0; i < 6000; ++i) {
      if (content_of(err_).find(text) != std::string::npos) return true;
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) {
        return content_of(err_).find(text) != std::string::npos;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  /// The exit code, or -1 for a death by signal.
  int wait() const {
    int status = 0;
    ::waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string out() const { return content_of(out_); }
  std::string err() const { return content_of(err_); }

 private:
  static void replace(const std::string& path, int flags, int descriptor) {
    const int file = ::open(path.c_str(), flags, 0600);
    if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
  }

  std::string out_, err_;
  pid_t process_ = -1;
};

struct Ran {
  int code = -1;
  std::string out, err;
};

inline Ran run(const std::vector<std::string>& arguments, const std::string& input = "") {
  const TempDir dir;
  const Running running(dir, arguments, input);
  Ran ran;
  ran.code = running.wait();
  ran.out = running.out();
  ran.err = running.err();
  return ran;
}

}  // namespace carousel::testing
