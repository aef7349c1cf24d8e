// The loop of readers that take a line for one thing.
#pragma once

#include <string_view>

#include "carousel/base/error.h"
#include "carousel/data/line_reader.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

/// Calls parse(line) for each line that holds more than white space, and blank() for each other one. A DataError of
/// parse goes to options.bad_line.
template <class Blank, class Parse>
void each_line(LineReader& reader, const ReadOptions& options, Blank blank, Parse parse) {
  std::string_view line;
  while (reader.next(line)) {
    if (trim(line).empty()) {
      blank();
      continue;
    }
    try {
      parse(line);
    } catch (const DataError& error) {
      options.bad_line(error);
    }
  }
}

}  // namespace carousel::data
