// Flags made from the rows of an option table: --top-k for top_k.
#pragma once

#include <map>
#include <string>

#include "carousel/base/options.h"

namespace CLI {
class App;
}

namespace carousel::cli {

/// Lives as long as the command that it added flags to.
class TableFlags {
 public:
  /// A flag for each row, with the row's help and default.
  void add_to(CLI::App* command, const OptionTable& table);
  /// Sets the rows whose flags were given. Throws ConfigError naming the flag.
  void set(OptionTable& table) const;

 private:
  std::map<std::string, std::string> texts_;  ///< by the row's name; "": not given
};

}  // namespace carousel::cli
