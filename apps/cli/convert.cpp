// carousel convert: a model under other conventions, or with weights from PyTorch.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/base/error.h"
#include "carousel/engine/convert.h"

namespace carousel::cli {

namespace {

struct ModelFlags {
  std::string model, output, update, biases, reset;
  std::string torch, like, prefix;
  bool json = false;
};

std::vector<std::string> run_rewriting(const ModelFlags& flags) {
  if (flags.model.empty())
    throw ConfigError("[convert] a model to convert is needed; got none. Name it, or give --from-torch and --like.");
  engine::ConvertRequest request{flags.model, flags.output, {}};
  const auto add = [&](const char* key, const std::string& value, const char* flag) {
    if (!value.empty()) request.settings.push_back({key, value, flag});
  };
  add("update", flags.update, "--update");
  add("biases", flags.biases, "--biases");
  add("reset", flags.reset, "--reset");
  if (request.settings.empty())
    throw ConfigError("[convert] a convention to convert to is needed; got none. Give --update or --biases.");
  return engine::convert_model(request);
}

std::vector<std::string> run_import(const ModelFlags& flags) {
  if (!flags.model.empty() || flags.like.empty())
    throw ConfigError(
        "[convert] --from-torch needs --like MODEL, the model whose sizes and vocabulary the weights are for, and no "
        "other model; got another combination. See `carousel convert --help`.");
  if (!flags.update.empty() || !flags.biases.empty() || !flags.reset.empty())
    throw ConfigError(
        "[convert] with --from-torch the conventions are those of --like; got others. Convert the result in a second "
        "call.");
  return engine::import_torch({flags.torch, flags.like, flags.prefix, flags.output});
}

int run_convert(const ModelFlags& flags) {
  if (flags.torch.empty() && (!flags.like.empty() || !flags.prefix.empty()))
    throw ConfigError(
        "[convert] --like and --prefix belong to --from-torch; got them without it. Add --from-torch FILE.");
  const std::vector<std::string> done = flags.torch.empty() ? run_rewriting(flags) : run_import(flags);
  for (const std::string& sentence : done) say(sentence);
  say("wrote " + flags.output);
  if (flags.json) print_json({{"schema", "carousel/convert@1"}, {"model", flags.output}, {"notes", done}});
  return kOk;
}

}  // namespace

void add_convert(Program& program) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App* command = program.add(
      program.app(),
      {"convert", "Write a model under other conventions of its cell, or with weights from PyTorch.",
       "carousel convert gru.safetensors -o keep.safetensors --update keep    # z near 1 keeps the past; same answers\n"
       "carousel convert lstm.safetensors -o two.safetensors --biases 2       # b_ih and b_hh, as PyTorch has them\n"
       "carousel convert --from-torch state.safetensors --like model.safetensors -o new.safetensors\n"
       "carousel convert --from-torch lstm.safetensors --prefix encoder. --like model.safetensors -o new.safetensors"},
      [flags] { return run_convert(*flags); });
  command->add_option("MODEL", flags->model, "Model file to convert")->type_name("FILE");
  command->add_option("-o,--output", flags->output, "Model file to write")->required()->type_name("MODEL");
  command->add_option("--update", flags->update, "What an update gate near 1 does: new or keep")->type_name("KIND");
  command->add_option("--biases", flags->biases, "Bias vectors of a cell: 0, 1 or 2")->type_name("N");
  command
      ->add_option("--reset", flags->reset,
                   "Reset gate before or after the product: cannot be converted, and the reason is told")
      ->type_name("KIND");
  command
      ->add_option("--from-torch", flags->torch,
                   "A PyTorch state_dict saved as safetensors, to be loaded by name into a model like --like")
      ->type_name("FILE");
  command->add_option("--like", flags->like, "With --from-torch: the model whose sizes and vocabulary they are for")
      ->type_name("MODEL");
  command
      ->add_option("--prefix", flags->prefix,
                   "With --from-torch: what stands before its names in the model, such as encoder. for a bare nn.LSTM")
      ->type_name("TEXT");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
