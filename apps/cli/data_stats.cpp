// carousel data stats: counts, lengths, coverage, balance and ranges of data, with pictures in the terminal.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

#include "apps/cli/data_commands.h"
#include "apps/cli/output.h"
#include "apps/cli/terminal.h"
#include "carousel/base/text.h"
#include "carousel/data/corpus_folder.h"
#include "carousel/data/stats.h"

namespace carousel::cli {

namespace {

constexpr size_t kShownLabels = 20;
constexpr size_t kShownColumns = 40;

struct StatsFlags {
  std::vector<std::string> data, dev;
  ReadingFlags reading;
  std::string color = "auto";
  bool json = false;
};

/// A bar of `share` of `width` columns: '#', or blocks to an eighth of a column where the terminal has them.
std::string bar(double share, int64_t width, Paint paint) {
  static const char* const kEighths[] = {"",
                                         "\xE2\x96\x8F",
                                         "\xE2\x96\x8E",
                                         "\xE2\x96\x8D",
                                         "\xE2\x96\x8C",
                                         "\xE2\x96\x8B",
                                         "\xE2\x96\x8A",
                                         "\xE2\x96\x89"};
  const double exact = share * static_cast<double>(width);
  const auto full = static_cast<int64_t>(exact);
  std::string text;
  for (int64_t i = 0; i < full; ++i) text += paint == Paint::ascii ? "#" : "\xE2\x96\x88";
  const auto eighths = static_cast<size_t>((exact - static_cast<double>(full)) * 8);
  if (paint != Paint::ascii)
    return text + (text.empty() && share > 0 && eighths == 0 ? kEighths[1] : kEighths[eighths]);
  return text.empty() && share > 0 ? "." : text;
}

/// Rows of name, number and bar.
struct Bars {
  struct Row {
    std::string name, number;
    double size = 0;
  };
  std::vector<Row> rows;

