// carousel completion: scripts for three shells, generated from the command tree and the option tables.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/tree.h"

namespace carousel::cli {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> flag_names(const CommandNode& node) {
  std::vector<std::string> names;
  for (const FlagText& flag : node.flags) {
    names.push_back(flag.name);
    if (!flag.short_name.empty()) names.push_back(flag.short_name);
  }
  return names;
}

std::vector<std::string> option_keys() {
  std::vector<std::string> keys;
  for (const Option& option : all_options()) keys.push_back(option.name + "=");
  return keys;
}

/// Second words of the groups: "data" -> "check".
std::vector<std::pair<std::string, std::string>> second_words(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const CommandNode& node : command_nodes(app)) {
    const size_t space = node.words.find(' ');
    if (space != std::string::npos) pairs.emplace_back(node.words.substr(0, space), node.words.substr(space + 1));
  }
  return pairs;
}

std::string quoted(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + escaped + "'";
}

/// The groups as a pattern of `case`, each after `before`: "data|config".
std::string group_pattern(const CLI::App& app, const std::string& before = "") {
  std::string pattern;
  for (const auto& pair : second_words(app)) pattern += (pattern.empty() ? "" : "|") + before + pair.first;
  return pattern;
}

std::string bash_script(const CLI::App& app) {
  std::vector<std::string> first;
  for (const CommandNode& node : first_commands(app)) first.push_back(node.words);
  std::string cases;
  for (const auto& [group, word] : second_words(app)) cases += fmt::format("    {}) words='{}' ;;\n", group, word);
  for (const CommandNode& node : command_nodes(app)) {
    cases += fmt::format("    '{}') words='{}' ;;\n", node.words, joined(flag_names(node)));
  }
  return fmt::format(R"(# bash completion of carousel; use: source <(carousel completion bash)
_carousel() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[1]}}" words=''
  COMPREPLY=()
  case "$COMP_CWORD:$command" in
    1:*) words='{first} --help --version' ;;
    2:*) ;;
    {groups}) command="$command ${{COMP_WORDS[2]}}" ;;
  esac
  [ -n "$words" ] || case "$command" in
{cases}  esac
  if [ "$before" = --set ]; then
    compopt -o nospace
    words='{keys}'
  elif [ "$COMP_CWORD" -gt 1 ] && [ "${{words#--}}" != "$words" ] && [ "${{current#-}}" = "$current" ]; then
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _carousel carousel
)",
                     fmt::arg("first", joined(first)), fmt::arg("keys", joined(option_keys())),
                     fmt::arg("groups", group_pattern(app, "*:")), fmt::arg("cases", cases));
}

std::string zsh_script(const CLI::App& app) {
  // In a specification of _arguments, brackets and colons have a meaning of their own.
  const auto plain = [](std::string text) {
    for (const char c : {'[', ']', ':'}) std::replace(text.begin(), text.end(), c, ' ');
    return text;
  };
  std::string commands, cases;
  for (const CommandNode& node : first_commands(app)) {
    commands += fmt::format("    {}\n", quoted(node.words + ":" + plain(node.summary)));
  }
  for (const auto& [group, word] : second_words(app)) {
    cases += fmt::format("    {}) compadd {} ;;\n", group, word);
  }
  for (const CommandNode& node : command_nodes(app)) {
    cases += fmt::format("    {})\n      _arguments", quoted(node.words));
    for (const FlagText& flag : node.flags) {
      const std::string value = flag.name == "--set" ? ":option:($keys)" : flag.value.empty() ? "" : ":value:_files";
      const std::string help = "[" + plain(flag.help) + "]";
      if (flag.name == "--set") {
        cases += fmt::format(" \\\n        {}\"{}\"", quoted("*--set" + help), value);
        continue;
      }
      for (const std::string& name : {flag.name, flag.short_name})
        if (!name.empty()) cases += fmt::format(" \\\n        {}", quoted(fmt::format("{}{}{}", name, help, value)));
    }
    cases += " \\\n        '*:file:_files' ;;\n";
  }
  return fmt::format(R"(#compdef carousel
# zsh completion of carousel; use: carousel completion zsh > "${{fpath[1]}}/_carousel"
_carousel() {{
  local command keys commands
  keys=({keys})
  commands=(
{commands}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  command="$words[2]"
  case "$command" in
    {groups}) (( CURRENT > 3 )) && command="$command $words[3]" ;;
  esac
  case "$command" in
{cases}  esac
}}
_carousel "$@"
)",
                     fmt::arg("keys", joined(option_keys())), fmt::arg("commands", commands), fmt::arg("cases", cases),
                     fmt::arg("groups", group_pattern(app)));
}

std::string fish_script(const CLI::App& app) {
  const auto fish_quoted = [](const std::string& text) {
    std::string escaped;
    for (const char c : text) escaped += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return "'" + escaped + "'";
  };
  std::string text =
      "# fish completion of carousel; use: carousel completion fish > ~/.config/fish/completions/carousel.fish\n";
  for (const CommandNode& node : first_commands(app)) {
    text += fmt::format("complete -c carousel -n __fish_use_subcommand -f -a {} -d {}\n", node.words,
                        fish_quoted(node.summary));
  }
  for (const auto& [group, word] : second_words(app)) {
    text += fmt::format("complete -c carousel -n '__fish_seen_subcommand_from {}' -f -a {}\n", group, word);
  }
  for (const CommandNode& node : command_nodes(app)) {
    const std::string last = node.words.substr(node.words.rfind(' ') + 1);
    for (const FlagText& flag : node.flags) {
      text += fmt::format("complete -c carousel -n '__fish_seen_subcommand_from {}' -l {}", last, flag.name.substr(2));
      if (!flag.short_name.empty()) text += " -s " + flag.short_name.substr(1);
      if (flag.name == "--set") text += " -x -a " + fish_quoted(joined(option_keys()));
      if (!flag.value.empty() && flag.name != "--set") text += " -r";
      text += " -d " + fish_quoted(flag.help) + "\n";
    }
  }
  return text;
}

}  // namespace

void add_completion(Program& program) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      program.add(program.app(),
                  {"completion", "Print a completion script for a shell.",
                   "source <(carousel completion bash)\n"
                   "carousel completion zsh > \"${fpath[1]}/_carousel\"\n"
                   "carousel completion fish > ~/.config/fish/completions/carousel.fish"},
                  [shell, &program] {
                    const CLI::App& app = program.app();
                    print(*shell == "bash" ? bash_script(app) : *shell == "zsh" ? zsh_script(app) : fish_script(app));
                    return kOk;
                  });
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace carousel::cli
