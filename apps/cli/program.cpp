#include "apps/cli/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <sstream>
#include <string_view>
#include <utility>

#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "carousel/base/error.h"
#include "carousel/base/options.h"

namespace carousel::cli {

namespace {

std::string full_name(const CLI::App* app) {
  return app->get_parent() == nullptr ? app->get_name() : full_name(app->get_parent()) + " " + app->get_name();
}

/// Help with the examples first: most readers need nothing else.
class ExamplesFirst : public CLI::Formatter {
 public:
  ExamplesFirst() {
    label("SUBCOMMAND", "COMMAND");
    label("Subcommands", "Commands");
    label("REQUIRED", "(required)");
  }

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return CLI::Formatter::make_help(app, std::move(name), mode);
    std::ostringstream out;
    out << make_description(app);
    if (!app->get_footer().empty()) {
      out << "\nExamples:\n";
      std::istringstream examples(app->get_footer());
      for (std::string line; std::getline(examples, line);) out << (line.empty() ? "" : "  ") << line << "\n";
    }
    out << "\n" << make_usage(app, full_name(app)) << make_positionals(app) << make_groups(app, mode);
    out << make_subcommands(app, mode);
    return out.str();
  }

  std::string make_option_usage(const CLI::Option* option) const override {
    const std::string name = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
    return option->get_required() ? name : "[" + name + "]";
  }
};

/// The command the user named, as deep as they went.
const CLI::App* active(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> flags_of(const CLI::App* app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

/// `--epochs "$N"` with N unset would pass for no flag at all.
void refuse_empty_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_type_size() == 0 || option->get_positional()) continue;
    option->check(CLI::Validator(
        [](const std::string& text) { return std::string(text.empty() ? "a value is needed; got an empty one" : ""); },
        ""));
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_values(*command);
}

/// The parser's own sentences in the wording of ours: "FILE: At Most 2 required but received 3".
std::string in_our_words(std::string text) {
  for (const auto& [theirs, ours] :
       {std::pair("At Most ", "at most "), {"At Least ", "at least "}, {"received", "got"}}) {
    const size_t at = text.find(theirs);
    if (at != std::string::npos) text.replace(at, std::string_view(theirs).size(), ours);
  }
  return text;
}

int fail(int code, const std::string& text) {
  say("carousel: " + text);
  return code;
}

/// Takes the numbers of closed standard streams, so that no file that is opened later gets them and with them what is
/// meant for a terminal. Reading stdin and writing stdout still fail; messages are lost.
void hold_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) != -1) continue;
    const int flags = number == STDOUT_FILENO ? O_RDONLY : O_WRONLY;
    if (::open("/dev/null", flags) != number) return;
  }
}

}  // namespace

Program::Program(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)),
      app_(std::make_unique<CLI::App>("Trains and runs sequence models on your own data.", "carousel")) {
  app_->formatter(std::make_shared<ExamplesFirst>());
  app_->footer(
      "carousel train words.tsv -o model.safetensors        # learn from pairs: input TAB output\n"
      "carousel eval model.safetensors test.tsv             # how good is it on lines it never saw\n"
      "echo hello | carousel predict model.safetensors      # use it\n"
      "carousel demo reverse                                # see it work, with no data, in half a minute\n"
      "carousel COMMAND --help                              # examples and options of one command");
  app_->set_version_flag("--version", std::string("carousel ") + CAROUSEL_VERSION, "Print the version and end");
  app_->set_help_flag("-h,--help", "Print this help and end");
  app_->require_subcommand(1);
  add_train(*this);
  add_eval(*this);
  add_predict(*this);
  add_generate(*this);
  add_score(*this);
  add_doctor(*this);
  add_inspect(*this);
  add_info(*this);
  add_convert(*this);
  add_quantize(*this);
  add_data(*this);
  add_lab(*this);
  add_compare(*this);
  add_bench(*this);
  add_demo(*this);
  add_config(*this);
  add_completion(*this);
  add_man(*this);
  refuse_empty_values(*app_);
}

Program::~Program() = default;

CLI::App* Program::add(CLI::App& parent, const CommandText& text, Action action) {
  CLI::App* command = parent.add_subcommand(text.name, text.summary);
  command->footer(text.examples);
  command->callback([this, action = std::move(action)] { action_ = action; });
  return command;
}

CLI::App* Program::add_group(const CommandText& text) {
  CLI::App* group = app_->add_subcommand(text.name, text.summary);
  group->footer(text.examples);
  group->require_subcommand(1);
  return group;
}

void Program::refuse_unknown_words() const {
  const CLI::App* command = active(app_.get());
  for (const std::string& word : app_->remaining(true)) {
    const bool is_flag = word.size() > 1 && word.front() == '-';
    const std::string bare = word.substr(0, word.find('='));
    const auto known = is_flag ? flags_of(command) : commands_of(command);
    const std::string candidate = nearest_name(bare, known);
    const char* kind = is_flag ? "option" : known.empty() ? "argument" : "command";
    throw ConfigError(fmt::format("[{}] there is no {} \"{}\". {}", full_name(command), kind, bare,
                                  candidate.empty() ? fmt::format("See `{} --help`.", full_name(command))
                                                    : fmt::format("Did you mean \"{}\"?", candidate)));
  }
}

int Program::run() {
  std::vector<std::string> words(arguments_.rbegin(), arguments_.rend());
  if (!words.empty()) words.pop_back();  // the program's name; CLI11 reads the rest from the back
  if (words.empty()) {
    print(app_->help());
    return kUsage;
  }
  try {
    app_->parse(words);
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ParseError&) {
    refuse_unknown_words();  // a mistyped flag is the cause more often than what CLI11 met first
    throw;
  }
  return action_();
}

std::string shell_line(const std::vector<std::string>& words) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

int run_program(const std::vector<std::string>& arguments) {
  hold_standard_streams();
  // A closed pipe and a full file must come back as errors of write(), not end the program.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  Interrupt::end_at_once();
  try {
    Program program(arguments);
    try {
      return program.run();
    } catch (const CLI::CallForVersion& version) {
      print(std::string(version.what()) + "\n");
      return kOk;
    } catch (const CLI::Success&) {
      print(active(&program.app())->help());
      return kOk;
    } catch (const CLI::ParseError& error) {
      const std::string name = full_name(active(&program.app()));
      return fail(kUsage, fmt::format("[{}] {}. See `{} --help`.", name, in_our_words(error.what()), name));
    }
  } catch (const ClosedPipe&) {
    return kOk;  // the reader had enough (`| head`)
  } catch (const ConfigError& error) {
    return fail(kUsage, error.what());
  } catch (const DataError& error) {
    return fail(kBadData, error.what());
  } catch (const FormatError& error) {
    return fail(kBadModel, error.what());
  } catch (const DivergedError& error) {
    return fail(kDiverged, error.what());
  } catch (const ResourceError& error) {
    return fail(kResources, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kResources, "[memory] the work must fit in memory; got no more. Use less data or a smaller model.");
  } catch (const std::exception& error) {
    return fail(kOther, error.what());
  }
}

}  // namespace carousel::cli
