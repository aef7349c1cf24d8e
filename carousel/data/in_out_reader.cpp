// Lines `IN: source OUT: target`, as the SCAN corpus has them (Lake & Baroni 2018).
#include <fmt/format.h>

#include "carousel/base/error.h"
#include "carousel/data/each_line.h"
#include "carousel/data/pairs.h"
#include "carousel/data/place.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr std::string_view kIn = "IN:", kOut = " OUT:";

PairExample parse_command(const LineReader& reader, std::string_view line) {
  const std::string_view text = trim(line);
  const size_t out = text.find(kOut);
  if (!text.starts_with(kIn) || out == std::string_view::npos)
    throw DataError(reader.file(), reader.line(), 1,
                    fmt::format("[data] a line must be `IN: source OUT: target`, as others here are; got {}. Write it "
                                "so, or remove it.",
                                clip_quoted(line)));
  const std::string_view source = trim(text.substr(kIn.size(), out - kIn.size()));
  const std::string_view target = trim(text.substr(out + kOut.size()));
  if (source.empty() || target.empty())
    throw error_at(
        reader.file(),
        {reader.line(), column_of(line, source.empty() ? text.substr(kIn.size()) : text.substr(out + kOut.size()))},
        fmt::format("[data] IN and OUT must both have text; got an empty {} in {}. Fill it in or remove "
                    "the line.",
                    source.empty() ? "source" : "target", clip_quoted(line)));
  return {std::string(source), std::string(target), reader.line(), 0};
}

}  // namespace

bool is_in_out_line(std::string_view line) {
  const std::string_view text = trim(line);
  return text.starts_with(kIn) && text.find(kOut) != std::string_view::npos;
}

PairData read_in_out_pairs(const std::string& file, const ReadOptions& options) {
  PairData data;
  data.files = {file};
  data.format = "in-out";
  LineReader reader(file, options);
  each_line(
      reader, options, [&] { ++data.blank_lines; },
      [&](std::string_view line) { data.examples.push_back(parse_command(reader, line)); });
  return data;
}

}  // namespace carousel::data
