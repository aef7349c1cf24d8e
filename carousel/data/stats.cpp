#include "carousel/data/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "carousel/data/any_data.h"
#include "carousel/data/choose.h"
#include "carousel/data/config.h"
#include "carousel/data/text_reader.h"
#include "carousel/data/text_symbols.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

using Counted = std::map<int64_t, int64_t>;  ///< value -> times

constexpr int64_t kMostWords = 1000000;  ///< different ones counted at a time
constexpr size_t kExamples = 5;

std::vector<std::pair<int64_t, int64_t>> list_of(const Counted& counts) {
  return {counts.begin(), counts.end()};
}

Coverage coverage_of(std::string name, std::string symbols, const SymbolCounts& counts) {
  Coverage coverage;
  coverage.name = std::move(name);
  coverage.symbols = std::move(symbols);
  coverage.running = counts.total();
  coverage.different = counts.size();
  coverage.missed = counts.missed();
  std::vector<int64_t> times;
  for (const auto& [symbol, count] : counts.symbols()) {
    times.push_back(count);
    coverage.once += count == 1;
  }
  std::sort(times.rbegin(), times.rend());
  int64_t top = 10, sum = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(times.size()); ++i) {
    sum += times[static_cast<size_t>(i)];
    if (i + 1 != top) continue;
    coverage.tops.push_back({top, static_cast<double>(sum) / static_cast<double>(coverage.running)});
    top *= 10;
  }
  return coverage;
}

void add_unknown(Coverage& coverage, const std::string& symbol, bool fresh) {
  ++coverage.dev_unknown;
  if (fresh && coverage.dev_examples.size() < kExamples) coverage.dev_examples.push_back(symbol);
}

