// carousel eval: the score of a model on a file, beside a baseline.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

#include "apps/cli/decode_flags.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/base/text.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

struct EvalFlags {
  std::string model;
  std::vector<std::string> data;
  DecodeFlags decode;
  int64_t backtest = 0;
  bool json = false;
};

/// Numbers under their names, a blank line in front.
std::string text_of(const tasks::EvalTable& table) {
  constexpr size_t kLeast = 9;
  std::string text = "\n";
  const auto width = [kLeast](const std::string& name) { return std::max(kLeast, name.size()); };
  for (const std::string& name : table.columns) text += fmt::format("  {:>{}}", metric_title(name), width(name));
  text += "\n";
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c) text += fmt::format("  {:>{}.4g}", row[c], width(table.columns[c]));
    text += "\n";
  }
  return text;
}

/// A row is an object, so that a reader need not count.
Json to_json(const tasks::EvalTable& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json object = Json::object();
    for (size_t c = 0; c < row.size(); ++c) object[table.columns[c]] = row[c];
    rows.push_back(std::move(object));
  }
  return rows;
}

void print_table(const tasks::EvalReport& report) {
  size_t width = 0;
  for (const auto& [name, value] : report.metrics) width = std::max(width, name.size());
  std::string text = fmt::format("{} on {}\n", report.task, counted(report.examples, "example"));
  for (const auto& [name, value] : report.metrics) {
    text += fmt::format("  {:<{}}  {:>9}", metric_title(name), width, metric_text(name, value));
    const auto baseline = report.baseline.find(name);
    if (baseline != report.baseline.end()) text += "   baseline " + metric_text(name, baseline->second);
    text += "\n";
  }
  if (!report.baseline_name.empty()) text += "baseline: " + report.baseline_name + "\n";
  for (const tasks::EvalTable& table : report.tables) text += text_of(table);
  print(text);
}

int run_eval(EvalFlags& flags) {
  const tasks::PredictOptions options = flags.decode.read();
  auto model = engine::Engine::load(flags.model);
  if (flags.backtest > 0)
    options.refuse_search("[eval] a backtest searches for no sequence", "a forecaster gives numbers");
  const tasks::EvalReport report =
      flags.backtest > 0 ? model.backtest(flags.data, flags.backtest) : model.evaluate(flags.data, options);
  if (flags.json) {
    Json json = {{"schema", "carousel/eval@1"},
                 {"task", report.task},
                 {"metrics", report.metrics},
                 {"baseline", report.baseline},
                 {"baseline_name", report.baseline_name},
                 {"examples", report.examples},
                 {"notes", report.notes}};
    for (const tasks::EvalTable& table : report.tables) json[table.name] = to_json(table);
    print_json(json);
  } else {
    print_table(report);
  }
  for (const std::string& note : report.notes) say("note: " + note);
  return kOk;
}

}  // namespace

void add_eval(Program& program) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command =
      program.add(program.app(),
                  {"eval", "Score a model on a file.",
                   "carousel eval model.safetensors test.tsv           # error rates, beside a baseline\n"
                   "carousel eval model.safetensors test.tsv --json    # the same for scripts; rates are fractions\n"
                   "carousel eval model.safetensors test.tsv --beam 10\n"
                   "carousel eval model.safetensors load.csv --backtest 12    # a forecaster at the last 12 origins"},
                  [flags] { return run_eval(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_option("DATA", flags->data, "Data with answers: one file, or two that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  flags->decode.add_to(command, false);
  command
      ->add_option("--backtest", flags->backtest,
                   "Score a forecaster at the last N origins of each series, a horizon apart, with errors by step")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}))
      ->type_name("N");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
