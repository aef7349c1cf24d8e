// What is in files and folders of series, for data check.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/check.h"

namespace carousel::data {

/// Fills in the report's series and dev, of a table or a folder of tables; quick looks at what dev shares with them
/// alone. Throws DataError for what concerns a whole file.
void check_series(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const DataPlan& plan, CheckDepth depth, const ReadOptions& options, DataReport& report);

}  // namespace carousel::data
