// carousel inspect: where a model looks, and what its gates do, while it answers one input.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <filesystem>
#include <memory>
#include <utility>

#include "apps/cli/decode_flags.h"
#include "apps/cli/gate_view.h"
#include "apps/cli/heat_map.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

struct InspectFlags {
  std::vector<std::string> inputs;
  std::string model, png, color = "auto";
  std::string layer, gate, csv, npy;
  DecodeFlags decode;
  bool gates = false, json = false;
};

Json to_json(const tasks::AttentionMap& map, const tasks::Prediction& prediction) {
  Json rows = Json::array(), hypotheses = Json::array();
  for (size_t t = 0; t < map.target.size(); ++t) {
    Json row = Json::array();
    for (size_t s = 0; s < map.source.size(); ++s) {
      row.push_back(std::round(static_cast<double>(map.weights.at(t * map.source.size() + s)) * 1e6) / 1e6);
    }
    rows.push_back(row);
  }
  for (const auto& hypothesis : prediction.hypotheses) {
    hypotheses.push_back({{"text", hypothesis.text}, {"probability", hypothesis.probability}});
  }
  return {{"schema", "carousel/inspect@1"}, {"input", map.input},
          {"output", map.output},           {"probability", map.probability},
          {"hypotheses", hypotheses},       {"in_training", in_training(prediction)},
          {"notes", prediction.notes},      {"source", map.source},
          {"target", map.target},           {"attention", rows}};
}

std::string to_text(const tasks::AttentionMap& map, const tasks::Prediction& prediction, const HeatMapStyle& style) {
  constexpr int64_t kLongestText = 10000;
  std::string text = fit(map.input, kLongestText);
  if (prediction.in_training)
    text += *prediction.in_training ? "   (stood in the training data)" : "   (not in the training data)";
  text += "\n";
  for (const auto& hypothesis : prediction.hypotheses) {
    text += fmt::format("  {:5.1f} %  {}\n", 100 * hypothesis.probability, fit(hypothesis.text, kLongestText));
  }
  return text + "\n" + draw_heat_map(map, style);
}

void check(InspectFlags& flags) {
  if (!flags.png.empty() && flags.inputs.size() > 1) {
    throw ConfigError(
        fmt::format("[--png] one picture shows one input; got {} inputs. Call it once for each.", flags.inputs.size()));
  }
  for (const auto& [name, value] : {std::pair("--csv", &flags.csv), {"--npy", &flags.npy}}) {
    if (!value->empty() && flags.inputs.size() > 1)
      throw ConfigError(fmt::format("[{}] one file holds one input; got {} inputs. Call it once for each.", name,
                                    flags.inputs.size()));
  }
  for (const auto& [name, value] :
       {std::pair("--csv", &flags.csv), {"--npy", &flags.npy}, {"--layer", &flags.layer}, {"--gate", &flags.gate}}) {
    if (!value->empty() && !flags.gates)
      throw ConfigError(fmt::format("[{}] it belongs to --gates; got it alone. Add --gates.", name));
  }
}

/// Of several series the one that a drawing shows.
const tasks::GateSeries& only_one(const tasks::GateTrace& trace, const char* flag) {
  if (trace.series.size() == 1) return trace.series.front();
  throw ConfigError(
      fmt::format("[{}] one picture shows one gate of one layer; got {} of them. Choose with --layer and "
                  "--gate; without --png there is a table of all.",
                  flag, trace.series.size()));
}

void write_npy(const tasks::GateTrace& trace, const std::string& path) {
  if (path.ends_with(".npy")) {
    if (trace.series.size() != 1)
      throw ConfigError(
          fmt::format("[--npy] one file holds one gate of one layer; got {} of them. Choose with --layer "
                      "and --gate, or name a folder.",
                      trace.series.size()));
    atomic_write(path, gates_npy(trace.series.front()));
    return;
  }
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    throw ResourceError(
        fmt::format("[--npy] the folder {} must be writable; got: {}. Name another.", path, error.message()));
  for (const tasks::GateSeries& series : trace.series)
    atomic_write(fmt::format("{}/{}.{}.npy", path, series.layer, series.gate), gates_npy(series));
}

