// Reads tagged sentences.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/each_line.h"
#include "carousel/data/place.h"
#include "carousel/data/tag_columns.h"
#include "carousel/data/tags.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

/// Collects the tokens of a sentence until it ends. A sentence with a bad line is left out as a whole: without one of
/// its tokens it says something else.
class Sentences {
 public:
  explicit Sentences(TagData& data) : data_(data) {}
  void add(std::string_view token, std::string_view tag, Place place) {
    sentence_.tokens.emplace_back(token);
    sentence_.tags.emplace_back(tag);
    sentence_.lines.push_back(place.line);
    sentence_.columns.push_back(place.column);
  }
  void spoil() { spoilt_ = true; }
  void end() {
    if (!spoilt_ && !sentence_.tokens.empty()) data_.sentences.push_back(std::move(sentence_));
    sentence_ = {};
    spoilt_ = false;
  }

 private:
  TagData& data_;
  TaggedSentence sentence_;
  bool spoilt_ = false;
};

DataError empty_cell(const LineReader& reader, std::string_view line, std::string_view cell, const std::string& what) {
  return error_at(reader.file(), {reader.line(), column_of(line, cell)},
                  fmt::format("[data] a token and its tag must have text; got an empty {} in {}. Fill it in or remove "
                              "the line.",
                              what, clip_quoted(line)));
}

/// Calls parse(line) for each line with a token, which adds it, and ends sentences at blank lines.
template <class Parse>
void read_lines(const std::string& file, const ReadOptions& options, Sentences& sentences, Parse parse) {
  ReadOptions spoiling = options;
  if (options.on_bad_line) {
    spoiling.on_bad_line = [&](const DataError& error) {
      sentences.spoil();
      options.on_bad_line(error);
    };
  }
  LineReader reader(file, spoiling);
  each_line(
      reader, spoiling, [&] { sentences.end(); }, [&](std::string_view line) { parse(reader, line); });
  sentences.end();
}

void read_conllu(const std::string& file, const TagPlan& plan, const ReadOptions& options, TagData& data) {
  Sentences sentences(data);
  const size_t field = conllu_field(plan.target);
  read_lines(file, options, sentences, [&](const LineReader& reader, std::string_view line) {
    if (line.starts_with('#')) return;
    const std::vector<std::string_view> cells = cells_of(line, '\t');
    if (cells.size() != kConlluColumns)
      throw error_at(reader.file(), {reader.line(), column_of_width(line, cells, kConlluColumns)},
                     fmt::format("[data] a line of CoNLL-U must have {} tab-separated columns; got {} in {}. Check its "
                                 "tabs; comments begin with #.",
                                 kConlluColumns, cells.size(), clip_quoted(line)));
    const ConlluId id = conllu_id(cells[0]);
    if (id == ConlluId::none)
      throw DataError(reader.file(), reader.line(), 1,
                      fmt::format("[data] a line of CoNLL-U must begin with the number of its token, a range such as "
                                  "1-2 or an empty node such as 8.1; got {}. Correct it.",
                                  clip_quoted(cells[0])));
    if (id != ConlluId::token) return;
    if (trim(cells[1]).empty()) throw empty_cell(reader, line, cells[1], "form");
    if (trim(cells[field]).empty()) throw empty_cell(reader, line, cells[field], plan.target);
    sentences.add(trim(cells[1]), trim(cells[field]), {reader.line(), column_of(line, cells[field])});
  });
}

void read_columns(const std::string& file, const TagPlan& plan, const ReadOptions& options, TagData& data) {
  Sentences sentences(data);
  const auto place = [&](const char* role) {
    return static_cast<size_t>(std::find(plan.columns.begin(), plan.columns.end(), role) - plan.columns.begin());
  };
  const size_t token = place("token"), tag = place("tag");
  read_lines(file, options, sentences, [&](const LineReader& reader, std::string_view line) {
    if (line.starts_with(kDocumentStart)) return;
    const std::vector<std::string_view> cells = cells_of(line, plan.tabs ? '\t' : ' ');
    if (cells.size() != plan.columns.size())
      throw error_at(reader.file(), {reader.line(), column_of_width(line, cells, plan.columns.size())},
                     fmt::format("[data] a line must have {} columns ({}) with {} between; got {} in {}. Check the "
                                 "line, or say what the columns are with --columns.",
                                 plan.columns.size(), fmt::join(plan.columns, ","), plan.tabs ? "tabs" : "blanks",
                                 cells.size(), clip_quoted(line)));
    if (trim(cells[token]).empty()) throw empty_cell(reader, line, cells[token], "token");
    if (trim(cells[tag]).empty()) throw empty_cell(reader, line, cells[tag], "tag");
    sentences.add(trim(cells[token]), trim(cells[tag]), {reader.line(), column_of(line, cells[tag])});
  });
}

/// One file of a folder with its current line.
struct Side {
  Side(const std::string& file, const ReadOptions& options) : reader(file, options) { next(); }
  void next() { has_line = reader.next(line); }
  int64_t count_lines() {
    while (has_line) next();
    return reader.line();
  }

