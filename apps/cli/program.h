// The program as a tree of commands: made once for parsing, help, completion and the man page alike.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {  // CLI11 costs every file that includes it seconds: only those that declare flags do
class App;
}

namespace carousel::cli {

enum ExitCode : int {
  kOk = 0,
  kOther = 1,
  kUsage = 2,
  kBadData = 3,
  kBadModel = 4,
  kDiverged = 5,
  kResources = 6,
  kSignalBase = 128,  ///< plus the signal's number: 130 for Ctrl-C, 143 for SIGTERM
};

/// A command's name, its one-line summary and its examples (one `command   # meaning` per line).
struct CommandText {
  std::string name;
  std::string summary;
  std::string examples;
};

class Program {
 public:
  /// What a command does once all arguments are read; returns the exit code.
  using Action = std::function<int()>;

  explicit Program(std::vector<std::string> arguments);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  /// Adds a command under `parent`; `action` runs when it is the one the user gave.
  CLI::App* add(CLI::App& parent, const CommandText& text, Action action);
  /// A command that only groups others (`data check`).
  CLI::App* add_group(const CommandText& text);

  CLI::App& app() { return *app_; }
  /// The words of the command line, the program's name first.
  const std::vector<std::string>& arguments() const { return arguments_; }
  /// Reads the arguments and runs the command. Throws CLI::ParseError (also for --help), ConfigError for a word nobody
  /// knows, and what the command throws.
  int run();

 private:
  void refuse_unknown_words() const;

  std::vector<std::string> arguments_;
  std::unique_ptr<CLI::App> app_;
  Action action_;
};

/// Runs the program and turns every error into one line on stderr and an exit code.
int run_program(const std::vector<std::string>& arguments);

/// Words joined to a line that a shell reads back as these words.
std::string shell_line(const std::vector<std::string>& words);

// One function per command, each in its own file.
void add_train(Program& program);
void add_eval(Program& program);
void add_predict(Program& program);
void add_generate(Program& program);
void add_score(Program& program);
void add_doctor(Program& program);
void add_inspect(Program& program);
void add_info(Program& program);
void add_convert(Program& program);
void add_quantize(Program& program);
void add_data(Program& program);
void add_lab(Program& program);
void add_compare(Program& program);
void add_bench(Program& program);
void add_demo(Program& program);
void add_config(Program& program);
void add_completion(Program& program);
void add_man(Program& program);

}  // namespace carousel::cli
