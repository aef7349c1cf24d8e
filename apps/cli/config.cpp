// carousel config dump: all options with their meaning, as a TOML file to edit.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

struct ConfigFlags {
  std::string task = "transduce";
  bool json = false;
};

/// The default as TOML writes it. Texts need quotes, lists brackets.
std::string toml_value(const Option& option) {
  if (!option.auto_text.empty()) return '"' + option.auto_text + '"';
  if (std::holds_alternative<std::string*>(option.field)) return '"' + option.default_text + '"';
  if (std::holds_alternative<std::vector<int64_t>*>(option.field)) return "[" + option.default_text + "]";
  return option.default_text;
}

std::string rule_text(const Option& option) {
  if (!option.choices.empty()) return fmt::format(" One of: {}.", fmt::join(option.choices, ", "));
  const bool low = std::isfinite(option.min), high = std::isfinite(option.max);
  if (low && high) return fmt::format(" {} to {}.", option.min, option.max);
  if (low) return fmt::format(" At least {}.", option.min);
  return high ? fmt::format(" At most {}.", option.max) : "";
}

/// The meaning and the rule as comment lines of at most 110 characters.
std::string comment(const Option& option) {
  std::string sentence = option.help;
  if (!sentence.empty() && std::string_view(".?!").find(sentence.back()) == std::string_view::npos) sentence += '.';
  constexpr size_t kWidth = 110;
  std::string text, line = "#";
  std::istringstream words(sentence + rule_text(option));
  for (std::string word; words >> word;) {
    if (line.size() + 1 + word.size() > kWidth) text += std::exchange(line, "#") + "\n";
    line += " " + word;
  }
  return text + line + "\n";
}

std::string to_toml(const std::vector<Option>& options, const std::string& task) {
  std::string text = fmt::format(
      "# Options of the task {0} with their defaults. Use: carousel train DATA --task {0} --config FILE\n"
      "# The environment (CAROUSEL_SECTION_NAME) wins over this file, and the command line over both.\n",
      task);
  std::string section;
  for (const Option& option : options) {
    if (option.section != section) text += fmt::format("\n[{}]\n\n", section = option.section);
    text += fmt::format("{}# {} = {}\n\n", comment(option), option.name, toml_value(option));
  }
  return text;
}

Json to_json(const std::vector<Option>& options, const std::string& task) {
  Json rows = Json::array();
  for (const Option& option : options) {
    Json row = {{"section", option.section},
                {"name", option.name},
                {"default", option.auto_text.empty() ? option.default_text : option.auto_text},
                {"environment", option.environment_name()},
                {"help", option.help}};
    if (!option.choices.empty()) row["choices"] = option.choices;
    if (std::isfinite(option.min)) row["min"] = option.min;
    if (std::isfinite(option.max)) row["max"] = option.max;
    rows.push_back(row);
  }
  return {{"schema", "carousel/config@1"}, {"task", task}, {"options", rows}};
}

int run_dump(const ConfigFlags& flags) {
  const std::vector<Option> options = engine::Engine::options(flags.task);
  if (flags.json) {
    print_json(to_json(options, flags.task), true);
  } else {
    print(to_toml(options, flags.task));
  }
  return kOk;
}

}  // namespace

void add_config(Program& program) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* group = program.add_group({"config", "Show the options of training.", "carousel config dump > run.toml"});
  CLI::App* command =
      program.add(*group,
                  {"dump", "Print all options with defaults and meaning, as TOML.",
                   "carousel config dump > run.toml    # edit, then: carousel train ... --config run.toml\n"
                   "carousel config dump --json"},
                  [flags] { return run_dump(*flags); });
  command->add_option("--task", flags->task, "The task whose options to print")->type_name("TASK");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
