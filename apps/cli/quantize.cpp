// carousel quantize: a model with its weights in a number format, and what that costs.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/engine/quantize.h"

namespace carousel::cli {

namespace {

struct QuantizeFlags {
  engine::QuantizeRequest request;
  bool json = false;
};

std::string size_text(int64_t bytes) {
  return bytes < 1'000'000 ? fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3)
                           : fmt::format("{:.2f} MB", static_cast<double>(bytes) / 1e6);
}

void print_table(const engine::QuantizeReport& report) {
  std::string text =
      fmt::format("{}: {} with {} values; {} f32\n", report.format, counted(report.matrices, "matrix", "matrices"),
                  report.values, counted(report.tensors_left, "tensor stays", "tensors stay"));
  text += fmt::format("  size  {} -> {}, {:.2f} times smaller\n", size_text(report.bytes_before),
                      size_text(report.bytes_after),
                      static_cast<double>(report.bytes_before) / static_cast<double>(report.bytes_after));
  if (!report.metric.empty()) {
    text += fmt::format("  on {}\n", counted(report.before.examples, "example"));
    for (const auto& [name, value] : report.before.metrics) {
      const auto after = report.after.metrics.find(name);
      if (after == report.after.metrics.end()) continue;
      text +=
          fmt::format("  {}  {} -> {}", metric_title(name), metric_text(name, value), metric_text(name, after->second));
      if (name == report.metric) text += fmt::format("   loss {:.4f}", report.loss);
      text += "\n";
    }
  }
  print(text);
}

int run_quantize(const QuantizeFlags& flags) {
  const engine::QuantizeReport report = engine::quantize_model(flags.request);
  if (flags.json) {
    Json json = {{"schema", "carousel/quantize@1"},  {"model", flags.request.output},
                 {"format", report.format},          {"matrices", report.matrices},
                 {"values", report.values},          {"bytes_before", report.bytes_before},
                 {"bytes_after", report.bytes_after}};
    if (!report.metric.empty()) {
      json["metric"] = report.metric;
      json["metrics_before"] = report.before.metrics;
      json["metrics_after"] = report.after.metrics;
      json["loss"] = report.loss;
      json["examples"] = report.before.examples;
    }
    json["notes"] = report.notes;
    print_json(json);
  } else {
    print_table(report);
  }
  for (const std::string& note : report.notes) say("note: " + note);
  if (report.metric.empty()) say("the cost was not measured: give held-out data with --data FILE");
  say("wrote " + flags.request.output);
  return kOk;
}

}  // namespace

void add_quantize(Program& program) {
  auto flags = std::make_shared<QuantizeFlags>();
  CLI::App* command = program.add(
      program.app(),
      {"quantize", "Write a model with its weights in fewer bits, and measure what that costs.",
       "carousel quantize model.safetensors -o small.safetensors --data held_out.tsv     # int8, and the score before "
       "and after\n"
       "carousel quantize model.safetensors -o half.safetensors --format bf16 --data held_out.tsv --json\n"
       "carousel quantize model.safetensors -o small.safetensors --data held_out.tsv --max-loss 0.002    # or nothing"},
      [flags] { return run_quantize(*flags); });
  engine::QuantizeRequest& request = flags->request;
  command->add_option("MODEL", request.model, "Model file, in f32")->required()->type_name("FILE");
  command->add_option("-o,--output", request.output, "Model file to write")->required()->type_name("MODEL");
  command
      ->add_option("--format", request.format,
                   "int8: a quarter of the size, integer products; bf16: half of it. Default int8")
      ->type_name("NAME");
  CLI::Option* data = command
                          ->add_option("--data", request.data,
                                       "Held-out data with answers, to measure on: one file, or two that belong line "
                                       "to line")
                          ->expected(1, 2)
                          ->type_name("FILE");
  command
      ->add_option("--max-loss", request.max_loss,
                   "Write nothing if the metric gets worse by more: of rates, accuracies and F1 the difference, of "
                   "others a share of the value. Default 0.01")
      ->needs(data)
      ->type_name("X");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