int run_gates(InspectFlags& flags) {
  const tasks::PredictOptions options = flags.decode.read();
  auto model = engine::Engine::load(flags.model);
  const HeatMapStyle style{choose_paint(flags.color), terminal_columns(STDOUT_FILENO, 100)};
  for (size_t i = 0; i < flags.inputs.size(); ++i) {
    const tasks::GateTrace trace = select_gates(model.gates(flags.inputs[i], options), flags.layer, flags.gate);
    if (!flags.png.empty()) atomic_write(flags.png, gates_png(only_one(trace, "--png")));
    if (!flags.csv.empty()) atomic_write(flags.csv, gates_csv(trace));
    if (!flags.npy.empty()) write_npy(trace, flags.npy);
    for (const std::string& path : {flags.png, flags.csv, flags.npy})
      if (!path.empty()) say("wrote " + path);
    if (flags.json) {
      print_json(gates_json(trace));
      continue;
    }
    constexpr int64_t kLongestText = 10000;
    const std::string title = fit(trace.input, kLongestText) +
                              (trace.output.empty() ? "" : " -> " + fit(trace.output, kLongestText)) + "\n\n";
    print((i == 0 ? "" : "\n") + title +
          (trace.series.size() == 1 ? draw_gates(trace.series.front(), style) : gate_table(trace)));
  }
  return kOk;
}

int run_inspect(InspectFlags& flags) {
  check(flags);
  if (flags.gates) return run_gates(flags);
  const tasks::PredictOptions options = flags.decode.read();
  auto model = engine::Engine::load(flags.model);
  const auto predictions = model.predict(flags.inputs, options);
  const HeatMapStyle style{choose_paint(flags.color), terminal_columns(STDOUT_FILENO, 100)};
  for (size_t i = 0; i < flags.inputs.size(); ++i) {
    const tasks::AttentionMap map = model.inspect(flags.inputs[i], options);
    if (!flags.png.empty()) {
      atomic_write(flags.png, heat_map_png(map));
      say("wrote " + flags.png);
    }
    if (flags.json) {
      print_json(to_json(map, predictions.at(i)));
      continue;
    }
    print((i == 0 ? "" : "\n") + to_text(map, predictions.at(i), style));
    for (const std::string& note : predictions.at(i).notes) say("note: " + note);
  }
  return kOk;
}

}  // namespace

void add_inspect(Program& program) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command =
      program.add(program.app(),
                  {"inspect", "Show where a model looks, or what its gates do, while it answers one input.",
                   "carousel inspect model.safetensors carousel                # heat map in the terminal\n"
                   "carousel inspect model.safetensors carousel bell --nbest 3\n"
                   "carousel inspect model.safetensors carousel --png map.png\n"
                   "carousel inspect model.safetensors carousel --json         # the weights as numbers\n"
                   "carousel inspect model.safetensors carousel --gates        # all gates and states in a table\n"
                   "carousel inspect model.safetensors carousel --gates --layer encoder.0 --gate forget_gate\n"
                   "carousel inspect model.safetensors carousel --gates --csv gates.csv --npy gates/"},
                  [flags] { return run_inspect(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_option("INPUT", flags->inputs, "The input as one word of the shell, or several inputs")->required();
  command->add_option("--png", flags->png, "Also write the map as a picture")->type_name("FILE");
  command->add_flag("--gates", flags->gates,
                    "Show gates, cell state and h for each token and unit instead of the attention");
  command->add_option("--layer", flags->layer, "With --gates: only this layer, such as encoder.0 or decoder")
      ->type_name("NAME");
  command->add_option("--gate", flags->gate, "With --gates: only this gate or state, such as forget_gate, h or c")
      ->type_name("NAME");
  command->add_option("--csv", flags->csv, "With --gates: also write a line for each value")->type_name("FILE");
  command
      ->add_option("--npy", flags->npy,
                   "With --gates: also write NumPy arrays [tokens, units]: a file that ends in .npy, or a folder")
      ->type_name("PATH");
  command->add_option("--color", flags->color, "Colours: auto (on a terminal, unless NO_COLOR is set), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  flags->decode.add_to(command, true);
  command->add_flag("--json", flags->json, "Print one JSON object per input");
}

}  // namespace carousel::cli
