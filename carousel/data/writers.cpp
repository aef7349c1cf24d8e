#include "carousel/data/writers.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "carousel/base/error.h"
#include "carousel/data/tag_columns.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

[[noreturn]] void refuse_writing(const std::string& file, int64_t line, const std::string& rule, std::string_view got,
                                 const char* remedy) {
  throw DataError(file, line, 0, fmt::format("[data] {}; got {}. {}", rule, clip_quoted(got), remedy));
}

const std::string& file_of(const PairData& data, const PairExample& example) {
  return data.files[static_cast<size_t>(example.file)];
}

/// Rows of two cells, the target first or last.
std::string table(const PairData& data, char separator, bool target_first) {
  std::string text;
  for (const PairExample& example : data.examples) {
    std::vector<std::string> cells = {example.source, example.target};
    if (target_first) std::swap(cells[0], cells[1]);
    if (!append_row(cells, separator, text))
      refuse_writing(file_of(data, example), example.line, "a cell between tabs must not hold one",
                     example.source + " ... " + example.target, "Convert to csv or jsonl.");
  }
  return text;
}

std::string objects(const PairData& data, const char* source, const char* target) {
  std::string text;
  for (const PairExample& example : data.examples)
    text += nlohmann::ordered_json{{source, example.source}, {target, example.target}}.dump() + "\n";
  return text;
}

std::string lines_in_out(const PairData& data) {
  std::string text;
  for (const PairExample& example : data.examples)
    text += fmt::format("IN: {} OUT: {}\n", example.source, example.target);
  return text;
}

std::string fasttext(const PairData& data) {
  std::string text;
  for (const PairExample& example : data.examples) {
    if (split_words(example.target).size() != 1)
      refuse_writing(file_of(data, example), example.line, "a label before a text must be one word", example.target,
                     "Rename it, or convert to tsv, csv or jsonl.");
    text += fmt::format("__label__{} {}\n", example.target, example.source);
  }
  return text;
}

void require_no_tab(const TagData& data, int64_t line, const std::string& cell) {
  if (cell.find('\t') == std::string::npos) return;
  refuse_writing(data.file, line, "a token or tag between tabs must not hold one", cell, "Replace it.");
}

std::string conllu(const TagData& data, const std::string& target) {
  const size_t field = conllu_field(target);
  std::string text;
  for (const TaggedSentence& sentence : data.sentences) {
    for (size_t i = 0; i < sentence.tokens.size(); ++i) {
      std::vector<std::string> cells(kConlluColumns, "_");
      cells[0] = fmt::format("{}", i + 1);
      cells[1] = sentence.tokens[i];
      cells[field] = sentence.tags[i];
      for (const std::string& cell : cells) require_no_tab(data, sentence.lines[i], cell);
      text += fmt::format("{}\n", fmt::join(cells, "\t"));
    }
    text += "\n";
  }
  return text;
}

std::string columns(const TagData& data, const std::string&) {
  std::string text;
  for (const TaggedSentence& sentence : data.sentences) {
    for (size_t i = 0; i < sentence.tokens.size(); ++i) {
      require_no_tab(data, sentence.lines[i], sentence.tokens[i]);
      require_no_tab(data, sentence.lines[i], sentence.tags[i]);
      text += sentence.tokens[i] + "\t" + sentence.tags[i] + "\n";
    }
    text += "\n";
  }
  return text;
}

/// A row of names above: which column holds what is then clear to whoever reads the file.
std::string labels_table(const PairData& data, char separator) {
  std::string text;
  append_row({"label", "text"}, separator, text);
  return text + table(data, separator, true);
}

bool same_times(const Series& a, const Series& b) {
  return a.length() == b.length() && (a.times == b.times || (a.times && b.times && *a.times == *b.times)) &&
         (a.labels == b.labels || (a.labels && b.labels && *a.labels == *b.labels));
}

}  // namespace

bool append_row(const std::vector<std::string>& cells, char separator, std::string& text) {
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text += separator;
    const std::string& cell = cells[i];
    if (separator == '\t') {
      if (cell.find('\t') != std::string::npos) return false;
      text += cell;
      continue;
    }
    const bool plain =
        !cell.empty() && cell.find_first_of("\"\n\r") == std::string::npos && cell.find(separator) == std::string::npos;
    if (plain) {
      text += cell;
      continue;
    }
    text += '"';
    for (const char c : cell) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    text += '"';
  }
  text += '\n';
  return true;
}

