// Two files whose lines belong together one to one.
#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"
#include "carousel/data/pairs.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

/// One of the two files with its current line.
struct AlignedSide {
  AlignedSide(const std::string& file, const ReadOptions& options) : reader(file, options) { next(); }
  void next() { has_line = reader.next(line); }
  /// Number of lines, read to the end.
  int64_t count_lines() {
    while (has_line) next();
    return reader.line();
  }

  LineReader reader;
  std::string_view line;
  bool has_line = false;
};

void require_equal_lengths(AlignedSide& source, AlignedSide& target) {
  const int64_t sources = source.count_lines(), targets = target.count_lines();
  if (sources == targets) return;
  const AlignedSide& longer = sources > targets ? source : target;
  throw DataError(
      longer.reader.file(), std::min(sources, targets) + 1, 1,
      fmt::format("[data] aligned files must have equally many lines; got {} in {} and {} in {}. Line n of one "
                  "file must belong to line n of the other.",
                  sources, source.reader.file(), targets, target.reader.file()));
}

void add_example(const AlignedSide& source_side, const AlignedSide& target_side, PairData& data) {
  const std::string_view source = trim(source_side.line), target = trim(target_side.line);
  const int64_t number = source_side.reader.line();
  if (source.empty() && target.empty()) {
    ++data.blank_lines;
    return;
  }
  if (source.empty() || target.empty()) {
    const AlignedSide& blank = source.empty() ? source_side : target_side;
    throw DataError(blank.reader.file(), number, 1,
                    fmt::format("[data] aligned lines must both have text; got a blank one beside {}. Fill it in or "
                                "remove line {} from both files.",
                                clip_quoted(source.empty() ? target : source), number));
  }
  data.examples.push_back({std::string(source), std::string(target), number, 0});
}

}  // namespace

PairData read_aligned_pairs(const std::string& source_file, const std::string& target_file,
                            const ReadOptions& options) {
  PairData data;
  data.files = {source_file};
  data.format = "aligned";
  AlignedSide source(source_file, options), target(target_file, options);
  while (source.has_line && target.has_line) {
    // A bad line that was skipped in one file is skipped in the other too.
    const int64_t ahead = source.reader.line() - target.reader.line();
    if (ahead != 0) {
      (ahead < 0 ? source : target).next();
      continue;
    }
    try {
      add_example(source, target, data);
    } catch (const DataError& error) {
      options.bad_line(error);
    }
    source.next();
    target.next();
  }
  require_equal_lengths(source, target);
  return data;
}

}  // namespace carousel::data
