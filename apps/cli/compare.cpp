// carousel compare: the same data and the same time for many models.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

#include "apps/cli/assignments.h"
#include "apps/cli/lab_report.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/table_flags.h"
#include "carousel/base/error.h"
#include "carousel/engine/compare.h"

namespace carousel::cli {

namespace {

struct CompareFlags {
  std::vector<std::string> data, dev, set;
  std::string task, config, equal = "width", folder;
  std::string cells = "rnn,lstm,gru";
  // Read through a table like any option: one rule for all numbers.
  std::vector<int64_t> num_layers = {1}, hidden_size = {128};
  double budget = 60;
  TableFlags table;
  ReportFlags report;
};

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) words.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

int run_compare(CompareFlags& flags) {
  flags.table.table.read_environment();  // flags come after it
  flags.table.apply();
  apply_threads(flags.report);
  engine::CompareRequest request;
  request.base.data = flags.data;
  request.base.dev = flags.dev;
  request.base.task = flags.task;
  request.base.config_file = flags.config;
  request.base.settings = read_assignments(flags.set);
  if (!flags.report.threads.empty()) request.base.settings.push_back({"threads", flags.report.threads, "--threads"});
  request.cells = words_of(flags.cells);
  request.num_layers = flags.num_layers;
  request.hidden_size = flags.hidden_size;
  request.budget = flags.budget;
  request.equal_parameters = flags.equal == "parameters";
  request.folder = flags.folder;
  return finish_report(engine::compare(request, report_observer()), flags.report);
}

}  // namespace

void add_compare(Program& program) {
  auto flags = std::make_shared<CompareFlags>();
  CLI::App* command = program.add(
      program.app(),
      {"compare", "Give many models the same data and the same time, and see which wins.",
       "carousel compare words.tsv --cells rnn,lstm,gru --budget 60                  # three trainings of a minute\n"
       "carousel compare words.tsv --cells lstm,gru --equal parameters              # not the same width\n"
       "carousel compare words.tsv --cells lstm --num-layers 1,2,4 --hidden-size 64,128 --json > grid.json\n"
       "carousel compare words.tsv --cells gru,gru:reset=after:update=keep         # conventions of one cell\n"
       "carousel compare words.tsv --budget 0 --set max_steps=500                    # the same steps in place of "
       "time"},
      [flags] { return run_compare(*flags); });
  command->add_option("DATA", flags->data, "Training data, as for `carousel train`")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  command->add_option("--dev", flags->dev, "Held-out data. Default: a share cut from DATA")
      ->allow_extra_args(false)
      ->type_name("FILE");
  command->add_option("--task", flags->task, "What to learn. Default: decided from DATA")->type_name("TASK");
  command->add_option("--config", flags->config, "TOML file of options, see `carousel config dump`")->type_name("FILE");
  command->add_option("--set", flags->set, "Set one option for all; may be given many times")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command
      ->add_option("--cells", flags->cells,
                   "Cells, joined by commas, with conventions joined by colons: gru:reset=after:update=keep. Default: "
                   "rnn,lstm,gru")
      ->type_name("NAMES");
  command
      ->add_option("--equal", flags->equal,
                   "What is equal beside data and budget: width, or parameters (as many as the first cell has)")
      ->check(CLI::IsMember({"width", "parameters"}))
      ->type_name("WHAT");
  command->add_option("--folder", flags->folder, "Keep the models here. Default: they are not kept")->type_name("DIR");
  OptionTable& table = flags->table.table;
  table.section("compare");
  table.add("num_layers", &flags->num_layers, "Depths.").range(1, 64);
  table.add("hidden_size", &flags->hidden_size, "Widths.").range(1, 65536);
  table.add("budget", &flags->budget, "Seconds for each training; 0: as --set max_steps or epochs say.").range(0, 1e9);
  flags->table.add_to(command);
  add_report_flags(command, flags->report);
}

}  // namespace carousel::cli