Balance balance_of(std::string name, const SymbolCounts& counts) {
  Balance balance{std::move(name), counts.symbols()};
  std::stable_sort(balance.counts.begin(), balance.counts.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return balance;
}

void look_at_text(const std::vector<std::string>& files, const std::vector<std::string>& dev,
                  const ReadOptions& options, DataStats& stats) {
  const TextFiles text(files, options);
  SymbolCounts words(kMostWords);
  Counted lengths;
  int64_t characters = 0, blank = 0;
  text.each_line(0, text.lines(), [&](std::string_view line, int64_t) {
    const auto split = split_words(line);
    for (const std::string_view word : split) words.add(word);
    ++lengths[static_cast<int64_t>(split.size())];
    characters += count_code_points(line);
    blank += split.empty();
  });
  stats.counts = {
      {"lines", text.lines()}, {"blank lines", blank}, {"words", words.total()}, {"characters", characters}};
  stats.lengths.push_back(distribution_of("length of a line", "words", list_of(lengths)));
  Coverage coverage = coverage_of("text", "text: words between white space", words);
  if (!dev.empty()) {
    const TextFiles held_out(dev, options);
    SymbolCounts unknown(kMostWords);
    held_out.each_line(0, held_out.lines(), [&](std::string_view line, int64_t) {
      for (const std::string_view word : split_words(line)) {
        ++coverage.dev_running;
        if (words.count(word) > 0) continue;
        add_unknown(coverage, std::string(word), unknown.count(word) == 0);
        unknown.add(word);
      }
    });
    stats.counts.emplace_back("dev lines", held_out.lines());
  }
  stats.coverage.push_back(std::move(coverage));
}

std::vector<std::string_view> side_of(const PairData& data, bool source) {
  std::vector<std::string_view> texts;
  for (const PairExample& example : data.examples) texts.push_back(source ? example.source : example.target);
  return texts;
}

TokenPlan plan_side(const std::vector<std::string_view>& texts, DataKind kind, bool source) {
  if (kind == DataKind::pairs) return plan_tokens(texts, DataConfig(), source ? Side::source : Side::target);
  TextSymbols symbols;
  if (kind == DataKind::labels) return symbols.plan(texts);
  symbols.tokens = "words";
  symbols.letter_case = "keep";
  TokenPlan plan = symbols.plan(texts);
  plan.reason = "sentence: words, as they stand in the data";
  return plan;
}

void look_at_side(const PairData& data, const PairData& dev, DataKind kind, bool source, DataStats& stats) {
  const std::string name = !source                    ? "target"
                           : kind == DataKind::tags   ? "sentence"
                           : kind == DataKind::labels ? "text"
                                                      : "source";
  const auto texts = side_of(data, source);
  const TokenPlan plan = plan_side(texts, kind, source);
  const auto tokenizer = make_tokenizer(texts, plan, 1);
  SymbolCounts counts;
  Counted lengths;
  for (const std::string_view text : texts) {
    const auto symbols = tokenizer->cut(text);
    for (const std::string& symbol : symbols) counts.add(symbol);
    ++lengths[static_cast<int64_t>(symbols.size())];
  }
  stats.lengths.push_back(distribution_of(fmt::format("length of a {}", name),
                                          plan.kind.starts_with("word") ? "words"
                                          : learns_subwords(plan.kind)  ? "subwords"
                                                                        : plan.kind,
                                          list_of(lengths)));
  Coverage coverage = coverage_of(name, plan.reason, counts);
  std::unordered_set<std::string> unknown;
  for (const std::string_view text : side_of(dev, source))
    for (const std::string& symbol : tokenizer->cut(text)) {
      ++coverage.dev_running;
      if (!tokenizer->vocabulary().contains(symbol)) add_unknown(coverage, symbol, unknown.insert(symbol).second);
    }
  stats.coverage.push_back(std::move(coverage));
}

void look_at_pairs(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                   const DataPlan& plan, const ReadOptions& options, DataStats& stats) {
  TagData tags, dev_tags;
  const PairData data = read_as_pairs(files, plan, options, tags);
  PairData dev;
  if (!dev_files.empty()) dev = read_as_pairs(dev_files, plan_more(dev_files, plan, options), options, dev_tags);
  stats.counts.emplace_back(plan.kind == DataKind::tags ? "sentences" : "examples",
                            static_cast<int64_t>(data.examples.size()));
  stats.counts.emplace_back(plan.kind == DataKind::tags     ? "different sentences"
                            : plan.kind == DataKind::labels ? "different texts"
                                                            : "different sources",
                            static_cast<int64_t>(group_by_source(data).size()));
  if (plan.kind == DataKind::tags) stats.counts.emplace_back("tokens", tags.num_tokens());
  if (!dev_files.empty())
    stats.counts.emplace_back(plan.kind == DataKind::tags ? "dev sentences" : "dev examples",
                              static_cast<int64_t>(dev.examples.size()));
  if (data.examples.empty()) return;
  look_at_side(data, dev, plan.kind, true, stats);
  if (plan.kind == DataKind::pairs) {
    look_at_side(data, dev, plan.kind, false, stats);
    return;
  }
  SymbolCounts labels, intents;
  if (plan.kind == DataKind::labels)
    for (const PairExample& example : data.examples) labels.add(example.target);
  for (const TaggedSentence& sentence : tags.sentences) {
    for (const std::string& tag : sentence.tags) labels.add(tag);
    if (tags.has_intents()) intents.add(sentence.intent);
  }
  stats.balance.push_back(balance_of(plan.kind == DataKind::tags ? "tag" : "label", labels));
  if (intents.size() > 0) stats.balance.push_back(balance_of("intent", intents));
}

NumericColumn statistics_of(const std::string& name, const std::vector<double>& values) {
  NumericColumn column{name, static_cast<int64_t>(values.size())};
  if (values.empty()) return column;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  column.min = *low;
  column.max = *high;
  double mean = 0, squares = 0, count = 0;  // Welford 1962
  for (const double value : values) {
    const double off = value - mean;
    mean += off / ++count;
    squares += off * (value - mean);
  }
  column.mean = mean;
  column.deviation = std::sqrt(squares / count);
  return column;
}

void look_at_series(const std::vector<std::string>& files, const std::vector<std::string>& dev, const DataPlan& plan,
                    const ReadOptions& options, DataStats& stats) {
  Counted lengths;
  int64_t series = 0, values = 0, dev_series = 0, dev_values = 0;
  const SeriesFormat format = plan.of_series();
  const std::vector<std::string> tables = tables_of(files.front());
  for (const std::string& table : tables) {
    const SeriesSet set = read_series(table, plan_series(table, format, options), format, options);
    for (const Series& one : set.series) {
      ++lengths[one.length()];
      ++series;
      values += one.length();
      std::string name = one.name.empty() ? "value" : one.name;
      if (tables.size() > 1) name.insert(0, table + ": ");
      stats.columns.push_back(statistics_of(name, one.values));
    }
    stats.notes.insert(stats.notes.end(), set.notes.begin(), set.notes.end());
  }
  stats.counts = {{"series", series}, {"values", values}};
  if (!dev.empty()) {
    for (const std::string& table : tables_of(dev.front()))
      for (const Series& one : read_series(table, plan_series(table, format, options), format, options).series) {
        ++dev_series;
        dev_values += one.length();
      }
    stats.counts.emplace_back("dev series", dev_series);
    stats.counts.emplace_back("dev values", dev_values);
  }
  stats.lengths.push_back(distribution_of("length of a series", "values", list_of(lengths)));
}

void look_at_frames(const std::vector<std::string>& files, const std::vector<std::string>& dev, const DataPlan& plan,
                    const ReadOptions& options, DataStats& stats) {
  const FrameSet set = read_frames(files, plan.frames, {}, options);
  Counted lengths;
  SymbolCounts targets;
  std::vector<std::vector<double>> columns(static_cast<size_t>(set.width));
  int64_t frames = 0;
  for (const FrameExample& example : set.examples) {
    ++lengths[example.length];
    frames += example.length;
    if (!example.target.empty()) targets.add(example.target);
    for (size_t i = 0; i < example.values.size(); ++i)
      columns[i % columns.size()].push_back(static_cast<double>(example.values[i]));
  }
  stats.counts = {{"sequences", static_cast<int64_t>(set.examples.size())}, {"frames", frames}, {"width", set.width}};
  if (set.sample_rate > 0) stats.counts.emplace_back("samples a second", set.sample_rate);
  if (!dev.empty())
    stats.counts.emplace_back(
        "dev sequences",
        static_cast<int64_t>(read_frames(dev, plan_more(dev, plan, options).frames, {}, options).examples.size()));
  stats.lengths.push_back(distribution_of("length of a sequence", "frames", list_of(lengths)));
  if (targets.size() > 0) {
    if (plan.frames.transcripts) {
      stats.notes.push_back(fmt::format("{} different transcripts", targets.size()));
    } else {
      stats.balance.push_back(balance_of("label", targets));
    }
  }
  for (size_t c = 0; c < columns.size(); ++c)
    stats.columns.push_back(statistics_of(fmt::format("feature {}", c + 1), columns[c]));
  stats.notes.insert(stats.notes.end(), set.notes.begin(), set.notes.end());
}

}  // namespace

