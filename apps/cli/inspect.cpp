// carousel inspect: where a model looks while it answers one input.
#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <memory>

#include "apps/cli/decode_flags.h"
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
  DecodeFlags decode;
  bool json = false;
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
          {"hypotheses", hypotheses},       {"in_training", prediction.in_training},
          {"notes", prediction.notes},      {"source", map.source},
          {"target", map.target},           {"attention", rows}};
}

std::string to_text(const tasks::AttentionMap& map, const tasks::Prediction& prediction, const HeatMapStyle& style) {
  constexpr int64_t kLongestText = 10000;
  std::string text = fit(map.input, kLongestText);
  text += prediction.in_training ? "   (stood in the training data)\n" : "   (not in the training data)\n";
  for (const auto& hypothesis : prediction.hypotheses) {
    text += fmt::format("  {:5.1f} %  {}\n", 100 * hypothesis.probability, fit(hypothesis.text, kLongestText));
  }
  return text + "\n" + draw_heat_map(map, style);
}

int run_inspect(const InspectFlags& flags) {
  if (!flags.png.empty() && flags.inputs.size() > 1) {
    throw ConfigError(
        fmt::format("[--png] one picture shows one input; got {} inputs. Call it once for each.", flags.inputs.size()));
  }
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
                  {"inspect", "Show where a model looks while it answers one input.",
                   "carousel inspect model.safetensors carousel                # heat map in the terminal\n"
                   "carousel inspect model.safetensors carousel bell --nbest 3\n"
                   "carousel inspect model.safetensors carousel --png map.png\n"
                   "carousel inspect model.safetensors carousel --json         # the weights as numbers"},
                  [flags] { return run_inspect(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_option("INPUT", flags->inputs, "The input as one word of the shell, or several inputs")->required();
  command->add_option("--png", flags->png, "Also write the map as a picture")->type_name("FILE");
  command->add_option("--color", flags->color, "Colours: auto (on a terminal, unless NO_COLOR is set), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  flags->decode.add_to(command, true);
  command->add_flag("--json", flags->json, "Print one JSON object per input");
}

}  // namespace carousel::cli
