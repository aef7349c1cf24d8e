// What is in files of running text, for data check.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/check.h"

namespace carousel::data {

/// A character that is seldom meant: a control, a joiner of no width, a bidirectional mark, the sign for undecodable
/// text.
bool is_suspicious(char32_t c);

/// Fills in the report's running text and dev; quick leaves out all but what dev shares with it. Throws DataError for
/// what concerns a whole file.
void check_text(const std::vector<std::string>& files, const std::vector<std::string>& dev_files, CheckDepth depth,
                const ReadOptions& options, DataReport& report);

}  // namespace carousel::data
