// The option table of one run: who sets what, and what a saved run says about it.
#pragma once

#include <string>

#include "carousel/base/options.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/engine/engine.h"

namespace carousel::engine {

/// Options of a run with the precedence default < config file < environment < settings. A run that continues or
/// repeats another takes over the other's options.
class RunOptions {
 public:
  /// Reads everything the user set. Throws ConfigError and DataError naming who set what.
  RunOptions(tasks::Task& task, const TrainRequest& request);

  /// Takes over the options of a saved run. Options that the user set to something else are refused by name
  /// (ConfigError), but for those that do not change the result: threads, checkpoint_every_seconds, replay.
  void adopt(const RunIdentity& saved, const std::string& file);

  /// The options as they are stored with a run: those that do not change the result stand at their defaults. Before
  /// the task's build() this is what the user asked for, after it the values in force.
  std::string to_json() const;
  /// Names of the options that were set, of those that are stored.
  std::string names_set() const;
  /// "name=value" of each of them.
  std::vector<std::string> as_settings() const;

  /// Gives an option that was left to the program its value.
  void decide(const char* name, const std::string& value) { table_.set(name, value, row(name).origin); }

  /// What an option of a saved run was in force as: where it was left to the program, what that decided.
  std::string in_force(const RunIdentity& saved, const std::string& file, const char* name);

  /// The value of an option that every task has; ConfigError when this one lacks it.
  int64_t integer(const char* name) const;
  double real(const char* name) const;
  std::string text(const char* name) const;
  /// Its row: who set it. ConfigError as above.
  const Option& row(const char* name) const;

 private:
  OptionTable table_;
};

/// Sets a task's options to the values in force that a model file holds, as Task::load() wants them. Throws
/// FormatError.
void restore_options(tasks::Task& task, const RunIdentity& saved, const std::string& file);

}  // namespace carousel::engine
