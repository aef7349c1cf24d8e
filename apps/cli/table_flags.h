// Flags made from the rows of an option table: --top-k for top_k.
#pragma once

#include <map>
#include <string>

#include "carousel/base/options.h"

namespace CLI {
class App;
}

namespace carousel::cli {

/// A table and a flag for each of its rows, whose text the table reads and checks when the command runs. Lives as long
/// as the command.
class TableFlags {
 public:
  OptionTable table;

  /// Adds the flags, with each row's help and default.
  void add_to(CLI::App* command);
  /// Sets the rows whose flags were given. Throws ConfigError naming the flag.
  void apply();

 private:
  std::map<std::string, std::string> texts_;  ///< by the row's name; "": not given
};

}  // namespace carousel::cli
