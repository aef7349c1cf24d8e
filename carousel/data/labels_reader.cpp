// Reads labelled texts.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/each_line.h"
#include "carousel/data/label_names.h"
#include "carousel/data/labels.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr std::string_view kMark = "__label__";

/// An example, or a DataError when a part is missing. `what`: "line", "row", "object".
PairExample example_of(std::string_view text, std::string_view label, const std::string& file, int64_t line,
                       const char* what) {
  text = trim(text);
  label = trim(label);
  if (text.empty() || label.empty())
    throw DataError(file, line, 0,
                    fmt::format("[data] a {} must have a text and a label; got an empty {}{}. Fill it in or remove the "
                                "{}.",
                                what, text.empty() ? "text" : "label",
                                text.empty() ? fmt::format(" with the label {}", clip_quoted(label))
                                             : fmt::format(" with the text {}", clip_quoted(text)),
                                what));
  return {std::string(text), std::string(label), line, 0};
}

[[noreturn]] void refuse_several(const std::string& file, int64_t line, int64_t column, std::string_view got) {
  throw DataError(
      file, line, column,
      fmt::format("[data] a text must have one label; got several: {}. Keep one of them, or train one model "
                  "for each kind of label.",
                  clip_quoted(got)));
}

PairExample parse_line(const LineReader& reader, std::string_view line) {
  const std::string_view trimmed = trim(line);
  const size_t end = std::min(trimmed.find_first_of(" \t"), trimmed.size());
  std::string_view label = trimmed.substr(0, end);
  const std::string_view text = trimmed.substr(end);
  if (label.starts_with(kMark)) {
    label.remove_prefix(kMark.size());
    for (const std::string_view word : split_words(text))
      if (word.starts_with(kMark)) refuse_several(reader.file(), reader.line(), word.data() - line.data() + 1, trimmed);
  } else if (trimmed.find(kMark) != std::string_view::npos) {
    throw DataError(reader.file(), reader.line(), static_cast<int64_t>(trimmed.find(kMark)) + 1,
                    fmt::format("[data] a line must begin with its label; got it behind the text in {}. Put "
                                "__label__... first.",
                                clip_quoted(trimmed)));
  }
  return example_of(text, label, reader.file(), reader.line(), "line");
}

void read_lines(const std::string& file, const ReadOptions& options, PairData& data) {
  LineReader reader(file, options);
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view line) { data.examples.push_back(parse_line(reader, line)); });
}

void read_table(const std::string& file, const LabelPlan& plan, const ReadOptions& options, PairData& data) {
  TableReader reader(file, plan.format == "csv" ? ',' : '\t', options);
  const auto place = [&](const char* role) {
    return static_cast<size_t>(std::find(plan.columns.begin(), plan.columns.end(), role) - plan.columns.begin());
  };
  const size_t text = place("text"), label = place("label");
  std::vector<std::string> cells;
  bool names = plan.header;
  while (reader.next(cells)) {
    if (names) {
      names = false;
      continue;
    }
    try {
      if (cells.size() != plan.columns.size())
        throw DataError(file, reader.line(), 0,
                        fmt::format("[data] a row must have {} columns ({}); got {} in {}. {}", plan.columns.size(),
                                    fmt::join(plan.columns, ","), cells.size(),
                                    clip_quoted(fmt::format("{}", fmt::join(cells, plan.format == "csv" ? "," : "\t"))),
                                    plan.format == "csv" ? "Put a cell that holds commas into double quotes, or say "
                                                           "what the columns are with --columns."
                                                         : "Check its tabs, or say what the columns are with "
                                                           "--columns."));
      data.examples.push_back(example_of(cells[text], cells[label], file, reader.line(), "row"));
    } catch (const DataError& error) {
      options.bad_line(error);
    }
  }
  data.blank_lines = reader.blank_lines();
}

/// One line of JSON.
class JsonLine {
 public:
  JsonLine(const std::string& file, int64_t line) : file_(file), line_(line) {}

  PairExample parse(simdjson::dom::parser& parser, std::string_view text) const {
    simdjson::dom::object object;
    const auto error = parser.parse(text.data(), text.size()).get(object);
    if (error)
      throw DataError(file_, line_, 0,
                      fmt::format("[data] a line must be an object of JSON; got {} ({}). Check its quotes and braces.",
                                  clip_quoted(text), simdjson::error_message(error)));
    std::optional<std::string> content, label;
    std::vector<std::string> keys;
    for (const auto field : object) {
      keys.emplace_back(field.key);
      if (is_among(kTextNames, field.key)) content = text_of(field.key, field.value, content);
      if (is_among(kLabelNames, field.key)) label = text_of(field.key, field.value, label);
    }
    if (!content || !label)
      throw DataError(
          file_, line_, 0,
          fmt::format("[data] an object must have a text ({}) and a label ({}); got the keys {}. Rename its "
                      "keys.",
                      fmt::join(kTextNames, ", "), fmt::join(kLabelNames, ", "),
                      clip_quoted(fmt::format("{}", fmt::join(keys, ", ")))));
    return example_of(*content, *label, file_, line_, "object");
  }

 private:
  std::string text_of(std::string_view key, const simdjson::dom::element& value,
                      const std::optional<std::string>& before) const {
    if (before)
      throw DataError(file_, line_, 0,
                      fmt::format("[data] an object must have one text and one label; got a further one under {}. "
                                  "Remove or rename it.",
                                  clip_quoted(key)));
    std::string text;
    switch (value.type()) {
      case simdjson::dom::element_type::STRING:
        text = std::string(value.get_string().value_unsafe());
        break;
      case simdjson::dom::element_type::INT64:
      case simdjson::dom::element_type::UINT64:
      case simdjson::dom::element_type::BOOL:
        text = simdjson::minify(value);
        break;
      case simdjson::dom::element_type::ARRAY:
        refuse_several(file_, line_, 0, simdjson::minify(value));
      default:
        throw DataError(file_, line_, 0,
                        fmt::format("[data] {} must be text, an integer or a truth value; got {}. Write it as text.",
                                    clip_quoted(key), clip_quoted(std::string(simdjson::minify(value)))));
    }
    // What a line could not hold: escapes may bring it in.
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
    return text;
  }

  const std::string& file_;
  int64_t line_;
};

void read_objects(const std::string& file, const ReadOptions& options, PairData& data) {
  LineReader reader(file, options);
  simdjson::dom::parser parser;
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view line) { data.examples.push_back(JsonLine(file, reader.line()).parse(parser, line)); });
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
