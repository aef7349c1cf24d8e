// What is in recordings, arrays, files of series with labels and images, for data check.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/check.h"

namespace carousel::data {

/// Fills in the report's recordings or sequences, faults, duplicates, labels and dev. Throws DataError for what
/// concerns the whole.
void check_frames(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const FramePlan& plan, const ReadOptions& options, DataReport& report);

}  // namespace carousel::data
