// carousel generate: a language model writes a text on.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iterator>
#include <memory>

#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/table_flags.h"
#include "apps/cli/text_input.h"
#include "carousel/base/threads.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

struct GenerateFlags {
  std::string model, prompt;
  tasks::GenerateOptions options;
  int64_t seed = 1, threads = 1;
  TableFlags table;
  std::vector<std::string> stop;
  bool json = false;
};

/// "\n" and "\t" for what is hard to type, "\\" for a backslash.
std::string unescaped(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n' || next == 't' || next == '\\') {
      result += next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string read_prompt(const std::string& prompt) {
  if (prompt != "-") return prompt;
  LineSource source(prompt);
  std::string text;
  for (std::vector<std::string> lines; source.next(&lines, 1024);)
    for (const std::string& line : lines) text += line + "\n";
  if (!text.empty()) text.pop_back();  // the text goes on where the last line ends
  return text;
}

int run_generate(GenerateFlags& flags) {
  flags.table.apply();
  tasks::GenerateOptions options = flags.options;
  options.seed = static_cast<uint64_t>(flags.seed);
  for (const std::string& stop : flags.stop) options.stop.push_back(unescaped(stop));
  set_threads(flags.threads);
  auto model = engine::Engine::load(flags.model);
  const std::string prompt = read_prompt(flags.prompt);
  Interrupt::finish_first();
  // White space at the end of a line is not read, and the text that follows brings its own.
  const std::string shown = prompt.substr(0, prompt.find_last_not_of(" \t") + 1);
  bool begun = false;
  const auto show = [&](std::string_view piece) {
    if (!flags.json && !begun) print(shown);
    begun = true;
    if (!flags.json) print(piece);
    return !Interrupt::requested();
  };
  const tasks::Generation result = model.generate(prompt, options, show);
  if (flags.json) {
    print_json({{"schema", "carousel/generate@1"},
                {"prompt", result.prompt},
                {"text", result.text},
                {"log_probability", result.log_probability},
                {"symbols", result.symbols},
                {"finish", result.finish},
                {"seed", options.seed},
                {"notes", result.notes}});
  } else {
    if (!begun) print(shown);
    print("\n");
    for (const std::string& note : result.notes) say("note: " + note);
  }
  return result.finish == "interrupted" ? Interrupt::exit_code() : kOk;
}

}  // namespace

void add_generate(Program& program) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command = program.add(
      program.app(),
      {"generate", "Let a language model write a text on.",
       "carousel generate model.safetensors \"Once upon a time\"\n"
       "carousel generate model.safetensors \"ROMEO:\" --temperature 0.8 --top-p 0.95 --max-tokens 500 --seed 7\n"
       "carousel generate model.safetensors \"Dear\" --stop '\\n' --json    # up to the end of the line\n"
       "carousel generate model.safetensors - < beginning.txt             # the prompt from a file"},
      [flags] { return run_generate(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command
      ->add_option("PROMPT", flags->prompt,
                   "How the text begins; - reads it from standard input. Default: as after a line end")
      ->type_name("TEXT");
  OptionTable& table = flags->table.table;
  flags->options.options(table);
  table.add("seed", &flags->seed, "The same seed writes the same text.").range(0, 9e15);
  table.add("threads", &flags->threads, "Threads; 0 for all cores. A small model is no faster with more.")
      .range(0, 1024);
  flags->table.add_to(command);
  command
      ->add_option("--stop", flags->stop, "End before this text, for which \\n is a line end; may be given many times")
      ->expected(1)
      ->take_all()
      ->type_name("TEXT");
  command->add_flag("--json", flags->json, "Print one JSON object at the end");
}

}  // namespace carousel::cli
