// Data as text in the formats that the readers know. One function for each kind of data and format; `convert.h` is what
// others call.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/pairs.h"
#include "carousel/data/series.h"
#include "carousel/data/tags.h"

namespace carousel::data {

/// A row of the registry: null where a format cannot hold that kind of data. All throw DataError at the example that
/// the format cannot hold.
struct Writer {
  std::string name;
  std::string ending;  ///< of names
  std::string summary;
  std::string (*pairs)(const PairData& data);
  std::string (*labels)(const PairData& data);
  /// `target` is the field of CoNLL-U that holds the tags.
  std::string (*tags)(const TagData& data, const std::string& target);
  std::string (*series)(const SeriesSet& data);
};

const std::vector<Writer>& writers();

/// Cells of a row between separators, with the quotes of RFC 4180 between commas. False when a cell cannot stand there:
/// it holds a tab between tabs.
bool append_row(const std::vector<std::string>& cells, char separator, std::string& text);

/// Tables of series as read_series reads them: a column each where all have the same times, a row for each value where
/// they do not, a row for each series where there are no times and lengths differ.
std::string series_table(const SeriesSet& data, char separator);
/// The layout that it takes: "wide", "long" or "rows".
std::string layout_of(const SeriesSet& data);

}  // namespace carousel::data
