// carousel demo: makes a small data set, trains on it, scores and uses the model. Needs no data and no network.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "apps/cli/heat_map.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/progress.h"
#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/options.h"
#include "carousel/base/rng.h"
#include "carousel/engine/engine.h"

namespace carousel::cli {

namespace {

using Pair = std::pair<std::string, std::string>;

Pair reversed_letters(Rng& rng) {
  std::string letters;
  const uint64_t length = 3 + rng.below(6);
  for (uint64_t i = 0; i < length; ++i) letters += static_cast<char>('a' + rng.below(26));
  return {letters, std::string(letters.rbegin(), letters.rend())};
}

std::string below_thousand(uint64_t number) {
  constexpr std::array<const char*, 20> kSmall = {
      "",    "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
      "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  constexpr std::array<const char*, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                 "fifty", "sixty", "seventy", "eighty", "ninety"};
  const auto join = [](const std::string& left, const std::string& right) {
    return left + (left.empty() || right.empty() ? "" : " ") + right;
  };
  std::string words = number >= 100 ? std::string(kSmall[number / 100]) + " hundred" : "";
  number %= 100;
  if (number < 20) return join(words, kSmall[number]);
  return join(join(words, kTens[number / 10]), kSmall[number % 10]);
}

Pair number_in_words(Rng& rng) {
  const uint64_t number = 1 + rng.below(999999);
  std::string words = below_thousand(number % 1000);
  if (number >= 1000) words = below_thousand(number / 1000) + " thousand" + (words.empty() ? "" : " ") + words;
  return {std::to_string(number), words};
}

struct Demo {
  const char* name;
  const char* summary;
  Pair (*make)(Rng& rng);
};

constexpr std::array<Demo, 2> kDemos = {{{"reverse", "letters to the same letters backwards", reversed_letters},
                                         {"numbers", "digits to English words", number_in_words}}};

struct DemoFlags {
  std::string name, folder = "carousel-demo", seconds = "20";
};

/// Writes `count` pairs that stand in no file before. A file of that name that holds something else is the user's.
std::string make_file(const Demo& demo, const std::string& path, int64_t count, Rng& rng, std::set<std::string>& seen) {
  std::string text;
  while (count > 0) {
    const auto [input, output] = demo.make(rng);
    if (!seen.insert(input).second) continue;
    text += fmt::format("{}\t{}\n", input, output);
    --count;
  }
  std::error_code error;
  if (std::filesystem::exists(path, error) && read_file(path) != text) {
    throw ConfigError(fmt::format(
        "[demo] {} must not exist or be of an earlier demo; got a file with other content. Name another folder with "
        "--folder, or move the file away.",
        path));
  }
  atomic_write(path, text);
  return path;
}

const Demo& find_demo(const std::string& name) {
  std::vector<std::string> names;
  for (const Demo& demo : kDemos) {
    if (name == demo.name) return demo;
    names.emplace_back(demo.name);
  }
  const std::string candidate = nearest_name(name, names);
  throw ConfigError(fmt::format("[demo] there is no demo \"{}\". {}", name,
                                candidate.empty() ? "See `carousel demo`." : "Did you mean \"" + candidate + "\"?"));
}

void list_demos(const std::string& program) {
  std::string text = "demos, each about half a minute, with no data and no network:\n";
  for (const Demo& demo : kDemos) text += fmt::format("  {} demo {:<10} {}\n", program, demo.name, demo.summary);
  print(text);
}

void show_model(const Demo& demo, const std::string& model_file, const std::string& test_file, Rng& rng) {
  auto model = engine::Engine::load(model_file);
  const tasks::EvalReport score = model.evaluate({test_file}, {});
  std::string text = fmt::format("\non {} inputs that it never saw:\n", score.examples);
  for (const auto& [name, value] : score.metrics) {
    text += fmt::format("  {:<24} {}\n", metric_title(name), metric_text(name, value));
  }
  text += "\n";
  std::vector<Pair> pairs;
  std::vector<std::string> inputs;
  for (int i = 0; i < 5; ++i) pairs.push_back(demo.make(rng));
  for (const Pair& pair : pairs) inputs.push_back(pair.first);
  const auto predictions = model.predict(inputs, {});
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto& answers = predictions.at(i).hypotheses;
    const std::string answer = answers.empty() ? "" : answers.front().text;
    text += fmt::format("  {:<10} -> {}   {}\n", pairs[i].first, answer,
                        answer == pairs[i].second ? "right" : "wrong: " + pairs[i].second);
  }
  const HeatMapStyle style{choose_paint("auto"), terminal_columns(STDOUT_FILENO, 100)};
  text += "\nwhere it looked for " + inputs.front() + ":\n" + draw_heat_map(model.inspect(inputs.front(), {}), style);
  print(text);
}

int run_demo(const DemoFlags& flags, const std::string& program) {
  if (flags.name.empty()) {
    list_demos(program);
    return kOk;
  }
  const Demo& demo = find_demo(flags.name);
  std::error_code error;
  std::filesystem::create_directories(flags.folder, error);
  if (error) {
    throw ResourceError(fmt::format("[demo] the folder {} must be writable; got: {}. Name another with --folder.",
                                    flags.folder, error.message()));
  }
  Rng rng(1, 0);
  std::set<std::string> seen;
  const std::string stem = flags.folder + "/" + demo.name;
  const std::string train_file = make_file(demo, stem + ".tsv", 10000, rng, seen);
  const std::string test_file = make_file(demo, stem + "_test.tsv", 300, rng, seen);
  say(fmt::format("made {} with 10000 pairs ({}) and {} with 300 others", train_file, demo.summary, test_file));

  Interrupt::finish_first();
  engine::TrainRequest request;
  request.data = {train_file};
  request.output = stem + ".safetensors";
  request.settings = {{"max_seconds", flags.seconds, "--max-seconds"}, {"seed", "1", "carousel demo"}};
  ProgressPrinter printer;
  const auto report = engine::Engine::train(request, printer);
  printer.finish();
  if (report.outcome == engine::TrainReport::Outcome::interrupted) return Interrupt::exit_code();

  show_model(demo, report.model_file, test_file, rng);
  const std::string example = demo.make(rng).first;
  say("\nnext:\n  " + shell_line({program, "eval", report.model_file, test_file}) + "\n  " +
      shell_line({"echo", example}) + " | " + shell_line({program, "predict", report.model_file, "--nbest", "3"}) +
      "\n  " + shell_line({program, "train", train_file, "-o", report.model_file, "--max-seconds", "60"}));
  return kOk;
}

}  // namespace

void add_demo(Program& program) {
  auto flags = std::make_shared<DemoFlags>();
  CLI::App* command = program.add(program.app(),
                                  {"demo", "See it work on a small data set made on the spot.",
                                   "carousel demo            # the list\n"
                                   "carousel demo reverse    # half a minute: data, training, score, answers"},
                                  [flags, &program] { return run_demo(*flags, program.arguments().front()); });
  command->add_option("NAME", flags->name, "The demo to run; none: list them");
  command->add_option("--folder", flags->folder, "Where its files go")->type_name("DIR");
  command->add_option("--max-seconds", flags->seconds, "Time to train")->type_name("S");
}

}  // namespace carousel::cli