std::string layout_of(const SeriesSet& data) {
  const bool together = std::all_of(data.series.begin(), data.series.end(),
                                    [&](const Series& one) { return same_times(one, data.series.front()); });
  if (together) return "wide";
  return data.series.front().times ? "long" : "rows";
}

std::string series_table(const SeriesSet& data, char separator) {
  const std::string layout = layout_of(data);
  const bool labelled = data.series.front().labels != nullptr, timed = data.series.front().times != nullptr;
  std::string text;
  for (const Series& one : data.series)
    if (one.known)
      refuse_writing(data.file, 0, "a series with columns that are known in advance cannot be written", one.name,
                     "Give them the role _ to leave them out.");
  const auto add = [&](const std::vector<std::string>& cells) {
    if (!append_row(cells, separator, text))
      refuse_writing(data.file, 0, "a name between tabs must not hold one", cells.front(), "Convert to csv.");
  };
  const auto name_of_series = [](const Series& one) { return one.name.empty() ? "value" : one.name; };
  const auto time_at = [&](const Series& one, size_t i) { return format_time({(*one.times)[i], data.style}); };
  const auto label_at = [](const Series& one, size_t i) { return std::string((*one.labels)[i] != 0 ? "1" : "0"); };
  std::vector<std::string> cells;
  if (layout == "rows") {
    for (const Series& one : data.series) {
      cells = {name_of_series(one)};
      for (const double value : one.values) cells.push_back(fmt::format("{}", value));
      add(cells);
    }
    return text;
  }
  if (layout == "long") {
    cells = {"series", "time", "value"};
    if (labelled) cells.emplace_back("anomaly");
    add(cells);
    for (const Series& one : data.series)
      for (size_t i = 0; i < one.values.size(); ++i) {
        cells = {name_of_series(one), time_at(one, i), fmt::format("{}", one.values[i])};
        if (labelled) cells.push_back(label_at(one, i));
        add(cells);
      }
    return text;
  }
  if (timed) cells.emplace_back("time");
  for (const Series& one : data.series) cells.push_back(name_of_series(one));
  if (labelled) cells.emplace_back("anomaly");
  add(cells);
  const Series& first = data.series.front();
  for (size_t i = 0; i < first.values.size(); ++i) {
    cells.clear();
    if (timed) cells.push_back(time_at(first, i));
    for (const Series& one : data.series) cells.push_back(fmt::format("{}", one.values[i]));
    if (labelled) cells.push_back(label_at(first, i));
    add(cells);
  }
  return text;
}

const std::vector<Writer>& writers() {
  static const std::vector<Writer> rows = {
      {"tsv", ".tsv", "tab-separated columns", [](const PairData& data) { return table(data, '\t', false); },
       [](const PairData& data) { return labels_table(data, '\t'); }, nullptr,
       [](const SeriesSet& data) { return series_table(data, '\t'); }},
      {"csv", ".csv", "comma-separated columns under a row of names",
       [](const PairData& data) {
         std::string text;
         append_row({"source", "target"}, ',', text);
         return text + table(data, ',', false);
       },
       [](const PairData& data) { return labels_table(data, ','); }, nullptr,
       [](const SeriesSet& data) { return series_table(data, ','); }},
      {"jsonl", ".jsonl", "an object of JSON a line",
       [](const PairData& data) { return objects(data, "source", "target"); },
       [](const PairData& data) { return objects(data, "text", "label"); }, nullptr, nullptr},
      {"in-out", "", "lines `IN: source OUT: target`", lines_in_out, nullptr, nullptr, nullptr},
      {"fasttext", "", "lines `__label__X text`", nullptr, fasttext, nullptr, nullptr},
      {"conllu", ".conllu", "ten tab-separated columns a token", nullptr, nullptr, conllu, nullptr},
      {"columns", ".conll", "a token a line, its tag behind a tab", nullptr, nullptr, columns, nullptr},
  };
  return rows;
}

}  // namespace carousel::data
