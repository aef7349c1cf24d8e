// carousel info: what a model file holds.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/terminal.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

struct InfoFlags {
  std::string model;
  bool json = false;
};

void print_table(const engine::ModelInfo& info) {
  int64_t width = 10;
  for (const auto& row : info.rows) width = std::max(width, display_width(row.first));
  for (const auto& tensor : info.tensors) width = std::max(width, display_width(tensor.first));
  std::string text = pad_right("task", width) + "  " + info.task + "\n";
  // A model file may come from anyone: what it says is made safe for the terminal.
  constexpr int64_t kLongestValue = 10000;
  for (const auto& [name, value] : info.rows) text += pad_right(name, width) + "  " + fit(value, kLongestValue) + "\n";
  text += pad_right("parameters", width) + fmt::format("  {}\n\ntensors\n", info.parameters);
  for (const auto& [name, shape] : info.tensors) {
    text += pad_right(name, width) + fmt::format("  [{}]\n", fmt::join(shape, ", "));
  }
  print(text);
}

int run_info(const InfoFlags& flags) {
  const engine::ModelInfo info = engine::Engine::load(flags.model).info();
  if (!flags.json) {
    print_table(info);
    return kOk;
  }
  Json rows = Json::object(), tensors = Json::object();
  std::string last;
  for (const auto& [name, value] : info.rows) {
    // A row without a name continues the one before it.
    if (!name.empty()) rows[last = name] = value;
    if (name.empty() && rows.contains(last)) rows[last] = rows[last].get<std::string>() + "\n" + value;
  }
  for (const auto& [name, shape] : info.tensors) tensors[name] = shape;
  print_json({{"schema", "carousel/info@1"},
              {"file", info.file},
              {"task", info.task},
              {"parameters", info.parameters},
              {"rows", rows},
              {"tensors", tensors},
              {"metadata", info.metadata}});
  return kOk;
}

}  // namespace

void add_info(Program& program) {
  auto flags = std::make_shared<InfoFlags>();
  CLI::App* command = program.add(program.app(),
                                  {"info", "Show what a model file holds.",
                                   "carousel info model.safetensors\n"
                                   "carousel info model.safetensors --json    # with all metadata"},
                                  [flags] { return run_info(*flags); });
  command->add_option("MODEL", flags->model, "Model file")->required()->type_name("FILE");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
