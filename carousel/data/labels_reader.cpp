// Reads labelled texts.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/each_line.h"
#include "carousel/data/json_line.h"
#include "carousel/data/label_names.h"
#include "carousel/data/labels.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr std::string_view kMark = "__label__";

/// An example, or a DataError when a part is missing. `what`: "line", "row", "object". `where` gives the place of the
/// text (true) or of the label.
template <class Where>
PairExample example_of(std::string_view text, std::string_view label, const std::string& file, int64_t line,
                       const char* what, Where where) {
  text = trim(text);
  label = trim(label);
  if (text.empty() || label.empty())
    throw error_at(file, where(text.empty()),
                   fmt::format("[data] a {} must have a text and a label; got an empty {}{}. Fill it in or remove the "
                               "{}.",
                               what, text.empty() ? "text" : "label",
                               text.empty() ? fmt::format(" with the label {}", clip_quoted(label))
                                            : fmt::format(" with the text {}", clip_quoted(text)),
                               what));
  return {std::string(text), std::string(label), line, 0};
}

[[noreturn]] void refuse_several(const std::string& file, Place place, std::string_view got) {
  throw error_at(file, place,
                 fmt::format("[data] a text must have one label; got several: {}. Keep one of them, or train one model "
                             "for each kind of label.",
                             clip_quoted(got)));
}

PairExample parse_labelled(const LineReader& reader, std::string_view line) {
  const std::string_view trimmed = trim(line);
  const size_t end = std::min(trimmed.find_first_of(" \t"), trimmed.size());
  std::string_view label = trimmed.substr(0, end);
  const std::string_view text = trimmed.substr(end);
  if (label.starts_with(kMark)) {
    label.remove_prefix(kMark.size());
    for (const std::string_view word : split_words(text))
      if (word.starts_with(kMark)) refuse_several(reader.file(), {reader.line(), column_of(line, word)}, trimmed);
  } else if (trimmed.find(kMark) != std::string_view::npos) {
    throw error_at(reader.file(), {reader.line(), column_of(line, trimmed.substr(trimmed.find(kMark)))},
                   fmt::format("[data] a line must begin with its label; got it behind the text in {}. Put "
                               "__label__... first.",
                               clip_quoted(trimmed)));
  }
  // A label that is empty has text or the end of the line behind it, and so has an empty text.
  const Place behind{reader.line(), column_of(line, text)};
  return example_of(text, label, reader.file(), reader.line(), "line", [&](bool) { return behind; });
}

void read_lines(const std::string& file, const ReadOptions& options, PairData& data) {
  LineReader reader(file, options);
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view line) { data.examples.push_back(parse_labelled(reader, line)); });
}

void read_table(const std::string& file, const LabelPlan& plan, const ReadOptions& options, PairData& data) {
  const size_t text = place_of(plan.columns, "text"), label = place_of(plan.columns, "label");
  data.blank_lines =
      each_row(file, {plan.format == "csv" ? ',' : '\t', plan.columns, plan.header}, options,
               [&](std::vector<std::string>& cells, const TableReader& row) {
                 const auto where = [&](bool of_text) { return row.place(of_text ? text : label); };
                 data.examples.push_back(example_of(cells[text], cells[label], file, row.line(), "row", where));
               });
}

/// A value and which field of its object it is.
struct Taken {
  std::string value;
  size_t field = 0;
};

/// One line of JSON.
PairExample parse_object(const LineReader& reader, simdjson::dom::parser& parser, std::string_view text) {
  const JsonLine line(reader, text);
  const simdjson::dom::object object = line.object(parser);
  std::optional<Taken> content, label;
  size_t index = 0;
  const auto take = [&](std::optional<Taken>& into, std::string_view key, const simdjson::dom::element& value) {
    if (into)
      throw error_at(reader.file(), line.place(index),
                     fmt::format("[data] an object must have one text and one label; got a further one under {}. "
                                 "Remove or rename it.",
                                 clip_quoted(key)));
    if (value.type() == simdjson::dom::element_type::ARRAY)
      refuse_several(reader.file(), line.place(index), simdjson::minify(value));
    into = Taken{line.cell(key, value, index), index};
  };
  for (const auto field : object) {
    if (is_among(kTextNames, field.key)) take(content, field.key, field.value);
    if (is_among(kLabelNames, field.key)) take(label, field.key, field.value);
    ++index;
  }
  if (!content || !label)
    throw error_at(reader.file(), line.place(),
                   fmt::format("[data] an object must have a text ({}) and a label ({}); got the keys {}. Rename its "
                               "keys.",
                               fmt::join(kTextNames, ", "), fmt::join(kLabelNames, ", "),
                               clip_quoted(fmt::format("{}", fmt::join(keys_of(object), ", ")))));
  return example_of(content->value, label->value, reader.file(), reader.line(), "object",
                    [&](bool of_text) { return line.place((of_text ? content : label)->field); });
}

void read_objects(const std::string& file, const ReadOptions& options, PairData& data) {
  LineReader reader(file, options);
  simdjson::dom::parser parser;
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view line) { data.examples.push_back(parse_object(reader, parser, line)); });
}

}  // namespace

PairData read_labels(const std::vector<std::string>& files, const LabelPlan& plan, const ReadOptions& options) {
  if (plan.format == "aligned") {
    const bool labels_first = plan.columns.front() == "label";
    return read_aligned_pairs(files[labels_first ? 1 : 0], files[labels_first ? 0 : 1], options);
  }
  PairData data;
  data.files = {files.front()};
  data.format = plan.format;
  if (plan.format == "lines") {
    read_lines(files.front(), options, data);
  } else if (plan.format == "jsonl") {
    read_objects(files.front(), options, data);
  } else {
    read_table(files.front(), plan, options, data);
  }
  return data;
}

}  // namespace carousel::data
