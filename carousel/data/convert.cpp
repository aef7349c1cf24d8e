#include "carousel/data/convert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/data/any_data.h"
#include "carousel/data/each_line.h"
#include "carousel/data/json_line.h"
#include "carousel/data/label_names.h"
#include "carousel/data/pair_format.h"
#include "carousel/data/tag_columns.h"
#include "carousel/data/unicode.h"
#include "carousel/data/writers.h"

namespace carousel::data {

namespace {

/// A text as a file that readers can open, in memory.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& text) : descriptor_(::memfd_create("carousel", MFD_CLOEXEC)) {
    for (size_t at = 0; descriptor_ >= 0 && at < text.size();) {
      const ssize_t wrote = ::write(descriptor_, text.data() + at, text.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        const int error = errno;
        ::close(descriptor_);
        fail(error);
      }
      at += static_cast<size_t>(wrote);
    }
    if (descriptor_ < 0) fail(errno);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string name() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  [[noreturn]] static void fail(int error) {
    throw ResourceError(fmt::format("[data] reading back what was written needs memory; got: {}. Convert a part.",
                                    std::generic_category().message(error)));
  }
  int descriptor_;
};

const Writer& writer_named(const std::string& name) {
  std::string known;
  for (const Writer& writer : writers()) {
    if (writer.name == name) return writer;
    known += (known.empty() ? "" : ", ") + writer.name;
  }
  throw ConfigError(fmt::format("[data] a format that is written must be one of {}; got {}. Use one of those.", known,
                                clip_quoted(name)));
}

[[noreturn]] void refuse_kind(const DataPlan& plan, const Writer& writer) {
  std::string known;
  for (const Writer& other : writers()) {
    const bool holds = (plan.kind == DataKind::pairs && other.pairs != nullptr) ||
                       (plan.kind == DataKind::labels && other.labels != nullptr) ||
                       (plan.kind == DataKind::tags && other.tags != nullptr) ||
                       (plan.kind == DataKind::series && other.series != nullptr);
    if (holds) known += (known.empty() ? "" : ", ") + other.name;
  }
  throw UnsupportedError(fmt::format(
      "[data] {} must hold the kind of data that is converted; got {} ({}). {}", writer.name, name_of(plan.kind),
      plan.reason,
      known.empty() ? "They are written in no other format." : fmt::format("Convert to one of {}.", known)));
}

/// "3 other columns", and nothing for none.
void add_skipped(const std::vector<std::string>& roles, std::vector<std::string>& lost) {
  const auto skipped = std::count(roles.begin(), roles.end(), "_");
  if (skipped > 0) lost.push_back(counted(skipped, "other column"));
}

/// What lines of CoNLL-U hold beside tokens and one field.
void add_conllu(const std::string& file, const std::string& target, const ReadOptions& options,
                std::vector<std::string>& lost) {
  bool fields = false, comments = false, others = false;
  const size_t field = conllu_field(target);
  LineReader reader(file, options);
  std::string_view line;
  while (reader.next(line)) {
    if (trim(line).empty()) continue;
    comments = comments || line.starts_with('#');
    if (line.starts_with('#')) continue;
    const auto cells = cells_of(line, '\t');
    if (cells.size() != kConlluColumns) continue;
    others = others || conllu_id(cells[0]) != ConlluId::token;
    for (size_t i = 2; i < cells.size(); ++i) fields = fields || (i != field && cells[i] != "_");
  }
  if (fields) lost.push_back(fmt::format("fields of CoNLL-U beside form and {}", target));
  if (comments) lost.emplace_back("comments");
  if (others) lost.emplace_back("ranges of tokens and empty nodes");
}

void add_document_starts(const std::string& file, const ReadOptions& options, std::vector<std::string>& lost) {
  LineReader reader(file, options);
  std::string_view line;
  while (reader.next(line))
    if (line.starts_with(kDocumentStart)) {
      lost.push_back(fmt::format("{} lines", kDocumentStart));
      return;
    }
}

/// Keys of JSON objects that are not `used`, and texts whose tabs and line ends the reader makes spaces.
void add_objects(const std::string& file, const std::vector<std::string>& used, const ReadOptions& options,
                 std::vector<std::string>& lost) {
  std::set<std::string> keys;
  bool breaks = false;
  LineReader reader(file, options);
  simdjson::dom::parser parser;
  each_line(
      reader, options, [] {},
      [&](std::string_view text) {
        constexpr std::string_view kNoCell("\n\r\t\0", 4);
        for (const auto& [key, value] : JsonLine(reader, text).object(parser)) {
          std::string_view cell;
          if (std::find(used.begin(), used.end(), key) == used.end()) {
            keys.emplace(key);
          } else if (value.get(cell) == simdjson::SUCCESS) {
            breaks = breaks || cell.find_first_of(kNoCell) != std::string_view::npos;
          }
        }
      });
  if (!keys.empty()) lost.push_back(fmt::format("the keys {}", fmt::join(keys, ", ")));
  if (breaks) lost.emplace_back("tabs or line ends in texts, which become spaces");
}

/// Tabs, and line ends between quotes, in the cells of comma-separated rows.
void add_breaks(const std::string& file, int64_t rows, const ReadOptions& options, std::vector<std::string>& lost) {
  int64_t lines = 0;
  bool tabs = false;
  LineReader reader(file, options);
  each_line(
      reader, options, [] {},
      [&](std::string_view line) {
        ++lines;
        tabs = tabs || line.find('\t') != std::string_view::npos;
      });
  if (tabs || lines > rows) lost.emplace_back("tabs or line ends in texts, which become spaces");
}

/// What reading leaves out.
std::vector<std::string> lost_in_reading(const std::vector<std::string>& files, const DataPlan& plan,
                                         const ReadOptions& options, int64_t examples) {
  std::vector<std::string> lost;
  const std::string& file = files.front();
  if (plan.kind == DataKind::tags) {
    if (plan.format == "conllu") add_conllu(file, plan.tags.target, options, lost);
    if (plan.format == "columns") {
      add_skipped(plan.tags.columns, lost);
      add_document_starts(file, options, lost);
    }
  } else if (plan.kind == DataKind::labels) {
    add_skipped(plan.labels.columns, lost);
    if (plan.format == "csv") add_breaks(file, examples + (plan.labels.header ? 1 : 0), options, lost);
    if (plan.format == "jsonl") {
      std::vector<std::string> used = {kTextNames.begin(), kTextNames.end()};
      used.insert(used.end(), kLabelNames.begin(), kLabelNames.end());
      add_objects(file, used, options, lost);
    }
  } else if (plan.kind == DataKind::pairs && plan.format == "table") {
    const PairTable table = find_pair_table(file, plan.reading.of_pairs(), options);
    if (table.format == "jsonl") {
      add_objects(file, table.columns, options, lost);
    } else {
      add_skipped(table.columns, lost);
      if (table.format == "csv") add_breaks(file, examples + (table.header ? 1 : 0), options, lost);
    }
  } else if (plan.kind == DataKind::series) {
    add_skipped(plan.series.roles, lost);
  }
  return lost;
}

[[noreturn]] void refuse_other(const std::string& file, int64_t line, const Writer& writer, const std::string& was,
                               const std::string& is) {
  throw DataError(file, line, 0,
                  fmt::format("[data] what is written in {} must read back as it was; got {} back for {}. Convert to "
                              "another format, or change the example.",
                              writer.name, is.empty() ? "nothing" : clip_quoted(is), clip_quoted(was)));
}

/// Throws unless the pairs of `back` are those of `data`.
void require_same(const PairData& data, const PairData& back, const Writer& writer) {
  for (size_t i = 0; i < data.examples.size(); ++i) {
    const PairExample& was = data.examples[i];
    const std::string is = i < back.examples.size() ? back.examples[i].source + " / " + back.examples[i].target : "";
    if (i >= back.examples.size() || back.examples[i].source != was.source || back.examples[i].target != was.target)
      refuse_other(data.files[static_cast<size_t>(was.file)], was.line, writer, was.source + " / " + was.target, is);
  }
  if (back.examples.size() > data.examples.size())
    refuse_other(data.files.front(), 0, writer, "", back.examples[data.examples.size()].source);
}

PairData read_pairs_in(const std::string& format, const std::string& file, const ReadOptions& options) {
  if (format == "in-out") return read_in_out_pairs(file, options);
  if (format == "tsv") return read_tsv_pairs(file, options);
  return read_pair_table(file, {format, {"source", "target"}, format == "csv", ""}, options);
}

LabelPlan label_plan(const std::string& format) {
  LabelPlan plan;
  plan.format = format == "fasttext" ? "lines" : format;
  if (format == "tsv" || format == "csv") plan.columns = {"label", "text"};
  plan.header = !plan.columns.empty();
  return plan;
}

TagPlan tag_plan(const Writer& writer, const std::string& target) {
  TagPlan plan;
  plan.format = writer.name;
  plan.target = target;
  plan.tabs = true;
  plan.columns = {"token", "tag"};
  return plan;
}

/// Reads `text` back by what was thrown, as an error at the place where the data came from.
template <class Read>
auto read_back(const std::string& source, const Writer& writer, Read read) {
  try {
    return read();
  } catch (const DataError& error) {
    const std::string text = error.what();
    throw DataError(source, 0, 0,
                    fmt::format("[data] what is written in {} must be readable; got: {} Convert to another format.",
                                writer.name, text.substr(std::min(text.find("[data] "), text.size()))));
  }
}

std::string write_tags(const std::vector<std::string>& files, const DataPlan& plan, const Writer& writer,
                       const ReadOptions& options, Conversion& done) {
  const TagData data = read_tags(files, plan.tags, options);
  if (data.has_intents()) done.lost.emplace_back("intents");
  const std::string target = plan.format == "conllu" ? plan.tags.target : "upos";
  std::string text = writer.tags(data, target);
  const MemoryFile file(text);
  const TagData back =
      read_back(data.file, writer, [&] { return read_tags({file.name()}, tag_plan(writer, target), options); });
  for (size_t i = 0; i < std::max(data.sentences.size(), back.sentences.size()); ++i) {
    const TaggedSentence none, &was = i < data.sentences.size() ? data.sentences[i] : none,
                               &is = i < back.sentences.size() ? back.sentences[i] : none;
    if (was.tokens == is.tokens && was.tags == is.tags) continue;
    refuse_other(data.file, was.lines.empty() ? 0 : was.lines.front(), writer,
                 fmt::format("{} / {}", fmt::join(was.tokens, " "), fmt::join(was.tags, " ")),
                 fmt::format("{} / {}", fmt::join(is.tokens, " "), fmt::join(is.tags, " ")));
  }
  done.examples = static_cast<int64_t>(data.sentences.size());
  return text;
}

std::string write_series(const std::vector<std::string>& files, const DataPlan& plan, const Writer& writer,
                         const ReadOptions& options, Conversion& done) {
  const std::vector<std::string> tables = tables_of(files.front());
  if (tables.size() > 1)
    throw UnsupportedError(
        fmt::format("[data] series are converted from one table at a time; got {}, a folder of {}. Name one of them.",
                    files.front(), tables.size()));
  const SeriesSet data = read_series(tables.front(), plan.series, plan.of_series(), options);
  if (data.zones) done.lost.emplace_back("offsets from UTC");
  std::string text = writer.series(data);
  const MemoryFile file(text);
  SeriesFormat format;
  format.layout = layout_of(data);
  format.header = format.layout == "rows" ? "no" : "yes";
  if (format.layout == "wide") {
    std::vector<std::string> roles(data.series.size(), "value");
    if (data.series.front().times) roles.insert(roles.begin(), "time");
    if (data.series.front().labels) roles.emplace_back("label");
    format.columns = fmt::format("{}", fmt::join(roles, ","));
  }
  const SeriesSet back = read_back(data.file, writer, [&] {
    return read_series(file.name(), plan_series(file.name(), format, options), format, options);
  });
  const auto same = [](const auto& a, const auto& b) { return a == b || (a && b && *a == *b); };
  for (size_t i = 0; i < data.series.size(); ++i) {
    const Series& was = data.series[i];
    const bool found = i < back.series.size();
    if (found && back.series[i].values == was.values && same(back.series[i].times, was.times) &&
        same(back.series[i].labels, was.labels) && (back.series[i].name == was.name || was.name.empty()))
      continue;
    refuse_other(
        data.file, 0, writer, fmt::format("the series {} of {}", was.name, counted(was.length(), "value")),
        found ? fmt::format("the series {} of {}", back.series[i].name, counted(back.series[i].length(), "value"))
              : "");
  }
  done.examples = static_cast<int64_t>(data.series.size());
  return text;
}

}  // namespace

