// The command tree and the option tables as plain data, for everything that is generated from them.
#pragma once

#include <string>
#include <vector>

#include "carousel/base/options.h"

namespace CLI {
class App;
}

namespace carousel::cli {

struct FlagText {
  std::string name;        ///< "--max-seconds"
  std::string short_name;  ///< "-o" or ""
  std::string value;       ///< "S", "" for a switch
  std::string help;
};

struct CommandNode {
  std::string words;  ///< "data check"
  std::string summary;
  std::vector<std::string> examples;
  std::vector<FlagText> positionals;
  std::vector<FlagText> flags;
};

/// All commands that do something, in the order of the help, `help` and `version` flags included.
std::vector<CommandNode> command_nodes(const CLI::App& app);
/// First words with their summary: "train", ..., "data".
std::vector<CommandNode> first_commands(const CLI::App& app);
/// The options of all tasks, each name once.
std::vector<Option> all_options();

}  // namespace carousel::cli