  LineReader reader;
  std::string_view line;
  bool has_line = false;
};

TaggedSentence parse_sides(const std::vector<Side>& sides) {
  const LineReader& tokens = sides[0].reader;
  const int64_t number = tokens.line();
  for (const Side& side : sides)
    if (trim(side.line).empty())
      throw DataError(side.reader.file(), number, 1,
                      "[data] lines that belong together must all have text; got a blank one. Fill it in or remove the "
                      "line from all files.");
  const auto words = split_words(sides[0].line), tags = split_words(sides[1].line);
  if (words.size() != tags.size())
    throw error_at(sides[1].reader.file(), {number, column_of_width(sides[1].line, tags, words.size())},
                   fmt::format("[data] each token must have a tag; got {} for {} in {} and {}. Give each token one.",
                               counted(static_cast<int64_t>(tags.size()), "tag"),
                               counted(static_cast<int64_t>(words.size()), "token"), clip_quoted(sides[1].line),
                               clip_quoted(sides[0].line)));
  TaggedSentence sentence;
  sentence.tokens.assign(words.begin(), words.end());
  sentence.tags.assign(tags.begin(), tags.end());
  sentence.lines.assign(words.size(), number);
  for (const std::string_view word : words) sentence.columns.push_back(column_of(sides[0].line, word));
  if (sides.size() > 2) sentence.intent = std::string(trim(sides[2].line));
  return sentence;
}

void read_folder(const std::string& folder, const ReadOptions& options, TagData& data) {
  std::vector<Side> sides;
  for (const std::string& file : files_behind(folder)) sides.emplace_back(file, options);
  const auto all_have = [&] {
    return std::all_of(sides.begin(), sides.end(), [](const Side& side) { return side.has_line; });
  };
  while (all_have()) {
    // A bad line that was skipped in one file is skipped in the others too.
    int64_t furthest = 0;
    for (const Side& side : sides) furthest = std::max(furthest, side.reader.line());
    bool level = true;
    for (Side& side : sides) {
      if (side.reader.line() == furthest) continue;
      side.next();
      level = false;
    }
    if (!level) continue;
    try {
      data.sentences.push_back(parse_sides(sides));
    } catch (const DataError& error) {
      options.bad_line(error);
    }
    for (Side& side : sides) side.next();
  }
  const int64_t lines = sides[0].count_lines();
  for (size_t i = 1; i < sides.size(); ++i) {
    if (const int64_t others = sides[i].count_lines(); others != lines)
      throw DataError(
          sides[i].reader.file(), std::min(lines, others) + 1, 1,
          fmt::format("[data] the files of a folder must have equally many lines; got {} here and {} in {}. "
                      "Line n of each must belong to line n of the others.",
                      others, lines, sides[0].reader.file()));
  }
}

std::string joined_by_spaces(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace

int64_t TagData::num_tokens() const {
  int64_t count = 0;
  for (const TaggedSentence& sentence : sentences) count += static_cast<int64_t>(sentence.tokens.size());
  return count;
}

PairData TagData::pairs() const {
  PairData pairs;
  pairs.files = {file};
  for (const TaggedSentence& sentence : sentences)
    pairs.examples.push_back({joined_by_spaces(sentence.tokens),
                              sentence.intent + (sentence.intent.empty() ? "" : " ") + joined_by_spaces(sentence.tags),
                              sentence.lines.front(), 0});
  return pairs;
}

std::vector<std::vector<std::string>> TagData::tags() const {
  std::vector<std::vector<std::string>> all;
  all.reserve(sentences.size());
  for (const TaggedSentence& sentence : sentences) all.push_back(sentence.tags);
  return all;
}

std::vector<std::string> files_behind(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(name, error)) return {name};
  const fs::path folder(name);
  std::vector<std::string> files = {(folder / "seq.in").string(), (folder / "seq.out").string()};
  if (fs::exists(folder / "label", error)) files.push_back((folder / "label").string());
  return files;
}

TagData read_tags(const std::vector<std::string>& files, const TagPlan& plan, const ReadOptions& options) {
  TagData data;
  data.file = files_behind(files.front()).front();
  if (plan.format == "conllu") {
    read_conllu(data.file, plan, options, data);
  } else if (plan.format == "columns") {
    read_columns(data.file, plan, options, data);
  } else {
    read_folder(files.front(), options, data);
  }
  return data;
}

void require_taggable(const TagData& data) {
  std::set<std::string_view> tags;
  for (const TaggedSentence& sentence : data.sentences) tags.insert(sentence.tags.begin(), sentence.tags.end());
  if (tags.size() > 1) return;
  throw DataError(
      data.file, 0, 0,
      data.sentences.empty()
          ? std::string("[data] at least one tagged sentence is needed; got none. Check the file.")
          : fmt::format("[data] tokens must have different tags to learn from; got {} for all of them. Name "
                        "the column of the tags with --columns, or the field with --set target=...",
                        clip_quoted(*tags.begin())));
}

}  // namespace carousel::data
