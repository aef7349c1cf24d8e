// Finds out how tokens and tags lie in a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/registry.h"
#include "carousel/data/spans.h"
#include "carousel/data/tag_columns.h"
#include "carousel/data/tags.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr int64_t kMostLinesOfSentence = 50;  ///< without a blank line in so many these are no sentences
constexpr int64_t kTagRepeats = 3;            ///< times that each tag must occur on average where none marks spans

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string> roles_of(const std::string& text) {
  std::vector<std::string> roles;
  for (const std::string_view role : cells_of(text, ',')) roles.emplace_back(trim(role));
  const auto times = [&](const char* role) { return std::count(roles.begin(), roles.end(), role); };
  if (times("token") != 1 || times("tag") != 1 || times("_") + 2 != static_cast<int64_t>(roles.size()))
    throw ConfigError(
        fmt::format("[columns] the roles of columns must be token and tag, each once, and _ for those to skip; got "
                    "{}. Write for example --columns token,_,tag.",
                    clip_quoted(text)));
  return roles;
}

/// The lines with a token among the first of a file, cut into cells.
struct SampleRows {
  std::vector<std::vector<std::string_view>> cells;
  std::vector<size_t> begins;  ///< of sentences, in `cells`
  size_t width = 0;            ///< columns of most lines
  bool tabs = false;

  bool regular() const {
    const auto fitting =
        std::count_if(cells.begin(), cells.end(), [&](const auto& row) { return row.size() == width; });
    return width > 1 && fitting * 10 >= static_cast<int64_t>(cells.size()) * 9;
  }
  bool in_sentences() const {
    return begins.size() > 1 && static_cast<int64_t>(begins.size()) * kMostLinesOfSentence >= num_rows();
  }
  int64_t num_rows() const { return static_cast<int64_t>(cells.size()); }
  /// Of the rows of usual width.
  std::vector<std::string> column(size_t index) const {
    std::vector<std::string> values;
    for (const auto& row : cells)
      if (row.size() == width) values.emplace_back(row[index]);
    return values;
  }
};

SampleRows rows_of(const Sample& sample) {
  SampleRows rows;
  int64_t lines = 0, with_tab = 0;
  for (const std::string& line : sample.lines) {
    lines += !trim(line).empty();
    with_tab += line.find('\t') != std::string::npos;
  }
  rows.tabs = with_tab * 2 > lines;
  bool fresh = true;
  std::map<size_t, int64_t> widths;
  for (const std::string& line : sample.lines) {
    if (trim(line).empty()) {
      fresh = true;
    } else if (!line.starts_with(kDocumentStart)) {
      if (fresh) rows.begins.push_back(rows.cells.size());
      fresh = false;
      rows.cells.push_back(cells_of(line, rows.tabs ? '\t' : ' '));
      ++widths[rows.cells.back().size()];
    }
  }
  for (const auto& [width, count] : widths)
    if (rows.width == 0 || count > widths[rows.width]) rows.width = width;
  return rows;
}

/// What the values of one column look like.
struct TagColumn {
  explicit TagColumn(const std::vector<std::string>& values)
      : kinds(static_cast<int64_t>(std::set<std::string_view>(values.begin(), values.end()).size())),
        spans(detect_scheme({values}) != TagScheme::none),
        words(std::count_if(values.begin(), values.end(),
                            [](const std::string& v) { return v.find(' ') == std::string::npos; }) *
                  10 >=
              static_cast<int64_t>(values.size()) * 9) {}
  int64_t kinds;
  bool spans;  ///< B-PER, I-PER, O and the like
  bool words;  ///< hardly a blank in them: no texts
};

/// 1, 2, 3 in each sentence.
bool counts_tokens(const SampleRows& rows) {
  const std::vector<std::string> first = rows.column(0);
  return std::all_of(first.begin(), first.end(), is_number) &&
         std::all_of(rows.begins.begin(), rows.begins.end(), [&](size_t begin) {
           return rows.cells[begin].front() == "1" || rows.cells[begin].front() == "0";
         });
}

