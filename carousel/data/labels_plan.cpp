// Finds out how labels and texts lie in a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/label_names.h"
#include "carousel/data/labels.h"
#include "carousel/data/pair_format.h"
#include "carousel/data/registry.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr int64_t kSampleRows = 1000;
constexpr int64_t kEvidentRows = 20;     ///< fewer prove nothing
constexpr int64_t kEvidentRepeats = 10;  ///< times that each label must occur on average
constexpr int64_t kLongestLabel = 60;    ///< code points
constexpr int64_t kMostBlankShare = 50;  ///< one blank line in so many separates sentences: columns of tokens
constexpr int64_t kFewRows = 20;         ///< too few to see whether a column repeats itself as labels do

/// A text in a language, not a number or a date.
bool has_letters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0; });
}

bool is_integer(std::string_view word) {
  if (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
  return !word.empty() && word.size() <= 6 && word.find_first_not_of("0123456789") == std::string_view::npos;
}

/// What the values of a column, or the lines of a file, have in common.
struct Distinct {
  void add(std::string_view value) {
    const std::string_view text = trim(value);
    ++count;
    bytes += static_cast<int64_t>(text.size());
    longest = std::max(longest, count_code_points(text));
    lettered += has_letters(text);
    spaced += split_words(text).size() > 1;
    distinct.emplace(text);
  }
  int64_t kinds() const { return static_cast<int64_t>(distinct.size()); }
  bool like_labels() const { return kinds() * kEvidentRepeats <= count && longest <= kLongestLabel; }
  /// Several words each, in a language, and more varied than the labels. Single words with few answers may be labelled
  /// too, or pairs.
  bool like_texts_of(const Distinct& labels) const {
    return lettered * 2 >= count && spaced * 2 >= count && kinds() >= 3 * labels.kinds();
  }

  int64_t count = 0, bytes = 0, longest = 0, lettered = 0, spaced = 0;
  std::set<std::string> distinct;
};

bool evident_pair(const Distinct& texts, const Distinct& labels) {
  return labels.count >= kEvidentRows && labels.like_labels() && texts.like_texts_of(labels);
}

std::string ordinal(size_t index) {
  static const char* const kWords[] = {"first", "second", "third", "fourth", "fifth"};
  return index < std::size(kWords) ? kWords[index] : fmt::format("number {}", index + 1);
}

std::vector<std::string> label_roles(const std::string& text) {
  return two_roles(text, "text", "label", "label,_,text");
}

/// The first rows of a table; bad ones are left to the reader.
struct SampleTable {
  std::vector<std::vector<std::string>> rows;
  int64_t blank_lines = 0;
};

SampleTable take_rows(const std::string& file, char separator, const ReadOptions& options) {
  ReadOptions sampling = options;
  sampling.on_bad_line = [](const DataError&) {};
  TableReader reader(file, separator, sampling);
  SampleTable table;
  std::vector<std::string> cells;
  while (static_cast<int64_t>(table.rows.size()) < kSampleRows && reader.next(cells)) table.rows.push_back(cells);
  table.blank_lines = reader.blank_lines();
  return table;
}

/// How many columns most rows have.
size_t usual_width(const SampleTable& table) {
  std::map<size_t, int64_t> widths;
  for (const auto& row : table.rows) ++widths[row.size()];
  size_t best = 0;
  for (const auto& [width, count] : widths)
    if (best == 0 || count > widths[best]) best = width;
  return best;
}

std::vector<Distinct> values_of(const SampleTable& table, size_t width, bool header) {
  std::vector<Distinct> columns(width);
  for (size_t r = header ? 1 : 0; r < table.rows.size(); ++r)
    for (size_t c = 0; table.rows[r].size() == width && c < width; ++c) columns[c].add(table.rows[r][c]);
  return columns;
}

/// Roles by the names in the first row: empty unless just one column has a name of texts and one of labels.
std::vector<std::string> roles_named(const std::vector<std::string>& row) {
  std::vector<std::string> roles;
  for (const std::string& name : row)
    roles.emplace_back(is_among(kTextNames, name) ? "text" : is_among(kLabelNames, name) ? "label" : "_");
  const bool both =
      std::count(roles.begin(), roles.end(), "text") == 1 && std::count(roles.begin(), roles.end(), "label") == 1;
  return both ? roles : std::vector<std::string>();
}

/// Roles by what the columns hold: the label has the fewest different values, the text is the longest of the others.
/// Empty when two columns could be the label.
std::vector<std::string> roles_by_values(const std::vector<Distinct>& columns) {
  if (columns.size() < 2) return {};
  const auto fewer = [](const Distinct& a, const Distinct& b) {
    return std::pair(a.kinds(), a.bytes) < std::pair(b.kinds(), b.bytes);
  };
  const auto shorter = [](const Distinct& a, const Distinct& b) { return a.bytes < b.bytes; };
  const auto label = std::min_element(columns.begin(), columns.end(), fewer);
  if (columns.size() > 2) {
    const auto could_be = [&](const Distinct& c) { return c.like_labels() || c.kinds() == label->kinds(); };
    if (std::count_if(columns.begin(), columns.end(), could_be) > 1) return {};
  }
  std::vector<Distinct> others = columns;
  others[static_cast<size_t>(label - columns.begin())].bytes = -1;
  const auto text = std::max_element(others.begin(), others.end(), shorter);
  std::vector<std::string> roles(columns.size(), "_");
  roles[static_cast<size_t>(label - columns.begin())] = "label";
  roles[static_cast<size_t>(text - others.begin())] = "text";
  return roles;
}

LabelPlan plan_table(const std::string& file, char separator, const LabelFormat& wanted, const ReadOptions& options) {
  LabelPlan plan;
  plan.format = separator == ',' ? "csv" : "tsv";
  const SampleTable table = take_rows(file, separator, options);
  const size_t width = usual_width(table);
  std::string why = "as asked for";
  bool by_names = false;
  if ((wanted.columns == "auto" || wanted.elsewhere) && !table.rows.empty() && wanted.header != "no") {
    plan.columns = roles_named(table.rows.front());
    by_names = !plan.columns.empty();
    if (by_names) why = "by the names in the first row";
  }
  if (plan.columns.empty() && wanted.columns != "auto") plan.columns = label_roles(wanted.columns);
  if (plan.columns.empty()) {
    plan.columns = roles_by_values(values_of(table, width, wanted.header == "yes"));
    why = "by what stands in them";
  }
  if (plan.columns.empty())
    throw DataError(file, 0, 0,
                    fmt::format("[data] which column holds the label must be clear; got {}. Say it: --columns "
                                "label,text, with _ for each column to skip.",
                                width < 2 ? "one column" : fmt::format("{} columns that could be it", width)));
  const size_t text = place_of(plan.columns, "text"), label = place_of(plan.columns, "label");
  if (wanted.header == "auto" && !table.rows.empty() && table.rows.front().size() == plan.columns.size()) {
    // A name that stands in the column of labels again is a label.
    const std::vector<std::string>& first = table.rows.front();
    plan.header =
        (is_among(kTextNames, first[text]) || is_among(kLabelNames, first[label])) &&
        !values_of(table, plan.columns.size(), true)[label].distinct.contains(std::string(trim(first[label])));
  }
  if (wanted.header == "yes") plan.header = true;
  const std::vector<Distinct> columns = values_of(table, plan.columns.size(), plan.header);
  const auto rows = static_cast<int64_t>(table.rows.size());
  plan.evident = wanted.columns != "auto" || (by_names && (rows <= kFewRows || columns[label].like_labels())) ||
                 (evident_pair(columns[text], columns[label]) && table.blank_lines * kMostBlankShare <= rows);
  plan.reason =
      fmt::format("{} {} columns{}; the {} holds the label ({} so far), the {} the text, {}", width,
                  separator == ',' ? "comma-separated" : "tab-separated", plan.header ? " under a row of names" : "",
                  ordinal(label), counted(columns[label].kinds(), "different one"), ordinal(text), why);
  return plan;
}

LabelPlan plan_lines(const Sample& sample) {
  LabelPlan plan;
  plan.format = "lines";
  Distinct labels, texts;
  int64_t marked = 0;
  for (const std::string& line : sample.lines) {
    const std::string_view text = trim(line);
    if (text.empty()) continue;
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    labels.add(text.substr(0, end));
    texts.add(text.substr(end));
    marked += text.starts_with("__label__");
  }
  plan.evident = marked * 2 > labels.count || evident_pair(texts, labels);
  plan.reason = fmt::format("each line begins with its label ({} so far)", counted(labels.kinds(), "different one"));
  return plan;
}

LabelPlan plan_aligned(const std::vector<std::string>& files, const LabelFormat& wanted, const ReadOptions& options) {
  if (wanted.format != "auto" && wanted.format != "aligned")
    throw ConfigError(
        fmt::format("[data] two files are read line by line, format = aligned; got {}. Leave format out, or pass one "
                    "file.",
                    wanted.format));
  Distinct first, second;
  for (const std::string& line : take_sample(files[0], options).lines) first.add(line);
  for (const std::string& line : take_sample(files[1], options).lines) second.add(line);
  LabelPlan plan;
  plan.format = "aligned";
  bool labels_last = second.kinds() < first.kinds() || (second.kinds() == first.kinds() && second.bytes <= first.bytes);
  if (wanted.columns != "auto") {
    const std::vector<std::string> roles = label_roles(wanted.columns);
    if (roles.size() != 2)
      throw ConfigError(
          fmt::format("[data] two files have two roles, text and label; got columns = {}. Give one for each file.",
                      wanted.columns));
    labels_last = roles[1] == "label";
  }
  plan.columns = labels_last ? std::vector<std::string>{"text", "label"} : std::vector<std::string>{"label", "text"};
  plan.evident = wanted.columns != "auto" || (labels_last ? evident_pair(first, second) : evident_pair(second, first));
  plan.reason = fmt::format("two files; line n of {} is the label of line n of {}", files[labels_last ? 1 : 0],
                            files[labels_last ? 0 : 1]);
  return plan;
}

/// Objects whose keys are usual for pairs, and not for texts and labels: "target" may be either.
bool holds_pairs(const std::string& file, const ReadOptions& options) {
  const PairTable table = find_pair_table(file, {}, options);
  return table.format == "jsonl" &&
         !(is_among(kTextNames, table.columns[0]) && is_among(kLabelNames, table.columns[1]));
}

/// Which format the file shows, or "".
std::string labels_shape(const Sample& sample) {
  if (named(sample.file, ".csv")) return "csv";
  if (named(sample.file, ".jsonl") || named(sample.file, ".ndjson")) return "jsonl";
  int64_t lines = 0, marked = 0, tabs = 0, objects = 0, numbered = 0;
  for (const std::string& line : sample.lines) {
    const std::string_view text = trim(line);
    if (text.empty()) continue;
    ++lines;
    marked += text.starts_with("__label__");
    tabs += text.find('\t') != std::string_view::npos;
    objects += text.starts_with('{') && text.ends_with('}');
    const size_t space = text.find(' ');
    numbered += space != std::string_view::npos && is_integer(text.substr(0, space));
  }
  if (lines == 0) return "";
  if (objects == lines) return "jsonl";
  if (marked * 2 >= lines) return "lines";
  if (tabs * 2 >= lines || named(sample.file, ".tsv")) return "tsv";
  return numbered == lines && plan_lines(sample).evident ? "lines" : "";
}

}  // namespace

