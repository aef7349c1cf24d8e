// Two tab-separated columns per line.
#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/each_line.h"
#include "carousel/data/pairs.h"
#include "carousel/data/place.h"
#include "carousel/data/tag_columns.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

DataError wrong_columns(const LineReader& reader, std::string_view line) {
  const auto tabs = std::count(line.begin(), line.end(), '\t');
  return error_at(
      reader.file(), {reader.line(), column_of_width(line, cells_of(line, '\t'), 2)},
      fmt::format("[data] a line must have two tab-separated columns; got {} in {}. {}", tabs + 1, clip_quoted(line),
                  tabs == 0 ? "Put a tab between source and target." : "Keep only source and target."));
}

PairExample parse_tsv_line(const LineReader& reader, std::string_view line) {
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos || line.find('\t', tab + 1) != std::string_view::npos) {
    throw wrong_columns(reader, line);
  }
  const std::string_view source = trim(line.substr(0, tab));
  const std::string_view target = trim(line.substr(tab + 1));
  if (source.empty() || target.empty()) {
    throw DataError(reader.file(), reader.line(), source.empty() ? 1 : static_cast<int64_t>(tab) + 2,
                    fmt::format("[data] both columns must have text; got an empty {} in {}. Fill it in or remove the "
                                "line.",
                                source.empty() ? "source" : "target", clip_quoted(line)));
  }
  return {std::string(source), std::string(target), reader.line(), 0};
}

}  // namespace

PairData read_tsv_pairs(const std::string& file, const ReadOptions& options) {
  PairData data;
  data.files = {file};
  data.format = "tsv";
  LineReader reader(file, options);
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view line) { data.examples.push_back(parse_tsv_line(reader, line)); });
  return data;
}

}  // namespace carousel::data