Distribution distribution_of(std::string name, std::string unit,
                             const std::vector<std::pair<int64_t, int64_t>>& counts) {
  Distribution d;
  d.name = std::move(name);
  d.unit = std::move(unit);
  const Counted sorted(counts.begin(), counts.end());
  for (const auto& [value, times] : sorted) {
    d.count += times;
    d.sum += value * times;
  }
  if (d.count == 0) return d;
  d.min = sorted.begin()->first;
  d.max = sorted.rbegin()->first;
  // The value at place `at` of all in order.
  const auto value_at = [&](int64_t at) {
    for (const auto& [value, times] : sorted)
      if ((at -= times) < 0) return value;
    return d.max;
  };
  d.median = value_at(d.count / 2);
  d.percentile_90 = value_at(d.count * 90 / 100);
  d.percentile_99 = value_at(d.count * 99 / 100);
  const int64_t span = d.percentile_99 - d.min + 1, width = (span + Distribution::kBins - 1) / Distribution::kBins;
  for (int64_t low = d.min; low <= d.percentile_99; low += width) d.bins.push_back({low, low + width - 1, 0});
  for (const auto& [value, times] : sorted)
    d.bins[std::min(static_cast<size_t>((value - d.min) / width), d.bins.size() - 1)].count += times;
  d.bins.back().high = std::max(d.bins.back().high, d.max);
  return d;
}

int64_t Balance::total() const {
  int64_t sum = 0;
  for (const auto& [label, count] : counts) sum += count;
  return sum;
}

double Balance::evenness() const {
  const auto all = static_cast<double>(total());
  double entropy = 0;
  for (const auto& [label, count] : counts) {
    const double share = static_cast<double>(count) / all;
    if (count > 0) entropy -= share * std::log(share);
  }
  return counts.empty() ? 1 : std::exp(entropy) / static_cast<double>(counts.size());
}

DataStats data_stats(const std::vector<std::string>& files, const std::vector<std::string>& dev,
                     const DataReading& reading) {
  const ReadOptions options;
  const DataPlan plan = plan_data(files, reading, options);
  DataStats stats;
  stats.kind = name_of(plan.kind);
  stats.format = plan.format;
  stats.reason = plan.reason;
  if (plan.kind == DataKind::text) {
    look_at_text(files, dev, options, stats);
  } else if (plan.kind == DataKind::series) {
    look_at_series(files, dev, plan, options, stats);
  } else if (plan.kind == DataKind::frames) {
    look_at_frames(files, dev, plan, options, stats);
  } else {
    look_at_pairs(files, dev, plan, options, stats);
  }
  return stats;
}

}  // namespace carousel::data
