// carousel man: the manual page, generated from the command tree and the option tables.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/tree.h"

namespace carousel::cli {

namespace {

/// Text as roff reads it back: backslashes, hyphens and lines that begin like a request are escaped.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  const bool is_request = !escaped.empty() && (escaped.front() == '.' || escaped.front() == '\'');
  return is_request ? "\\&" + escaped : escaped;
}

std::string flag_text(const FlagText& flag) {
  const std::string names = flag.short_name.empty() ? flag.name : flag.short_name + ", " + flag.name;
  std::string text = ".TP\n.B " + roff(names) + "\n" + roff(flag.help) + "\n";
  if (!flag.value.empty()) text.replace(text.find('\n', 4), 1, fmt::format(" \\fI{}\\fR\n", roff(flag.value)));
  return text;
}

std::string command_text(const CommandNode& node) {
  std::string text = ".SS carousel " + roff(node.words) + "\n" + roff(node.summary) + "\n";
  for (const FlagText& positional : node.positionals) {
    text += ".TP\n.I " + roff(positional.name) + "\n" + roff(positional.help) + "\n";
  }
  for (const FlagText& flag : node.flags) text += flag_text(flag);
  if (node.examples.empty()) return text;
  text += ".PP\n.nf\n";
  for (const std::string& example : node.examples) text += roff(example) + "\n";
  return text + ".fi\n";
}

std::string option_text(const Option& option) {
  return fmt::format(".TP\n.B {}.{}\n{} Default: {}. Environment: {}.\n", roff(option.section), roff(option.name),
                     roff(option.help), roff(option.auto_text.empty() ? option.default_text : option.auto_text),
                     roff(option.environment_name()));
}

constexpr const char* kExitStatus = R"(.SH EXIT STATUS
.TP
.B 0
Success.
.TP
.B 1
Another error.
.TP
.B 2
Wrong usage: an unknown command or option, or a value out of its range.
.TP
.B 3
Bad data.
.TP
.B 4
Bad model file.
.TP
.B 5
Training diverged: the loss was not finite. The last good model is kept.
.TP
.B 6
Memory, disk or another resource is exhausted or refused.
.TP
.B 130
Interrupted (143: by SIGTERM, 129: by SIGHUP); training is saved first.
)";

std::string manual(const CLI::App& app) {
  std::string text = ".TH CAROUSEL 1 \"\" \"carousel " CAROUSEL_VERSION
                     "\"\n.SH NAME\ncarousel \\- train and run sequence models\n"
                     ".SH SYNOPSIS\n.B carousel\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n" +
                     roff(app.get_description()) +
                     "\nData goes to standard output, all else to standard error.\n.SH COMMANDS\n";
  for (const CommandNode& node : command_nodes(app)) text += command_text(node);
  text +=
      ".SH OPTIONS OF TRAINING\nFor \\fB\\-\\-set\\fR \\fIname=value\\fR, the TOML file of \\fB\\-\\-config\\fR and "
      "the "
      "environment.\n";
  for (const Option& option : all_options()) text += option_text(option);
  return text + kExitStatus;
}

}  // namespace

void add_man(Program& program) {
  program.add(
      program.app(),
      {"man", "Print the manual page.", "carousel man | man -l -\ncarousel man > ~/.local/share/man/man1/carousel.1"},
      [&program] {
        print(manual(program.app()));
        return kOk;
      });
}

}  // namespace carousel::cli
