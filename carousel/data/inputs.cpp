#include "carousel/data/inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/column_roles.h"
#include "carousel/data/each_line.h"
#include "carousel/data/json_line.h"
#include "carousel/data/table_reader.h"
#include "carousel/data/unicode.h"
#include "carousel/data/unpack.h"

namespace carousel::data {

namespace {

/// The one name that is usual.
std::optional<size_t> usual_place(const std::vector<std::string>& names, std::span<const std::string_view> usual) {
  std::optional<size_t> place;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string folded = fold_case(trim(names[i]), LetterCase::lower);
    if (std::find(usual.begin(), usual.end(), folded) == usual.end()) continue;
    if (place) return std::nullopt;
    place = i;
  }
  return place;
}

std::optional<std::vector<std::string>> read_rows(const std::string& file, char separator, const InputColumn& wanted,
                                                  const ReadOptions& options) {
  TableReader reader(file, separator, options);
  std::vector<std::string> cells, inputs;
  if (!reader.next(cells)) return std::nullopt;
  const size_t width = cells.size();
  std::optional<size_t> place = usual_place(cells, wanted.usual);
  bool header = place.has_value();
  if (!place && wanted.roles.size() == width && width > 1) {
    place = place_of(wanted.roles, wanted.role);
    header = wanted.header;
  }
  if (!place) return std::nullopt;
  const auto take = [&] {
    if (cells.size() != width)
      throw error_at(file, reader.place_of_width(width),
                     fmt::format("[predict] a row must have {} columns; got {}. Check its separators and quotes.",
                                 width, cells.size()));
    std::replace(cells[*place].begin(), cells[*place].end(), '\t', ' ');
    inputs.push_back(cells[*place]);
  };
  if (!header) take();
  while (reader.next(cells)) take();
  return inputs;
}

std::optional<std::vector<std::string>> read_objects(const std::string& file, const InputColumn& wanted,
                                                     const ReadOptions& options) {
  LineReader reader(file, options);
  simdjson::dom::parser parser;
  std::string key;
  std::vector<std::string> inputs;
  std::string_view text;
  while (reader.next(text)) {
    if (trim(text).empty()) continue;
    const JsonLine line(reader, text);
    const simdjson::dom::object object = line.object(parser);
    if (key.empty()) {
      const std::vector<std::string> keys = keys_of(object);
      const std::optional<size_t> place = usual_place(keys, wanted.usual);
      if (!place) return std::nullopt;
      key = keys[*place];
    }
    const std::optional<JsonField> field = find_field(object, key);
    if (!field)
      throw error_at(file, line.place(),
                     fmt::format("[predict] each object must have the key {}; got the keys {}. Check the line.", key,
                                 clip_quoted(fmt::format("{}", fmt::join(keys_of(object), ", ")))));
    inputs.push_back(line.cell(key, field->value, field->index));
  }
  return inputs;
}

}  // namespace

std::optional<std::vector<std::string>> read_inputs(const std::string& file, const InputColumn& wanted,
                                                    const ReadOptions& options) {
  if (named(file, ".csv")) return read_rows(file, ',', wanted, options);
  if (named(file, ".tsv")) return read_rows(file, '\t', wanted, options);
  if (named(file, ".jsonl") || named(file, ".ndjson")) return read_objects(file, wanted, options);
  return std::nullopt;
}

}  // namespace carousel::data
