// carousel data convert: from one file format to another, without losing anything silently.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

#include "apps/cli/data_commands.h"
#include "apps/cli/output.h"
#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/data/convert.h"
#include "carousel/data/unpack.h"

namespace carousel::cli {

namespace {

struct ConvertFlags {
  std::vector<std::string> data;
  std::string output, to;
  ReadingFlags reading;
  bool lossy = false;
};

int run_convert(const ConvertFlags& flags) {
  const std::string& output = flags.output;
  if (data::without_packing(output) != output)
    throw ConfigError(fmt::format(
        "[data convert] what is converted is written as it is; got the name {} of a packed file. Leave the ending out.",
        output));
  for (const std::string& source : flags.data) {
    std::error_code error;
    if (std::filesystem::equivalent(source, output, error))
      throw ConfigError(fmt::format(
          "[data convert] the output must not overwrite the data; got {} for both. Name another file.", output));
  }
  const std::string to = flags.to.empty() ? data::format_of_name(output) : flags.to;
  if (to.empty())
    throw ConfigError(
        fmt::format("[data convert] the format must be told; got the name {}, whose ending is none of a format. Say it "
                    "with --to.",
                    output));
  std::string text;
  const data::Conversion done = data::convert_data(flags.data, to, flags.lossy, flags.reading.read(), text);
  atomic_write(output, text);
  for (const std::string& lost : done.lost) say("left out: " + lost);
  say(fmt::format("{}: {} of {} ({}) as {} in {}", flags.data.front(), done.examples, done.kind, done.from, done.to,
                  output));
  return kOk;
}

}  // namespace

void add_data_convert(Program& program, CLI::App& group) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = program.add(
      group,
      {"convert", "Write a data file in another format; what cannot be said in it is an error.",
       "carousel data convert train.conllu -o train.conll                    # a token a line, its tag behind a tab\n"
       "carousel data convert reviews.csv -o reviews.txt --to fasttext       # __label__X text\n"
       "carousel data convert corpus.de corpus.en -o pairs.jsonl             # two aligned files as objects\n"
       "carousel data convert train.conllu -o train.conll --lossy            # leaves out lemmas and comments"},
      [flags] { return run_convert(*flags); });
  command->add_option("DATA", flags->data, "One file or folder, or two that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  command->add_option("-o,--output", flags->output, "Where the data goes")->required()->type_name("FILE");
  std::string formats;
  std::vector<std::string> names;
  for (const data::WrittenFormat& format : data::written_formats()) {
    formats += fmt::format("{}{} ({})", formats.empty() ? "" : ", ", format.name, format.summary);
    names.push_back(format.name);
  }
  command->add_option("--to", flags->to, fmt::format("Format: {}. Default: by the ending of the output", formats))
      ->check(CLI::IsMember(names))
      ->type_name("FORMAT");
  flags->reading.add_to(command);
  command->add_flag("--lossy", flags->lossy, "Leave out what the format cannot hold, and say what it was");
}

}  // namespace carousel::cli