void LabelFormat::options(OptionTable& table) {
  std::vector<std::string> formats = label_formats();
  formats.insert(formats.begin(), "auto");
  table.add("format", &format, "How labels and texts lie in the files; auto looks at them.").one_of(formats);
  table.add("columns", &columns,
            "Roles of a table's columns, with commas between: text, label, and _ for one to skip; auto looks at them.");
  table.add("header", &header, "Whether a table's first row names its columns; auto looks for usual names.")
      .one_of({"auto", "yes", "no"});
}

std::vector<std::string> label_formats() {
  return {"lines", "tsv", "csv", "jsonl", "aligned"};
}

std::string LabelPlan::columns_text() const {
  return columns.empty() || format == "aligned" ? "auto" : fmt::format("{}", fmt::join(columns, ","));
}

LabelPlan plan_labels(const std::vector<std::string>& files, const LabelFormat& wanted, const ReadOptions& options,
                      const std::string& otherwise) {
  if (files.size() == 2) return plan_aligned(files, wanted, options);
  const Sample sample = take_sample(files.front(), options);
  std::string format = wanted.format == "auto" ? labels_shape(sample) : wanted.format;
  if (format.empty()) format = otherwise;
  LabelPlan plan;
  if (format == "tsv" || format == "csv") {
    plan = plan_table(files.front(), format == "csv" ? ',' : '\t', wanted, options);
  } else if (format == "lines") {
    plan = plan_lines(sample);
  } else if (format == "jsonl") {
    plan = {"jsonl", {}, false, !holds_pairs(files.front(), options), "each line is an object with a text and a label"};
  } else if (format == "aligned") {
    throw DataError(files.front(), 0, 0,
                    "[data] aligned data are two files, texts and labels; got one file. Name both.");
  } else {
    throw DataError(
        files.front(), 0, 0,
        "[data] labelled texts must be lines `__label__X text`, a table of tab- or comma-separated columns, "
        "objects of JSON, or two aligned files; got lines that are none of these. Say which they are: --set "
        "format=lines|tsv|csv|jsonl.");
  }
  plan.evident = plan.evident || wanted.format != "auto";  // nobody else is asked for a format
  return plan;
}

}  // namespace carousel::data