std::vector<WrittenFormat> written_formats() {
  std::vector<WrittenFormat> formats;
  for (const Writer& writer : writers()) formats.push_back({writer.name, writer.summary});
  return formats;
}

std::string format_of_name(const std::string& file) {
  for (const Writer& writer : writers())
    if (!writer.ending.empty() && file.ends_with(writer.ending)) return writer.name;
  return "";
}

Conversion convert_data(const std::vector<std::string>& files, const std::string& to, bool lossy,
                        const DataReading& reading, std::string& text) {
  const Writer& writer = writer_named(to);
  const ReadOptions options;
  const DataPlan plan = plan_data(files, reading, options);
  Conversion done;
  done.kind = name_of(plan.kind);
  done.from = plan.format;
  done.to = to;
  if (plan.kind == DataKind::tags && writer.tags != nullptr) {
    text = write_tags(files, plan, writer, options, done);
  } else if (plan.kind == DataKind::series && writer.series != nullptr) {
    text = write_series(files, plan, writer, options, done);
  } else if ((plan.kind == DataKind::pairs && writer.pairs != nullptr) ||
             (plan.kind == DataKind::labels && writer.labels != nullptr)) {
    TagData none;
    const PairData data = read_as_pairs(files, plan, options, none);
    const bool labels = plan.kind == DataKind::labels;
    text = labels ? writer.labels(data) : writer.pairs(data);
    const MemoryFile file(text);
    const PairData back = read_back(data.files.front(), writer, [&] {
      return labels ? read_labels({file.name()}, label_plan(to), options) : read_pairs_in(to, file.name(), options);
    });
    require_same(data, back, writer);
    done.examples = static_cast<int64_t>(data.examples.size());
  } else {
    refuse_kind(plan, writer);
  }
  const std::vector<std::string> unread = lost_in_reading(files, plan, options, done.examples);
  done.lost.insert(done.lost.end(), unread.begin(), unread.end());
  if (!done.lost.empty() && !lossy)
    throw DataError(files.front(), 0, 0,
                    fmt::format("[data] a conversion to {} must lose nothing unasked; got a file with {}. Leave it out "
                                "with --lossy.",
                                to, fmt::join(done.lost, ", ")));
  return done;
}

}  // namespace carousel::data
