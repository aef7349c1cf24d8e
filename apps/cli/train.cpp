// carousel train: learn from a file, write a model.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/cli/assignments.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/progress.h"
#include "apps/cli/text_input.h"
#include "carousel/base/error.h"
#include "carousel/base/profile.h"

namespace carousel::cli {

namespace {

struct TrainFlags {
  std::vector<std::string> data, dev, set;
  std::string output, task, columns, target, config;
  // Texts, because the option table reads and checks them: one rule for flags, --set, files and environment.
  std::string epochs, max_seconds, seed, threads, precision, horizon, window;
  bool resume = false, json = false, profile = false;
};

std::vector<engine::Setting> settings_of(const TrainFlags& flags) {
  std::vector<engine::Setting> settings = read_assignments(flags.set);
  const auto add = [&](const char* key, const std::string& value, const char* flag) {
    if (!value.empty()) settings.push_back({key, value, flag});
  };
  add("columns", flags.columns, "--columns");
  add("target", flags.target, "--target");
  add("epochs", flags.epochs, "--epochs");
  add("max_seconds", flags.max_seconds, "--max-seconds");
  add("seed", flags.seed, "--seed");
  add("threads", flags.threads, "--threads");
  add("precision", flags.precision, "--precision");
  add("horizon", flags.horizon, "--horizon");
  add("window", flags.window, "--window");
  return settings;
}

const char* outcome_name(engine::TrainReport::Outcome outcome) {
  switch (outcome) {
    case engine::TrainReport::Outcome::interrupted:
      return "interrupted";
    case engine::TrainReport::Outcome::already_finished:
      return "already_finished";
    case engine::TrainReport::Outcome::finished:
      break;
  }
  return "finished";
}

Json to_json(const engine::TrainReport& report, const std::string& resume_command) {
  Json json = {{"schema", "carousel/train@1"},
               {"outcome", outcome_name(report.outcome)},
               {"task", report.task},
               {"model", report.model_file},
               {"steps", report.steps},
               {"epochs", report.epochs},
               {"seconds", report.seconds},
               {"metric", report.metric},
               {"best_value", report.best_value},
               {"metrics", report.metrics},
               {"baseline", report.baseline.metrics},
               {"baseline_name", report.baseline.name},
               {"warnings", report.warnings},
               {"repeat_command", report.repeat_command}};
  if (!resume_command.empty()) {
    json["checkpoint"] = report.checkpoint_file;
    json["resume_command"] = resume_command;
  }
  return json;
}

/// Where the time went, as text for people.
void say_profile(const profile::Report& report) {
  const double all = report.seconds * report.threads;
  say(fmt::format("\nwhere the time of {} threads went, in {}:", report.threads, clock_text(report.seconds)));
  for (const profile::Row& row : report.rows) {
    std::string line =
        fmt::format("  {:<10} {:5.1f} % {:9.2f} s", row.name, all > 0 ? 100 * row.seconds / all : 0.0, row.seconds);
    if (row.operations > 0) line += fmt::format("   {:.1f} GFLOP/s a thread", row.operations / row.seconds / 1e9);
    say(line);
  }
}

Json to_json(const profile::Report& report) {
  Json rows = Json::object();
  for (const profile::Row& row : report.rows)
    rows[row.name] = {{"seconds", row.seconds}, {"calls", row.calls}, {"operations", row.operations}};
  return {{"seconds", report.seconds}, {"threads", report.threads}, {"parts", rows}};
}

void say_summary(const engine::TrainReport& report, const TrainFlags& flags, const std::string& program) {
  say(fmt::format("\n{}: {} steps, {:.1f} epochs, {}; best dev {} {}", report.model_file, report.steps, report.epochs,
                  clock_text(report.seconds), metric_title(report.metric),
                  metric_text(report.metric, report.best_value)));
  if (const auto rule = report.baseline.metrics.find(report.metric); rule != report.baseline.metrics.end())
    say(fmt::format("baseline: {} ({})", metric_text(report.metric, rule->second), report.baseline.name));
  for (const std::string& warning : report.warnings) say("warning: " + warning);
  if (!report.repeat_command.empty()) say("to repeat this run exactly: " + report.repeat_command);
  const std::string example = report.example.empty() ? first_input(flags.data.front()) : report.example;
  std::string look;
  if (!report.views.empty()) {
    std::vector<std::string> words = {program, "inspect", report.model_file, example};
    if (report.views.front() == "gates") words.emplace_back("--gates");
    look = "\n  " + shell_line(words);
  }
  std::string use;
  if (report.answers_files) {
    use = shell_line({program, "predict", report.model_file, example});
  } else {
    std::vector<std::string> predict = {program, "predict", report.model_file, "--nbest", "3"};
    // A tagger has one answer, and says in JSON how sure each tag is.
    if (report.task == "tag") predict = {program, "predict", report.model_file, "--json"};
    use = shell_line({"echo", example}) + " | " + shell_line(predict);
  }
  say("\nnext:\n  " + shell_line({program, "eval", report.model_file, "TEST_FILE"}) + "\n  " + use + look);
}

int run_train(const TrainFlags& flags, const std::vector<std::string>& arguments) {
  Interrupt::finish_first();
  engine::TrainRequest request;
  request.data = flags.data;
  request.dev = flags.dev;
  request.output = flags.output;
  request.task = flags.task;
  request.config_file = flags.config;
  request.settings = settings_of(flags);
  request.resume = flags.resume;
  request.profile = flags.profile;

  ProgressPrinter printer;
  const engine::TrainReport report = engine::Engine::train(request, printer);
  printer.finish();

  using Outcome = engine::TrainReport::Outcome;
  std::string resume_command;
  if (report.outcome == Outcome::interrupted) {
    std::vector<std::string> words = arguments;
    if (!flags.resume) words.emplace_back("--resume");
    resume_command = shell_line(words);
    say("interrupted; saved in " + report.checkpoint_file + ". To go on:\n  " + resume_command);
  } else if (report.outcome == Outcome::finished) {  // of a run that was finished before the engine has told
    say_summary(report, flags, arguments.front());
  }
  if (flags.profile) say_profile(report.profile);
  if (flags.json) {
    Json json = to_json(report, resume_command);
    if (flags.profile) json["profile"] = to_json(report.profile);
    print_json(json);
  }
  if (report.outcome != Outcome::interrupted) return kOk;
  return Interrupt::requested() ? Interrupt::exit_code() : kOther;
}

}  // namespace

void add_train(Program& program) {
  auto flags = std::make_shared<TrainFlags>();
  const CommandText text = {
      "train", "Learn from a file and write a model.",
      "carousel train words.tsv -o model.safetensors                      # one pair per line: input TAB output\n"
      "carousel train words.tsv -o model.safetensors --max-seconds 600    # stop in ten minutes; the schedule fits\n"
      "carousel train source.txt target.txt -o model.safetensors          # two files, line by line\n"
      "carousel train chats.csv -o model.safetensors --columns _,source,target   # a summary for each chat\n"
      "carousel train reviews.csv -o model.safetensors --columns label,text   # one label for each text\n"
      "carousel train recordings/ -o model.safetensors                    # a label for each recording\n"
      "carousel train spoken.tsv -o model.safetensors                     # the text of each recording\n"
      "carousel train words.conllu -o model.safetensors                   # a tag for each word\n"
      "carousel train sales.csv -o model.safetensors --horizon 12        # what comes next in columns of numbers\n"
      "carousel train metrics.csv --task detect -o watch.safetensors      # which rows are unusual\n"
      "carousel train words.tsv --dev dev.tsv -o m.safetensors --set hidden_size=256 --set dropout=0.3\n"
      "carousel train words.tsv -o model.safetensors --resume             # go on after Ctrl-C or a crash\n"
      "carousel config dump > run.toml                                    # all options with their meaning"};
  CLI::App* command =
      program.add(program.app(), text, [flags, &program] { return run_train(*flags, program.arguments()); });
  const auto each_alone = [](CLI::Option* option) { return option->allow_extra_args(false); };
  command->add_option("DATA", flags->data, "Training data: one file or folder, or two files that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  each_alone(command->add_option("--dev", flags->dev,
                                 "Held-out data that decides which weights are kept (twice for two files). "
                                 "Default: a share cut from DATA"))
      ->type_name("FILE");
  command->add_option("-o,--output", flags->output, "Model file to write")->required()->type_name("MODEL");
  command->add_option("--task", flags->task, "What to learn. Default: decided from DATA, and said")
      ->type_name(fmt::format("{}", fmt::join(tasks::task_names(), "|")));
  command
      ->add_option(
          "--columns", flags->columns,
          "Roles of columns, such as label,text,_ or source,target (_ to skip one). Default: decided from DATA")
      ->type_name("NAME,...");
  command->add_option("--target", flags->target, "Field of CoNLL-U to learn. Default: upos")
      ->type_name("upos|xpos|feats|deprel");
  command->add_option("--config", flags->config, "TOML file of options, see `carousel config dump`")->type_name("FILE");
  each_alone(command->add_option("--set", flags->set, "Set one option; may be given many times"))
      ->type_name("KEY=VALUE");
  command->add_option("--epochs", flags->epochs, "Passes over the data")->type_name("N");
  command->add_option("--max-seconds", flags->max_seconds, "Time to train; the schedule fits into it")->type_name("S");
  command->add_option("--horizon", flags->horizon, "Values that a forecaster gives")->type_name("N");
  command->add_option("--window", flags->window, "Values or words that a model reads at once")->type_name("N");
  command->add_option("--seed", flags->seed, "Seed of all random numbers")->type_name("N");
  command->add_option("--threads", flags->threads, "Threads; 0 for all cores")->type_name("N");
  command->add_option("--precision", flags->precision, "Operands of training's products: f32, bf16 or auto")
      ->type_name("NAME");
  command->add_flag("--resume", flags->resume, "Go on from the checkpoint beside MODEL, or start when there is none");
  command->add_flag("--profile", flags->profile, "Print at the end where the time went");
  command->add_flag("--json", flags->json, "Print one JSON object about the run to stdout at the end");
}

}  // namespace carousel::cli
