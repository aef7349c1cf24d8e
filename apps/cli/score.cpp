// carousel score: how probable a language model finds each line.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/text_input.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

constexpr size_t kScoredAtOnce = 256;

struct ScoreFlags {
  std::string model, input = "-";
  bool tokens = false, json = false;
};

Json to_json(const tasks::LineScore& score) {
  Json symbols = Json::array();
  for (const auto& symbol : score.symbols)
    symbols.push_back({{"text", symbol.text}, {"log_probability", symbol.log_probability}});
  return {{"schema", "carousel/score@1"},     {"input", score.input}, {"log_probability", score.log_probability()},
          {"perplexity", score.perplexity()}, {"symbols", symbols},   {"notes", score.notes}};
}

std::string to_text(const tasks::LineScore& score, bool tokens) {
  std::string text = fmt::format("{:.4f}\t{:.4f}\t", score.log_probability(), score.perplexity());
  if (!tokens) return text + score.input + "\n";
  for (size_t i = 0; i < score.symbols.size(); ++i)
    text += fmt::format("{}{} {:.4f}", i > 0 ? "\t" : "", score.symbols[i].text, score.symbols[i].log_probability);
  return text + "\n";
}

int run_score(const ScoreFlags& flags) {
  auto model = engine::Engine::load(flags.model);
  LineSource source(flags.input);
  std::vector<std::string> lines;
  while (source.next(&lines, kScoredAtOnce)) {
    std::string text;
    for (const tasks::LineScore& score : model.score_lines(lines)) {
      text += flags.json ? to_json(score).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                         : to_text(score, flags.tokens);
    }
    print(text);
  }
  return kOk;
}

}  // namespace

void add_score(Program& program) {
  auto flags = std::make_shared<ScoreFlags>();
  CLI::App* command =
      program.add(program.app(),
                  {"score", "Say how probable a language model finds each line.",
                   "carousel score model.safetensors lines.txt            # log-probability TAB perplexity TAB line\n"
                   "carousel score model.safetensors lines.txt | sort -g  # the strangest lines first\n"
                   "echo \"to be or not\" | carousel score model.safetensors --tokens   # symbol by symbol"},
                  [flags] { return run_score(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_option("FILE", flags->input, "Lines to score; - for standard input (the default)")->type_name("FILE");
  command->add_flag("--tokens", flags->tokens, "Each symbol with its log-probability instead of the line");
  command->add_flag("--json", flags->json, "Print one JSON object per line");
}

}  // namespace carousel::cli
