// Tables that name recordings or arrays: which columns hold their paths, what they are or say, and who speaks.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <optional>

#include "carousel/base/error.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/each_line.h"
#include "carousel/data/frames/readers.h"
#include "carousel/data/json_line.h"
#include "carousel/data/label_names.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 12> kFileNames = {"path",  "file",       "filename",       "file_name",
                                                         "audio", "audio_path", "audio_filepath", "audio_file",
                                                         "wav",   "recording",  "clip",           "array"};
constexpr std::array<std::string_view, 9> kSaidNames = {
    "text", "transcript", "transcription", "sentence", "utterance", "normalized_text", "reference", "words", "caption"};
constexpr std::array<std::string_view, 4> kKindNames = {"label", "class", "category", "target"};
constexpr std::array<std::string_view, 6> kSpeakerNames = {"speaker", "speaker_id", "client_id",
                                                           "group",   "user_id",    "speakerid"};

/// The only one of `names` that is among `known`, or their number.
template <size_t N>
size_t only_among(const std::array<std::string_view, N>& known, const std::vector<std::string>& names) {
  size_t found = names.size(), times = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!is_among(known, names[i])) continue;
    found = i;
    ++times;
  }
  return times == 1 ? found : names.size();
}

/// The names of the columns of the first row, or of the keys of the first object.
std::vector<std::string> names_of(const std::string& file, char separator) {
  std::vector<std::string> names;
  ReadOptions options;
  options.on_bad_line = [](const DataError&) {};
  try {
    if (separator != '{') {
      TableReader reader(file, separator, options);
      if (!reader.next(names)) names.clear();
      return names;
    }
    LineReader reader(file, options);
    std::string_view line;
    simdjson::dom::parser parser;
    if (reader.next(line)) return keys_of(JsonLine(reader, line).object(parser));
  } catch (const DataError&) {  // whoever reads it will say what is wrong
  }
  return {};
}

/// Gives the place of a cell.
using PlaceOf = std::function<Place(size_t index)>;

/// Hands the cells of each row, or the values of the table's columns in each object, to `take`.
void each_example(const std::string& file, const FrameTable& table, const ReadOptions& options,
                  const std::function<void(const std::vector<std::string>& cells, const PlaceOf& place_of)>& take) {
  if (table.separator != '{') {
    each_row(file, {table.separator, table.names, true}, options,
             [&](std::vector<std::string>& cells, const TableReader& row) {
               take(cells, [&](size_t index) { return row.place(index); });
             });
    return;
  }
  LineReader reader(file, options);
  simdjson::dom::parser parser;
  each_line(
      reader, options, [] {},
      [&](std::string_view text) {
        const JsonLine line(reader, text);
        const simdjson::dom::object object = line.object(parser);
        std::vector<std::string> cells(table.names.size());
        std::vector<std::optional<size_t>> fields(cells.size());
        for (const size_t i : {table.path, table.target, table.group}) {
          if (i >= cells.size()) continue;
          const std::optional<JsonField> field = find_field(object, table.names[i]);
          if (!field) continue;
          fields[i] = field->index;
          cells[i] = line.cell(table.names[i], field->value, field->index);
        }
        take(cells, [&](size_t index) { return fields[index] ? line.place(*fields[index]) : line.place(); });
      });
}

}  // namespace

FrameTable find_frame_table(const std::string& file, const std::string& first_line) {
  FrameTable table;
  const std::string_view line = trim(first_line);
  for (const char separator : {'\t', ',', '|', ';', '{'}) {
    if (separator == '{' ? !line.starts_with('{') : line.find(separator) == std::string_view::npos) continue;
    table.separator = separator;
    table.names = names_of(file, separator);
    table.path = only_among(kFileNames, table.names);
    table.target = only_among(kSaidNames, table.names);
    table.texts = table.target < table.names.size();
    if (!table.texts) table.target = only_among(kKindNames, table.names);
    table.group = only_among(kSpeakerNames, table.names);
    if (table.path < table.names.size() && table.target < table.names.size()) return table;
  }
  return {};
}

std::vector<ListedFile> read_frame_table(const std::string& file, const FrameTable& table, const ReadOptions& options) {
  const fs::path folder = fs::path(file).parent_path();
  std::vector<ListedFile> listed;
  each_example(file, table, options, [&](const std::vector<std::string>& cells, const PlaceOf& place_of) {
    const std::string_view name = trim(cells[table.path]), target = trim(cells[table.target]);
    if (name.empty() || target.empty())
      throw error_at(file, place_of(name.empty() ? table.path : table.target),
                     fmt::format("[data] a row must name a file and what it is or says; got nothing for {}. Fill it "
                                 "in, or take the row out.",
                                 name.empty() ? table.names[table.path] : table.names[table.target]));
    const fs::path path(name);
    const Place place = place_of(table.path);
    listed.push_back({(path.is_absolute() ? path : folder / path).string(), std::string(target),
                      table.group < cells.size() ? std::string(trim(cells[table.group])) : "", place.line, file,
                      place.column});
  });
  return listed;
}

}  // namespace carousel::data
