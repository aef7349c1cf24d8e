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
  bool json = false;
};

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
  print(text);
}

int run_eval(EvalFlags& flags) {
  const tasks::PredictOptions options = flags.decode.read();
  auto model = engine::Engine::load(flags.model);
  const tasks::EvalReport report = model.evaluate(flags.data, options);
  if (flags.json) {
    print_json({{"schema", "carousel/eval@1"},
                {"task", report.task},
                {"metrics", report.metrics},
                {"baseline", report.baseline},
                {"baseline_name", report.baseline_name},
                {"examples", report.examples},
                {"notes", report.notes}});
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
                   "carousel eval model.safetensors test.tsv --beam 10"},
                  [flags] { return run_eval(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_option("DATA", flags->data, "Data with answers: one file, or two that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  flags->decode.add_to(command, false);
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