/// Roles by what stands in the columns: tags are the last column that marks spans, or else the last one (of two the one
/// with fewer kinds); the token is the first column besides that does not count.
std::vector<std::string> roles_by_values(const SampleRows& rows, const std::vector<TagColumn>& columns) {
  size_t tag = rows.width - 1;
  const auto marks = std::find_if(columns.rbegin(), columns.rend(), [](const TagColumn& c) { return c.spans; });
  if (marks != columns.rend()) {
    tag = static_cast<size_t>(columns.rend() - marks) - 1;
  } else if (rows.width == 2 && columns[0].kinds < columns[1].kinds) {
    tag = 0;
  }
  size_t token = rows.width > 2 && counts_tokens(rows) ? 1 : 0;
  if (token == tag) token = tag + 1 < rows.width ? tag + 1 : 0;
  std::vector<std::string> roles(rows.width, "_");
  roles[token] = "token";
  roles[tag] = "tag";
  return roles;
}

TagPlan plan_columns(const std::string& file, const SampleRows& rows, const TagFormat& wanted) {
  TagPlan plan;
  plan.format = "columns";
  plan.tabs = rows.tabs;
  const bool said = wanted.columns != "auto";
  if (said) plan.columns = roles_of(wanted.columns);
  if (!said && rows.width < 2)
    throw DataError(
        file, 0, 0,
        "[data] columns of tokens and tags must be at least two; got one. Put a tab between token and tag.");
  std::vector<TagColumn> columns;
  for (size_t c = 0; c < rows.width; ++c) columns.emplace_back(rows.column(c));
  if (!said) plan.columns = roles_by_values(rows, columns);
  const auto place = [&](const char* role) {
    return static_cast<size_t>(std::find(plan.columns.begin(), plan.columns.end(), role) - plan.columns.begin());
  };
  std::string kinds;
  if (plan.columns.size() == columns.size()) {
    const TagColumn& tags = columns[place("tag")];
    plan.evident = rows.in_sentences() && rows.regular() && columns[place("token")].words &&
                   (tags.spans || (tags.kinds > 1 && tags.kinds * kTagRepeats <= rows.num_rows()));
    kinds = fmt::format(" ({} so far{})", counted(tags.kinds, "different tag"), tags.spans ? ", which mark spans" : "");
  }
  plan.reason = fmt::format("a token a line in {} columns between {}, blank lines between sentences; columns {}{}{}",
                            plan.columns.size(), plan.tabs ? "tabs" : "blanks", plan.columns_text(), kinds,
                            said ? ", as asked for" : "");
  return plan;
}

TagPlan plan_conllu(const TagFormat& wanted) {
  TagPlan plan;
  plan.format = "conllu";
  plan.target = wanted.target == "auto" ? "upos" : wanted.target;
  plan.evident = true;
  plan.reason = fmt::format("ten tab-separated columns of CoNLL-U, of which {} is learnt{}", plan.target,
                            wanted.target == "auto" ? " (--target for another)" : "");
  return plan;
}

/// Lines of CoNLL-U and hardly any other.
bool is_conllu(const Sample& sample) {
  int64_t lines = 0, fitting = 0;
  for (const std::string& line : sample.lines) {
    if (trim(line).empty() || line.starts_with('#')) continue;
    ++lines;
    const auto cells = cells_of(line, '\t');
    fitting += cells.size() == kConlluColumns && conllu_id(cells[0]) != ConlluId::none;
  }
  return named(sample.file, ".conllu") || (lines > 0 && fitting * 10 >= lines * 9);
}

