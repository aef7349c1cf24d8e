#include "apps/cli/tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "carousel/engine/engine.h"
#include "carousel/tasks/task.h"

namespace carousel::cli {

namespace {

std::vector<const CLI::App*> children(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

CommandNode node_of(const CLI::App& app, const std::string& words) {
  CommandNode node{words, app.get_description(), {}, {}, {}};
  std::istringstream examples(app.get_footer());
  for (std::string line; std::getline(examples, line);) {
    if (!line.empty()) node.examples.push_back(line);
  }
  for (const CLI::Option* option : app.get_options()) {
    const bool is_switch = option->get_type_size() == 0;
    FlagText flag{"", "", is_switch ? "" : option->get_type_name(), option->get_description()};
    if (!option->get_snames().empty()) flag.short_name = "-" + option->get_snames().front();
    if (option->get_positional()) {
      flag.name = option->get_name(true);
      node.positionals.push_back(flag);
      continue;
    }
    flag.name = "--" + option->get_lnames().front();
    node.flags.push_back(flag);
  }
  return node;
}

void collect(const CLI::App& app, const std::string& words, std::vector<CommandNode>* nodes) {
  const auto below = children(app);
  if (below.empty()) nodes->push_back(node_of(app, words));
  for (const CLI::App* child : below)
    collect(*child, words.empty() ? child->get_name() : words + " " + child->get_name(), nodes);
}

}  // namespace

std::vector<CommandNode> command_nodes(const CLI::App& app) {
  std::vector<CommandNode> nodes;
  collect(app, "", &nodes);
  return nodes;
}

std::vector<CommandNode> first_commands(const CLI::App& app) {
  std::vector<CommandNode> nodes;
  for (const CLI::App* child : children(app)) nodes.push_back(node_of(*child, child->get_name()));
  return nodes;
}

std::vector<Option> all_options() {
  std::vector<Option> all;
  for (const std::string& task : tasks::task_names()) {
    for (Option& option : engine::Engine::options(task)) {
      const bool known = std::any_of(all.begin(), all.end(), [&](const Option& o) { return o.name == option.name; });
      if (!known) all.push_back(std::move(option));
    }
  }
  return all;
}

}  // namespace carousel::cli
