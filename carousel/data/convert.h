// From one file format to another, without losing anything silently.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "carousel/data/any_data.h"

namespace carousel::data {

struct Conversion {
  std::string kind;               ///< "pairs"
  std::string from, to;           ///< formats
  int64_t examples = 0;           ///< pairs, texts, sentences or series
  std::vector<std::string> lost;  ///< what the files hold beside that, in words
};

/// Names of the formats that are written, with what they look like.
struct WrittenFormat {
  std::string name, summary;
};
std::vector<WrittenFormat> written_formats();

/// The format that a name asks for by its ending, or "".
std::string format_of_name(const std::string& file);

/// Reads `files` (of one data set) and gives them as a text in the format `to`, which has been read back and was the
/// same. Throws DataError (file:line) for an example that `to` cannot hold, or which would read back as another, and
/// unless `lossy`, where the files hold what the readers or `to` leave out (further columns, intents); UnsupportedError
/// where a format holds no such data; ConfigError for an unknown format; and what the readers refuse.
Conversion convert_data(const std::vector<std::string>& files, const std::string& to, bool lossy,
                        const DataReading& reading, std::string& text);

}  // namespace carousel::data