TagPlan plan_folder(const std::string& folder) {
  const std::vector<std::string> files = files_behind(folder);
  for (const std::string& file : files) {
    std::error_code error;
    if (!std::filesystem::exists(file, error))
      throw DataError(folder, 0, 0,
                      fmt::format("[data] a folder of tagged sentences must hold seq.in, seq.out and, for intents, "
                                  "label; got none named {}. Name another folder, or one file.",
                                  std::filesystem::path(file).filename().string()));
  }
  TagPlan plan;
  plan.format = "folder";
  plan.evident = true;
  plan.reason = files.size() > 2 ? "a folder with sentences (seq.in), their tags (seq.out) and intents (label)"
                                 : "a folder with sentences (seq.in) and their tags (seq.out)";
  return plan;
}

}  // namespace

std::vector<std::string_view> cells_of(std::string_view line, char separator) {
  if (separator == ' ') return split_words(line);
  std::vector<std::string_view> cells;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(separator, begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

ConlluId conllu_id(std::string_view cell) {
  if (is_number(cell)) return ConlluId::token;
  const size_t mark = cell.find_first_of("-.");
  if (mark == std::string_view::npos || !is_number(cell.substr(0, mark)) || !is_number(cell.substr(mark + 1)))
    return ConlluId::none;
  return cell[mark] == '-' ? ConlluId::range : ConlluId::empty_node;
}

size_t conllu_field(std::string_view target) {
  static const std::map<std::string_view, size_t> kFields = {{"upos", 3}, {"xpos", 4}, {"feats", 5}, {"deprel", 7}};
  return kFields.at(target);
}

std::vector<std::string> tag_formats() {
  return {"conllu", "columns", "folder"};
}

std::vector<std::string> tag_targets() {
  return {"upos", "xpos", "feats", "deprel"};
}

void TagFormat::options(OptionTable& table) {
  const auto with_auto = [](std::vector<std::string> names) {
    names.insert(names.begin(), "auto");
    return names;
  };
  table.add("format", &format, "How tokens and tags lie in the files; auto looks at them.")
      .one_of(with_auto(tag_formats()));
  table.add("columns", &columns,
            "Roles of columns, with commas between: token, tag, and _ for one to skip; auto looks at them.");
  table.add("target", &target, "Field of CoNLL-U that is learnt; auto takes upos.").one_of(with_auto(tag_targets()));
}

std::string TagPlan::columns_text() const {
  return columns.empty() ? "auto" : fmt::format("{}", fmt::join(columns, ","));
}

TagPlan plan_tags(const std::vector<std::string>& files, const TagFormat& wanted, const ReadOptions& options,
                  const std::string& otherwise) {
  if (files.size() != 1)
    throw DataError(
        files.empty() ? "data" : files.front(), 0, 0,
        fmt::format("[data] tagged sentences are one file or one folder; got {} files. Name one.", files.size()));
  const std::string& file = files.front();
  std::error_code error;
  const bool folder = std::filesystem::is_directory(file, error);
  if (folder || wanted.format == "folder") return plan_folder(file);
  const Sample sample = take_sample(file, options);
  const SampleRows rows = rows_of(sample);
  const bool said = wanted.format != "auto" || wanted.columns != "auto" || wanted.target != "auto";
  std::string format = wanted.format;
  if (format == "auto" && is_conllu(sample)) format = "conllu";
  if (format == "auto" && (wanted.columns != "auto" || (rows.regular() && rows.in_sentences()))) format = "columns";
  if (format == "auto") format = otherwise;
  if (format.empty() || format == "auto" || format == "folder")
    throw DataError(file, 0, 0,
                    "[data] tagged sentences must be CoNLL-U, a token and its tag a line with blank lines between "
                    "sentences, or a folder with seq.in and seq.out; got lines that are none of these. Say which they "
                    "are: --set format=conllu|columns.");
  TagPlan plan = format == "conllu" ? plan_conllu(wanted) : plan_columns(file, rows, wanted);
  plan.evident = plan.evident || said;
  return plan;
}

}  // namespace carousel::data
