// Tables of pairs: finds the columns of source and target, and reads them.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>

#include "carousel/base/error.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/each_line.h"
#include "carousel/data/json_line.h"
#include "carousel/data/label_names.h"
#include "carousel/data/pair_format.h"
#include "carousel/data/registry.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

constexpr std::array<std::string_view, 12> kTargetNames = {"target",   "tgt",         "output", "summary",
                                                           "abstract", "highlights",  "answer", "response",
                                                           "reply",    "translation", "title",  "completion"};
/// Names of languages as parallel corpora have them (ISO 639-1).
constexpr std::array<std::string_view, 44> kLanguages = {
    "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi",
    "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ka", "ko", "lt",
    "lv", "mk", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "zh"};

char separator_of(const std::string& format) {
  return format == "csv" ? ',' : '\t';
}

/// Which kind of table the lines can be; "" for none.
std::string shape_of(const Sample& sample) {
  if (named(sample.file, ".csv")) return "csv";
  if (named(sample.file, ".jsonl") || named(sample.file, ".ndjson")) return "jsonl";
  if (named(sample.file, ".tsv")) return "tsv";
  for (const std::string& line : sample.lines) {  // the first that is not blank tells
    const std::string_view text = trim(line);
    if (text.empty()) continue;
    if (text.starts_with('{') && text.ends_with('}')) return "jsonl";
    if (text.find('\t') != std::string_view::npos) return "tsv";
    return text.find(',') != std::string_view::npos ? "csv" : "";
  }
  return "";
}

/// Roles by the names of the columns: empty unless just one is usual for sources and one for targets, or just two are
/// different languages.
std::vector<std::string> roles_by_names(const std::vector<std::string>& names) {
  std::vector<std::string> roles(names.size(), "_");
  std::vector<size_t> sources, targets, languages;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_among(kSourceNames, names[i])) sources.push_back(i);
    if (is_among(kTargetNames, names[i])) targets.push_back(i);
    if (is_among(kLanguages, names[i])) languages.push_back(i);
  }
  if (sources.size() == 1 && targets.size() == 1) {
    roles[sources.front()] = "source";
    roles[targets.front()] = "target";
  } else if (sources.empty() && targets.empty() && languages.size() == 2 &&
             names[languages.front()] != names[languages.back()]) {
    roles[languages.front()] = "source";
    roles[languages.back()] = "target";
  } else {
    return {};
  }
  return roles;
}

/// The names in the first row of a table, or of the keys of its first object; empty when there is none to be read.
std::vector<std::string> first_names(const std::string& file, const std::string& format, const ReadOptions& options) {
  ReadOptions sampling = options;
  sampling.on_bad_line = [](const DataError&) {};  // the reader will tell
  std::vector<std::string> names;
  if (format != "jsonl") {
    TableReader reader(file, separator_of(format), sampling);
    if (!reader.next(names)) names.clear();
    return names;
  }
  LineReader reader(file, sampling);
  simdjson::dom::parser parser;
  std::string_view line;
  while (names.empty() && reader.next(line)) {
    if (trim(line).empty()) continue;
    try {
      names = keys_of(JsonLine(reader, line).object(parser));
    } catch (const DataError&) {
      return {};
    }
  }
  return names;
}

/// `where` gives the place of the source (0) and of the target (1), which is asked for only when one is empty.
template <class Where>
PairExample pair_of(std::string_view source, std::string_view target, const std::string& file, int64_t line,
                    const char* what, Where where) {
  source = trim(source);
  target = trim(target);
  if (source.empty() || target.empty())
    throw error_at(file, where(source.empty() ? 0 : 1),
                   fmt::format("[data] a {0} must have a source and a target; got an empty {1} with the {2} {3}. Fill "
                               "it in or remove the {0}.",
                               what, source.empty() ? "source" : "target", source.empty() ? "target" : "source",
                               clip_quoted(source.empty() ? target : source)));
  return {std::string(source), std::string(target), line, 0};
}

