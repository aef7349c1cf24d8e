// carousel data check: what a data file holds and what is wrong with it.
// carousel data split: cuts a file of pairs in two so that what belongs together stays on one side.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

#include "apps/cli/assignments.h"
#include "apps/cli/data_commands.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/base/text.h"
#include "carousel/data/check.h"
#include "carousel/data/corpus_folder.h"
#include "carousel/data/registry.h"
#include "carousel/data/split.h"

namespace carousel::cli {

namespace {

struct CheckFlags {
  std::vector<std::string> data, dev;
  ReadingFlags reading;
  bool json = false;
};

int run_check(const CheckFlags& flags) {
  std::vector<std::string> files = flags.data, dev = flags.dev;
  const std::string parts = data::take_corpus(files, dev);
  if (!parts.empty()) say(parts);
  const data::DataReport report =
      data::check(files, dev, data::DataConfig(), data::CheckDepth::full, flags.reading.read());
  if (flags.json) {
    print(report.to_json() + "\n");
  } else {
    std::string text;
    for (const std::string& sentence : report.sentences()) text += printable(sentence) + "\n";
    print(text);
  }
  return report.sound() ? kOk : kBadData;
}

struct SplitFlags {
  std::vector<std::string> data;
  std::string train, test, share, group, seed = "1";
};

/// The pairs as lines "source TAB target".
std::string lines_of(const data::PairData& pairs, const std::vector<int64_t>& indices) {
  std::string text;
  for (const int64_t index : indices) {
    const auto& example = pairs.examples[static_cast<size_t>(index)];
    text += example.source + "\t" + example.target + "\n";
  }
  return text;
}

/// Two names of one file, whether it exists or not.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error)) return true;
  // Made absolute first: of a relative path that does not exist nothing is resolved.
  const auto place = [&](const std::string& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  };
  return place(a) == place(b);
}

void refuse_overwriting(const SplitFlags& flags) {
  if (same_file(flags.train, flags.test)) {
    throw ConfigError(
        fmt::format("[data split] --train and --test must be two files; got {} for both. Name another.", flags.train));
  }
  for (const std::string& source : flags.data) {
    for (const std::string& part : {flags.train, flags.test}) {
      if (!same_file(source, part)) continue;
      throw ConfigError(
          fmt::format("[data split] a part must not overwrite the data; got {} for both. Name another file.", part));
    }
  }
}

int run_split(const SplitFlags& flags) {
  data::DataConfig config;
  int64_t seed = 1;
  OptionTable table;
  config.options(table);
  table.section("train");
  table.add("seed", &seed, "the seed that decides which groups are cut off.").range(0, 1e15);
  const auto set = [&](const char* key, const std::string& text, const char* flag) {
    if (!text.empty()) table.set(key, text, flag);
  };
  set("dev_share", flags.share, "--share");
  set("group", flags.group, "--group");
  set("seed", flags.seed, "--seed");
  refuse_overwriting(flags);
  const data::PairData pairs = data::read_pairs(flags.data, config.read_options(), config.format);
  const data::Split split = data::cut_dev(pairs, config, static_cast<uint64_t>(seed));
  atomic_write(flags.train, lines_of(pairs, split.train));
  atomic_write(flags.test, lines_of(pairs, split.dev));
  say(fmt::format("{} in {}: {} in {}, {} in {}", counted(static_cast<int64_t>(pairs.examples.size()), "pair"),
                  counted(split.groups, "group"), split.train.size(), flags.train, split.dev.size(), flags.test));
  return kOk;
}

void add_check(Program& program, CLI::App& group) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* command = program.add(
      group,
      {"check", "Show what a data file holds and what is wrong with it.",
       "carousel data check words.tsv                  # faults, duplicates, lengths, symbols\n"
       "carousel data check words.tsv --dev dev.tsv    # also what both have in common\n"
       "carousel data check log.csv --columns _,label,text\n"
       "carousel data check recordings/ --dev held_out/ # lengths, rates, silent, clipped and repeated ones\n"
       "carousel data check words.tsv --json           # exit code 3 when training would refuse"},
      [flags] { return run_check(*flags); });
  command->add_option("DATA", flags->data, "One file or folder, or two files that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  command->add_option("--dev", flags->dev, "Held-out data to compare with (twice for two files)")
      ->allow_extra_args(false)
      ->type_name("FILE");
  flags->reading.add_to(command);
  command->add_flag("--json", flags->json, "Print one JSON object");
}

void add_split(Program& program, CLI::App& group) {
  auto flags = std::make_shared<SplitFlags>();
  CLI::App* command =
      program.add(group,
                  {"split", "Cut a file of pairs in two; the same source stays on one side.",
                   "carousel data split words.tsv --train train.tsv --test test.tsv --share 0.05\n"
                   "carousel data split words.tsv --train train.tsv --test test.tsv --group stem    # by word family"},
                  [flags] { return run_split(*flags); });
  command->add_option("DATA", flags->data, "One file, or two that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  command->add_option("--train", flags->train, "Where the larger part goes")->required()->type_name("FILE");
  command->add_option("--test", flags->test, "Where the part cut off goes")->required()->type_name("FILE");
  command->add_option("--share", flags->share, "Share of the examples to cut off. Default: from the size of the data")
      ->type_name("X");
  command->add_option("--group", flags->group, "What stays together: source (the default) or stem")->type_name("KIND");
  command->add_option("--seed", flags->seed, "Another seed cuts off other groups")->type_name("N");
}

}  // namespace

void ReadingFlags::add_to(CLI::App* command) {
  command
      ->add_option("--columns", columns,
                   "Roles of a table's columns, such as label,text,_ or source,target or time,value,_ (_ to skip one). "
                   "Default: by names and values")
      ->type_name("NAME,...");
  command->add_option("--target", target, "Field of CoNLL-U that is learnt. Default: upos")
      ->type_name("upos|xpos|feats|deprel");
  data::DataReading all;
  OptionTable table;
  table.section("data");
  all.options(table);
  std::vector<std::string> keys;
  for (const Option& row : table.rows()) keys.push_back(row.name);
  command->add_option("--set", set, fmt::format("Say how to read, as in training: {}", fmt::join(keys, ", ")))
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

data::DataReading ReadingFlags::read() const {
  data::DataReading said = reading;
  OptionTable table;
  table.section("data");
  said.options(table);
  for (const engine::Setting& setting : read_assignments(set)) table.set(setting.key, setting.value, "--set");
  if (!columns.empty()) table.set("columns", columns, "--columns");
  if (!target.empty()) table.set("target", target, "--target");
  return said;
}

void add_data(Program& program) {
  CLI::App* group = program.add_group({"data", "Look at data files, split and convert them.",
                                       "carousel data check words.tsv\n"
                                       "carousel data stats words.tsv\n"
                                       "carousel data convert reviews.csv -o reviews.jsonl\n"
                                       "carousel data split words.tsv --train train.tsv --test test.tsv --share 0.05"});
  add_check(program, *group);
  add_data_stats(program, *group);
  add_split(program, *group);
  add_data_convert(program, *group);
}

}  // namespace carousel::cli
