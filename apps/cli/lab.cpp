// carousel lab: experiments on what recurrent cells can do, on problems made on the spot.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "apps/cli/lab_report.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "apps/cli/table_flags.h"
#include "carousel/base/error.h"
#include "carousel/data/text_reader.h"
#include "carousel/data/unpack.h"
#include "carousel/engine/model_gradients.h"
#include "carousel/tasks/lab/capacity.h"
#include "carousel/tasks/lab/gradients.h"
#include "carousel/tasks/lab/memory.h"
#include "carousel/tasks/lab/timing.h"

namespace carousel::cli {

namespace {

/// The flags of one experiment with the options they set.
template <class Options>
struct LabFlags {
  Options options;
  TableFlags table;
  ReportFlags report;
};

/// A command for an experiment whose options are all in its table.
template <class Options>
void add_experiment(Program& program, CLI::App& group, const CommandText& text,
                    tasks::lab::Report (*run)(const Options&, const tasks::lab::Observer&)) {
  auto flags = std::make_shared<LabFlags<Options>>();
  flags->options.options(flags->table.table);
  CLI::App* command = program.add(group, text, [flags, run] {
    flags->table.table.read_environment();  // flags come after it
    flags->table.apply();
    apply_threads(flags->report);
    return finish_report(run(flags->options, report_observer()), flags->report);
  });
  flags->table.add_to(command);
  add_report_flags(command, flags->report);
}

/// Whether words that name no file were meant to: one word with a slash or an extension, or any with one of a text.
bool looks_like_path(const std::string& words) {
  const std::string extension = std::filesystem::path(words).extension().string();
  if (words.find_first_of(" \t\n") == std::string::npos)
    return words.find('/') != std::string::npos || (extension.size() > 1 && words.size() > extension.size());
  const std::vector<std::string> known = {".csv", ".gz", ".json", ".jsonl", ".md", ".safetensors", ".tsv", ".txt"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

/// "Did you mean ...?" with a file of the same folder, or what else to do.
std::string remedy_for(const std::filesystem::path& missing) {
  const std::filesystem::path folder = missing.parent_path();
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  const std::string near = nearest_name(missing.filename().string(), names);
  return near.empty() ? "Check the path." : fmt::format("Did you mean \"{}\"?", (folder / near).string());
}

/// A file's lines, or the words themselves when they name none.
std::string text_of(const std::string& words) {
  std::error_code error;
  if (!std::filesystem::exists(words, error)) {
    if (!looks_like_path(words)) return words;
    throw ConfigError(
        fmt::format("[lab] a text to look at must be a file or the words themselves; got \"{:.200}\", "
                    "which looks like a file and is none. {}",
                    words, remedy_for(words)));
  }
  if (std::filesystem::path(words).extension() == ".safetensors")
    throw ConfigError(
        fmt::format("[lab] a model needs a line to look at; got {} alone. Write the line after it.", words));
  data::ReadOptions options;
  options.max_line_bytes = data::UnpackLimits::in_force().most_read();  // a book may be one line
  std::string text;
  const data::TextFiles file({words}, options);
  file.each_line(0, file.lines(), [&](std::string_view line, int64_t) { text.append(line) += '\n'; });
  if (!text.empty()) text.pop_back();
  return text;
}

/// A line for a model: the words themselves, or of a file the first column of its first line that is not empty.
std::string line_of(const std::string& words) {
  std::error_code error;
  if (std::filesystem::is_directory(words, error)) return words;  // a word may be called like one
  std::string text = text_of(words);
  if (!std::filesystem::exists(words, error)) return text;
  const size_t begin = std::min(text.find_first_not_of('\n'), text.size());
  std::string line = text.substr(begin, text.find_first_of("\t\n", begin) - begin);
  say(fmt::format("line: \"{}\", the first of {}", line, words));
  return line;
}

/// Settings of the experiment, wherever they come from, say nothing about a trained model.
void refuse_settings(const OptionTable& table) {
  for (const Option& row : table.rows())
    if (!row.is_default())
      throw ConfigError(
          fmt::format("[{}] {} belongs to the experiment on a text; got {} = {} with a model and a line. Leave it out.",
                      row.origin, row.name, row.name, row.value_text()));
}

void add_gradients(Program& program, CLI::App& lab) {
  struct Flags : LabFlags<tasks::lab::GradientOptions> {
    std::vector<std::string> words;
  };
  auto flags = std::make_shared<Flags>();
  flags->options.options(flags->table.table);
  CLI::App* command = program.add(
      lab,
      {"gradients", "How far an error flows back: norms of dL/dh and dL/dc, and the product of forget gates.",
       "carousel lab gradients book.txt                                  # rnn, lstm and gru on the same text\n"
       "carousel lab gradients --cells lstm,peephole_lstm --distance 200 book.txt\n"
       "carousel lab gradients --cells gru,gru:reset=after book.txt      # conventions of one cell\n"
       "carousel lab gradients --steps 0 book.txt                        # with the first weights only\n"
       "carousel lab gradients model.safetensors \"a line of text\"         # through your own model\n"
       "carousel lab gradients book.txt --png gradients.png --json > gradients.json"},
      [flags] {
        flags->table.table.read_environment();  // flags come after it
        flags->table.apply();
        apply_threads(flags->report);
        if (flags->words.size() == 2) {
          refuse_settings(flags->table.table);
          return finish_report(engine::model_gradients(flags->words[0], line_of(flags->words[1])), flags->report);
        }
        const std::string text = text_of(flags->words[0]);
        return finish_report(tasks::lab::gradient_experiment(flags->options, text, report_observer()), flags->report);
      });
  command
      ->add_option("TEXT", flags->words,
                   "A text file, or the text itself; or a model file and a line for it, or a file whose first "
                   "line it is")
      ->required()
      ->expected(1, 2);
  flags->table.add_to(command);
  add_report_flags(command, flags->report);
}

}  // namespace

void add_lab(Program& program) {
  CLI::App* lab = program.add_group({"lab", "Experiments: how far cells remember, and how errors flow back.",
                                     "carousel lab memory                # adding, copy and recall against distance\n"
                                     "carousel lab gradients book.txt    # how far an error flows back\n"
                                     "carousel lab timing                # peepholes on and off\n"
                                     "carousel lab capacity              # how much a state of fixed size holds"});
  add_experiment<tasks::lab::MemoryOptions>(
      program, *lab,
      {"memory", "How far back a cell remembers: adding, copying, recalling at a distance.",
       "carousel lab memory                                               # everything, below 10 minutes on two cores\n"
       "carousel lab memory --problems adding --lengths 50 --cells rnn,lstm  # a first look\n"
       "carousel lab memory --problems recall --png recall.png\n"
       "carousel lab memory --json > memory.json"},
      tasks::lab::memory_experiment);
  add_gradients(program, *lab);
  add_experiment<tasks::lab::TimingOptions>(
      program, *lab,
      {"timing", "Counting pulses and keeping a rhythm, peepholes on and off.",
       "carousel lab timing                                         # lstm and peephole_lstm\n"
       "carousel lab timing --problems rhythm --periods 10,20,30 --seeds 5\n"
       "carousel lab timing --cells lstm,gru,rnn --json > timing.json"},
      tasks::lab::timing_experiment);
  add_experiment<tasks::lab::CapacityOptions>(
      program, *lab,
      {"capacity", "Streams of 10 to 10,000 tokens through a state of fixed size: its memory, and what it recalls.",
       "carousel lab capacity\n"
       "carousel lab capacity --hidden-size 64 --cells lstm --png capacity.png\n"
       "carousel lab capacity --json > capacity.json"},
      tasks::lab::capacity_experiment);
}

}  // namespace carousel::cli
