// What is in files and folders of series, for data check.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/check.h"

namespace carousel::data {

/// Fills in the report's series, format and reason, and says true, where `files` is a table that can hardly be anything
/// but series of numbers, or a folder of such tables. Throws DataError for what concerns a whole file.
bool check_series(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const ReadOptions& options, DataReport& report);

}  // namespace carousel::data
