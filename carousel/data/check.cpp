#include "carousel/data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "carousel/base/error.h"
#include "carousel/data/any_data.h"
#include "carousel/data/check_frames.h"
#include "carousel/data/check_series.h"
#include "carousel/data/check_text.h"
#include "carousel/data/choose.h"
#include "carousel/data/labels.h"
#include "carousel/data/lengths.h"
#include "carousel/data/registry.h"
#include "carousel/data/spans.h"
#include "carousel/data/split.h"
#include "carousel/data/tags.h"
#include "carousel/data/text_symbols.h"

namespace carousel::data {

namespace {

std::string line_of(const PairData& data, const PairExample& example) {
  return fmt::format("{}:{}", data.files[static_cast<size_t>(example.file)], example.line);
}

/// Source and target as one key; no text holds a NUL byte.
std::string key_of(const PairExample& example) {
  return example.source + '\0' + example.target;
}

void look_for_suspicious(const PairData& data, bool source, SideReport& report) {
  for (const PairExample& example : data.examples) {
    const std::string& text = source ? example.source : example.target;
    for (const std::string_view c : code_points(text)) {
      if (!is_suspicious(first_code_point(c))) continue;
      report.suspicious.add(
          fmt::format("{}: U+{:04X}", line_of(data, example), static_cast<uint32_t>(first_code_point(c))));
      break;
    }
  }
}

std::vector<std::string_view> texts_of(const PairData& data, bool source) {
  std::vector<std::string_view> texts;
  for (const PairExample& example : data.examples) texts.push_back(source ? example.source : example.target);
  return texts;
}

TokenPlan plan_side(const std::vector<std::string_view>& texts, const DataConfig& config, const std::string& name) {
  if (name == "text") return TextSymbols().plan(texts);
  if (name != "sentence") return plan_tokens(texts, config, name == "source" ? Side::source : Side::target);
  TextSymbols words;
  words.tokens = "words";
  words.letter_case = "keep";
  TokenPlan plan = words.plan(texts);
  plan.reason = "sentence: words, as they stand in the data";
  return plan;
}

/// Fills a report; the tokenizer that training would use comes back.
std::unique_ptr<Tokenizer> look_at_side(const PairData& data, const PairData& dev, const DataConfig& config,
                                        SideReport& report) {
  const bool source = report.name != "target";
  const std::vector<std::string_view> texts = texts_of(data, source);
  const TokenPlan plan = plan_side(texts, config, report.name);
  report.tokens = plan.reason;
  std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(texts, plan, 1);
  const Vocabulary& vocabulary = tokenizer->vocabulary();
  report.inventory = vocabulary.size() - Vocabulary::kMarkers;
  std::vector<int64_t> counts(static_cast<size_t>(vocabulary.size())), lengths;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto ids = tokenizer->encode(texts[i]);
    for (const int32_t id : ids) ++counts[static_cast<size_t>(id)];
    lengths.push_back(static_cast<int64_t>(ids.size()));
    report.symbols += lengths.back();
    if (lengths.back() > report.length_max) {
      report.length_max = lengths.back();
      report.longest_line = data.examples[i].line;
    }
  }
  for (int32_t id = Vocabulary::kMarkers; id < vocabulary.size(); ++id) {
    if (counts[static_cast<size_t>(id)] == 1) report.once.add(tokenizer->symbols(std::vector<int32_t>{id}).front());
  }
  std::sort(lengths.begin(), lengths.end());
  report.length_min = lengths.front();
  report.length_median = lengths[lengths.size() / 2];
  report.length_99 = lengths[lengths.size() * 99 / 100];
  look_for_suspicious(data, source, report);
  std::set<std::string> unseen;
  for (const PairExample& example : dev.examples) {
    for (std::string& symbol : tokenizer->unknown_symbols(source ? example.source : example.target)) {
      unseen.insert(std::move(symbol));
    }
  }
  for (const std::string& symbol : unseen) report.unseen.add(symbol);
  return tokenizer;
}

void look_at_lengths(const PairData& data, const PairTokenizers& tokenizers, int64_t max_length, DataReport& report) {
  std::vector<int64_t> all(data.examples.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  const LengthCut cut = cut_long(data, all, tokenizers, max_length);
  for (const int64_t i : cut.dropped) report.too_long.add(line_of(data, data.examples[static_cast<size_t>(i)]));
  require_kept(data, cut, max_length);
}

void set_labels(const SymbolCounts& counts, DataReport& report) {
  report.labels = counts.symbols();
  std::stable_sort(report.labels.begin(), report.labels.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [label, count] : report.labels)
    if (count == 1) report.target.once.add(label);
}

void look_at_labels(const PairData& data, const PairData& dev, DataReport& report) {
  SymbolCounts counts;
  for (const PairExample& example : data.examples) counts.add(example.target);
  set_labels(counts, report);
  std::set<std::string_view> unseen;
  for (const PairExample& example : dev.examples)
    if (counts.count(example.target) == 0) unseen.insert(example.target);
  for (const std::string_view label : unseen) report.target.unseen.add(std::string(label));
}

void look_at_text_lengths(const PairData& data, const Tokenizer& tokenizer, int64_t max_length, DataReport& report) {
  for (const PairExample& example : data.examples)
    if (static_cast<int64_t>(tokenizer.encode(example.source).size()) > max_length)
      report.too_long.add(line_of(data, example));
}

void look_at_tags(const TagData& data, const TagData& dev, DataReport& report) {
  SymbolCounts counts;
  for (const TaggedSentence& sentence : data.sentences)
    for (const std::string& tag : sentence.tags) counts.add(tag);
  set_labels(counts, report);
  std::set<std::string_view> unseen;
  for (const TaggedSentence& sentence : dev.sentences)
    for (const std::string& tag : sentence.tags)
      if (counts.count(tag) == 0) unseen.insert(tag);
  for (const std::string_view tag : unseen) report.target.unseen.add(std::string(tag));
  const TagScheme scheme = detect_scheme(data.tags());
  report.scheme = name_of(scheme);
  for (const TagData* side : {&data, &dev}) {
    for (const TaggedSentence& sentence : side->sentences) {
      for (size_t i = 0; i <= sentence.tags.size(); ++i) {
        const std::string before = i > 0 ? sentence.tags[i - 1] : "",
                          tag = i < sentence.tags.size() ? sentence.tags[i] : "";
        if (may_follow(scheme, before, tag)) continue;
        const size_t at = std::min(i, sentence.tags.size() - 1);
        report.illegal.add(fmt::format("{}:{}:{}: {} {}", side->file, sentence.lines[at], sentence.columns[at],
                                       tag.empty() ? before : tag,
                                       tag.empty()      ? "at the end of a sentence"
                                       : before.empty() ? "at the beginning of a sentence"
                                                        : "behind " + before));
      }
    }
  }
}

/// The demands of training, by the functions that training calls. Throws DataError.
void demand_what_training_does(const PairData& data, const PairData* dev, const DataConfig& config) {
  require_learnable(data);
  if (dev) {
    require_dev(*dev);
  } else {
    cut_dev(data, config, 1);
  }
}

void look_at_pairs(const PairData& data, DataReport& report) {
  std::unordered_map<std::string, int64_t> first_line;
  for (const PairExample& example : data.examples) {
    const auto [place, fresh] = first_line.try_emplace(key_of(example), example.line);
    if (!fresh) {
      report.duplicates.add(
          fmt::format("{} repeats line {}: {}", line_of(data, example), place->second, clip_quoted(example.source)));
    }
  }
  const auto questions = group_by_source(data);
  report.sources = static_cast<int64_t>(questions.size());
  std::set<std::string_view> all_targets;
  for (const Question& question : questions) {
    std::set<std::string_view> targets;
    for (const int64_t i : question.examples) targets.insert(data.examples[static_cast<size_t>(i)].target);
    if (targets.size() > 1) {
      report.ambiguous.add(fmt::format("{} has {}", clip_quoted(question.source), targets.size()));
    }
    if (all_targets.size() < 2) all_targets.insert(targets.begin(), targets.end());
  }
  report.constant_target = data.examples.size() > 1 && all_targets.size() == 1;
}

DevReport look_at_dev(const PairData& data, const PairData& dev) {
  DevReport report;
  report.examples = static_cast<int64_t>(dev.examples.size());
  std::unordered_set<std::string_view> sources;
  std::unordered_set<std::string> pairs;
  for (const PairExample& example : data.examples) {
    sources.insert(example.source);
    pairs.insert(key_of(example));
  }
  for (const PairExample& example : dev.examples) {
    if (sources.contains(example.source)) ++report.sources_in_train;
    if (pairs.contains(key_of(example))) {
      report.leaked.add(fmt::format("{}: {}", line_of(dev, example), clip_quoted(example.source)));
    }
  }
  return report;
}

/// The names of both sides in a report.
void name_sides(DataKind kind, DataReport& report) {
  report.source.name = kind == DataKind::tags ? "sentence" : kind == DataKind::labels ? "text" : "source";
  report.target.name = kind == DataKind::tags ? "tag" : kind == DataKind::labels ? "label" : "target";
}

/// Symbols, lengths and what training would refuse.
void look_closely(const PairData& data, const PairData& dev, const TagData& tags, const TagData& dev_tags,
                  DataKind kind, const DataConfig& config, DataReport& report) {
  if (!data.examples.empty()) {
    const auto source = look_at_side(data, dev, config, report.source);
    if (kind == DataKind::tags) {
      look_at_tags(tags, dev_tags, report);
      require_taggable(tags);
    } else if (kind == DataKind::labels) {
      look_at_labels(data, dev, report);
      look_at_text_lengths(data, *source, default_max_length(*source), report);
    } else {
      const auto target = look_at_side(data, dev, config, report.target);
      look_at_lengths(data, {*source, *target}, config.max_length, report);
    }
  }
  demand_what_training_does(data, report.has_dev ? &dev : nullptr, config);
}

/// Tagged sentences, labelled texts and pairs.
void check_pairs(const std::vector<std::string>& files, const std::vector<std::string>& dev_files, const DataPlan& plan,
                 const DataConfig& config, CheckDepth depth, const ReadOptions& options, DataReport& report) {
  TagData tags, dev_tags;
  const PairData data = read_as_pairs(files, plan, options, tags);
  report.examples = static_cast<int64_t>(data.examples.size());
  report.blank_lines = data.blank_lines;
  look_at_pairs(data, report);
  PairData dev;
  report.has_dev = !dev_files.empty();
  if (report.has_dev) {
    dev = read_as_pairs(dev_files, plan_more(dev_files, plan, options), options, dev_tags);
    report.dev = look_at_dev(data, dev);
  }
  name_sides(plan.kind, report);
  if (depth == CheckDepth::quick) {
    if (plan.kind == DataKind::tags) look_at_tags(tags, dev_tags, report);
    if (plan.kind == DataKind::labels) look_at_labels(data, dev, report);
    return;
  }
  try {
    look_closely(data, dev, tags, dev_tags, plan.kind, config, report);
  } catch (const DataError& error) {
    report.refusal = error.what();
  }
}

}  // namespace

void Finding::add(const std::string& example) {
  ++count;
  if (examples.size() < kExamples) examples.push_back(example);
}

DataReport check(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                 const DataConfig& config, CheckDepth depth, const DataReading& reading) {
  DataReport report;
  ReadOptions options = config.read_options();
  options.on_bad_line = [&](const DataError& error) { report.faults.add(error.what()); };
  const DataPlan plan = plan_data(files, reading, options);
  report.format = plan.format;
  report.reason = plan.reason;
  if (plan.kind == DataKind::frames) {
    check_frames(files, dev_files, plan.frames, options, report);
  } else if (plan.kind == DataKind::series) {
    check_series(files, dev_files, plan, depth, options, report);
  } else if (plan.kind == DataKind::text) {
    check_text(files, dev_files, depth, options, report);
  } else {
    check_pairs(files, dev_files, plan, config, depth, options, report);
  }
  return report;
}

}  // namespace carousel::data