  std::string draw(int64_t columns, Paint paint) const {
    int64_t names = 0, numbers = 0;
    double largest = 0;
    for (const Row& row : rows) {
      names = std::max(names, std::min<int64_t>(display_width(row.name), 30));
      numbers = std::max(numbers, display_width(row.number));
      largest = std::max(largest, row.size);
    }
    const int64_t width = std::max<int64_t>(10, std::min<int64_t>(columns, 100) - names - numbers - 7);
    std::string text;
    for (const Row& row : rows) {
      text += fmt::format("  {}  {}", pad_left(row.name, names), pad_left(row.number, numbers));
      if (row.size > 0) text += "  " + bar(row.size / largest, width, paint);
      text += "\n";
    }
    return text;
  }
};

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string text_of(const data::Distribution& d, int64_t columns, Paint paint) {
  std::string text = fmt::format("{} in {}: {} to {}, mean {:.1f}, median {}, 90 % up to {}, 99 % up to {}\n", d.name,
                                 d.unit, d.min, d.max, d.mean(), d.median, d.percentile_90, d.percentile_99);
  Bars bars;
  for (const auto& bin : d.bins)
    bars.rows.push_back({bin.low == bin.high ? fmt::format("{}", bin.low) : fmt::format("{}-{}", bin.low, bin.high),
                         fmt::format("{}", bin.count), static_cast<double>(bin.count)});
  return text + bars.draw(columns, paint);
}

std::string text_of(const data::Coverage& c) {
  std::string text = c.symbols + "\n";
  text += fmt::format("  {} symbols, {}{} different ones, {} of them once\n", c.running,
                      c.missed > 0 ? "more than " : "", c.different, c.once);
  for (const auto& top : c.tops)
    text += fmt::format("  the {} most frequent: {} of the text\n", top.symbols, percent(top.share));
  if (c.dev_running == 0) return text;
  text += fmt::format("  dev: {} of {} symbols are not in the training data ({})", c.dev_unknown, c.dev_running,
                      percent(static_cast<double>(c.dev_unknown) / static_cast<double>(c.dev_running)));
  if (!c.dev_examples.empty()) text += fmt::format(": {}", fmt::join(c.dev_examples, " "));
  return text + "\n";
}

std::string text_of(const data::Balance& b, int64_t columns, Paint paint) {
  const int64_t total = b.total();
  std::string text = fmt::format("{}, evenness {:.2f} (1: all equally frequent)\n",
                                 counted(static_cast<int64_t>(b.counts.size()), "different " + b.name), b.evenness());
  Bars bars;
  for (size_t i = 0; i < std::min(b.counts.size(), kShownLabels); ++i) {
    const auto& [label, count] = b.counts[i];
    bars.rows.push_back(
        {label, fmt::format("{} ({})", count, percent(static_cast<double>(count) / static_cast<double>(total))),
         static_cast<double>(count)});
  }
  text += bars.draw(columns, paint);
  if (b.counts.size() > kShownLabels) text += fmt::format("  and {} rarer ones\n", b.counts.size() - kShownLabels);
  return text;
}

std::string text_of(const std::vector<data::NumericColumn>& columns) {
  int64_t names = 0;
  for (const auto& column : columns) names = std::max(names, std::min<int64_t>(display_width(column.name), 40));
  std::string text = "ranges\n";
  for (size_t i = 0; i < std::min(columns.size(), kShownColumns); ++i) {
    const auto& c = columns[i];
    text += fmt::format("  {}  {:g} to {:g}, mean {:.4g}, standard deviation {:.4g}{}\n", pad_right(c.name, names),
                        c.min, c.max, c.mean, c.deviation, c.min == c.max ? ": constant" : "");
  }
  if (columns.size() > kShownColumns) text += fmt::format("  and {} more\n", columns.size() - kShownColumns);
  return text;
}

int run_stats(const StatsFlags& flags) {
  std::vector<std::string> files = flags.data, dev = flags.dev;
  const std::string parts = data::take_corpus(files, dev);
  if (!parts.empty()) say(parts);
  const data::DataStats stats = data::data_stats(files, dev, flags.reading.read());
  if (flags.json) {
    print(stats.to_json() + "\n");
    return kOk;
  }
  const Paint paint = choose_paint(flags.color);
  const int64_t columns = terminal_columns(STDOUT_FILENO, 100);
  std::string text = fmt::format("{} ({}: {})\n", stats.kind, stats.format, stats.reason), counts;
  for (const auto& [name, count] : stats.counts)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, name);
  text += counts + "\n";
  for (const auto& lengths : stats.lengths)
    if (lengths.count > 0) text += "\n" + text_of(lengths, columns, paint);
  for (const auto& coverage : stats.coverage) text += "\n" + text_of(coverage);
  for (const auto& balance : stats.balance) text += "\n" + text_of(balance, columns, paint);
  if (!stats.columns.empty()) text += "\n" + text_of(stats.columns);
  for (const std::string& note : stats.notes) text += "note: " + note + "\n";
  print(printable(text));
  return kOk;
}

}  // namespace

void add_data_stats(Program& program, CLI::App& group) {
  auto flags = std::make_shared<StatsFlags>();
  CLI::App* command = program.add(
      group,
      {"stats", "Show how data is spread: counts, lengths, vocabulary, labels, ranges.",
       "carousel data stats words.tsv                    # lengths of both sides, coverage of their symbols\n"
       "carousel data stats reviews.csv --dev dev.csv    # label balance, and the share of unknown words in dev\n"
       "carousel data stats big.txt.zst --json           # running text of any size"},
      [flags] { return run_stats(*flags); });
  command->add_option("DATA", flags->data, "One file or folder, or two files that belong line to line")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE");
  command->add_option("--dev", flags->dev, "Held-out data to compare with (twice for two files)")
      ->allow_extra_args(false)
      ->type_name("FILE");
  flags->reading.reading.series.missing = "interpolate";  // holes are told: this is a look at the data
  flags->reading.add_to(command);
  command->add_option("--color", flags->color, "Blocks or ASCII: auto (by the locale), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