void read_rows(const std::string& file, const PairTable& plan, const ReadOptions& options, PairData& data) {
  const size_t source = place_of(plan.columns, "source"), target = place_of(plan.columns, "target");
  data.blank_lines =
      each_row(file, {separator_of(plan.format), plan.columns, plan.header}, options,
               [&](std::vector<std::string>& cells, const TableReader& row) {
                 for (const size_t i : {source, target}) std::replace(cells[i].begin(), cells[i].end(), '\t', ' ');
                 const auto where = [&](size_t side) { return row.place(side == 0 ? source : target); };
                 data.examples.push_back(pair_of(cells[source], cells[target], file, row.line(), "row", where));
               });
}

void read_objects(const std::string& file, const PairTable& plan, const ReadOptions& options, PairData& data) {
  LineReader reader(file, options);
  simdjson::dom::parser parser;
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view text) {
        const JsonLine line(reader, text);
        const simdjson::dom::object object = line.object(parser);
        std::array<std::string, 2> sides;
        std::array<size_t, 2> fields{};
        for (size_t side = 0; side < 2; ++side) {
          const std::optional<JsonField> field = find_field(object, plan.columns[side]);
          if (!field)
            throw error_at(file, line.place(),
                           fmt::format("[data] each object must have the keys {} (source) and {} (target); got the "
                                       "keys {}. Rename its keys, or say what they are with --columns.",
                                       plan.columns[0], plan.columns[1],
                                       clip_quoted(fmt::format("{}", fmt::join(keys_of(object), ", ")))));
          sides[side] = line.cell(plan.columns[side], field->value, field->index);
          fields[side] = field->index;
        }
        data.examples.push_back(pair_of(sides[0], sides[1], file, reader.line(), "object",
                                        [&](size_t side) { return line.place(fields[side]); }));
      });
}

}  // namespace

void PairFormat::options(OptionTable& table) {
  table.add("columns", &columns,
            "Roles of a table's columns, with commas between: source, target, and _ for one to skip; auto looks at "
            "their names.");
  table.add("header", &header, "Whether a table's first row names its columns; auto looks for usual names.")
      .one_of({"auto", "yes", "no"});
}

PairTable find_pair_table(const std::string& file, const PairFormat& wanted, const ReadOptions& options) {
  const bool given = wanted.columns != "auto";
  const std::vector<std::string> asked =
      given ? two_roles(wanted.columns, "source", "target", "_,source,target") : std::vector<std::string>();
  PairTable plan;
  plan.format = shape_of(take_sample(file, options));
  if (plan.format.empty() && given) plan.format = "tsv";
  if (plan.format.empty() || (!given && wanted.header == "no")) return {};
  const std::vector<std::string> names = first_names(file, plan.format, options), usual = roles_by_names(names);
  const bool fits = asked.size() == names.size();
  if (!given && usual.empty()) return {};
  plan.columns = given ? asked : usual;
  const size_t source = place_of(plan.columns, "source"), target = place_of(plan.columns, "target");
  if (plan.format == "jsonl") {
    if (given && !fits)
      throw DataError(file, 0, 0,
                      fmt::format("[columns] an object must have as many keys as there are roles, {}; got {} in the "
                                  "first. Give a role for each key, _ for one to skip.",
                                  asked.size(), names.size()));
    plan.columns = {names[source], names[target]};
    plan.reason = fmt::format("objects of JSON; {} is the source, {} the target", names[source], names[target]);
    return plan;
  }
  // A name counts as one only where its column has the role that it is usual for.
  const bool usual_names = fits && given &&
                           (is_among(kSourceNames, names[source]) || is_among(kTargetNames, names[target]) ||
                            (is_among(kLanguages, names[source]) && is_among(kLanguages, names[target])));
  plan.header = wanted.header == "yes" || (wanted.header == "auto" && (!given || usual_names));
  const auto called = [&](size_t i) {
    return plan.header && i < names.size() ? std::string(trim(names[i])) : fmt::format("column {}", i + 1);
  };
  plan.reason = fmt::format("{} {}-separated columns{}; {} is the source, {} the target", plan.columns.size(),
                            plan.format == "csv" ? "comma" : "tab", plan.header ? " under a row of names" : "",
                            called(source), called(target));
  return plan;
}

PairData read_pair_table(const std::string& file, const PairTable& plan, const ReadOptions& options) {
  PairData data;
  data.files = {file};
  data.format = plan.format;
  if (plan.format == "jsonl") {
    read_objects(file, plan, options, data);
  } else {
    read_rows(file, plan, options, data);
  }
  return data;
}

}  // namespace carousel::data
