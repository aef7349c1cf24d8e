// carousel doctor: what is wrong with a model or with data.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <memory>

#include "apps/cli/assignments.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/text_input.h"
#include "carousel/base/error.h"
#include "carousel/engine/doctor.h"

namespace carousel::cli {

namespace {

struct DoctorFlags {
  std::vector<std::string> files, dev, set;
  std::string task, columns;
  bool json = false;
};

/// Model files begin with the length of a JSON object in eight bytes, and then the object.
bool is_model(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char first[9] = {};
  file.read(first, sizeof first);
  return file.gcount() == sizeof first && first[8] == '{' && first[7] == 0 && first[6] == 0;
}

/// Says what is decided, and no more.
class Listener final : public engine::Observer {
 public:
  void message(const std::string& sentence) override { say(sentence); }
  void progress(const train::Progress&) override {}
  bool stop_requested() override { return Interrupt::requested(); }
};

std::vector<engine::Finding> examine(const DoctorFlags& flags) {
  if (is_model(flags.files.front())) {
    auto model = engine::Engine::load(flags.files.front());
    std::vector<std::string> lines;
    if (flags.files.size() > 1) {
      LineSource source(flags.files[1]);
      for (std::vector<std::string> some; source.next(&some, 1024);)
        lines.insert(lines.end(), some.begin(), some.end());
    }
    return engine::examine_model(model, lines);
  }
  engine::TrainRequest request;
  request.data = flags.files;
  request.dev = flags.dev;
  request.task = flags.task;
  request.write = false;
  request.settings = read_assignments(flags.set);
  if (!flags.columns.empty()) request.settings.push_back({"columns", flags.columns, "--columns"});
  Interrupt::finish_first();
  Listener listener;
  return engine::examine_data(request, listener);
}

int run_doctor(const DoctorFlags& flags) {
  const std::vector<engine::Finding> findings = examine(flags);
  if (Interrupt::requested()) return Interrupt::exit_code();
  bool ill = false;
  Json list = Json::array();
  std::string text;
  for (const engine::Finding& finding : findings) {
    ill = ill || finding.verdict == engine::Finding::Verdict::ill;
    const std::string verdict = engine::verdict_name(finding.verdict);
    list.push_back({{"check", finding.check}, {"verdict", verdict}, {"text", finding.text}, {"lines", finding.lines}});
    text += fmt::format("{:<10}  {}: {}\n", verdict, finding.check, printable(finding.text));
    for (const std::string& line : finding.lines) text += fmt::format("{:<12}{}\n", "", printable(line));
  }
  if (flags.json) {
    print_json({{"schema", "carousel/doctor@1"}, {"findings", list}});
  } else {
    print(text);
  }
  return ill ? kOther : kOk;
}

}  // namespace

void add_doctor(Program& program) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::App* command =
      program.add(program.app(),
                  {"doctor", "Examine a model by its answers, or data by what a model could learn from it.",
                   "carousel doctor model.safetensors inputs.txt    # padding, sameness, loops, gates, attention\n"
                   "carousel doctor data.tsv                        # can the model learn one batch by heart?\n"
                   "carousel doctor reviews.csv --columns text,label --json"},
                  [flags] { return run_doctor(*flags); });
  command
      ->add_option(
          "FILE", flags->files,
          "A model and a file of inputs, as predict takes them; or training data: one file, or two that belong "
          "line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  command->add_option("--dev", flags->dev, "Of data: held-out data, as for train (twice for two files)")
      ->allow_extra_args(false)
      ->type_name("FILE");
  command->add_option("--task", flags->task, "Of data: the task, where the file does not say it")->type_name("NAME");
  command->add_option("--columns", flags->columns, "Of data: the roles of the columns")->type_name("NAMES");
  command->add_option("--set", flags->set, "Of data: key=value of an option, as for train; may be given many times")
      ->expected(1)
      ->take_all()
      ->type_name("KEY=VALUE");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
