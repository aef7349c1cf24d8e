// What is in folders and lists of recordings or arrays, for data check.
#pragma once

#include <string>
#include <vector>

#include "carousel/data/check.h"

namespace carousel::data {

/// Fills in the report's recordings, format, reason, faults, duplicates and dev, and says true, where `files` is a
/// folder or a list of recordings or arrays, or one of them. Throws DataError for what concerns the whole.
bool check_frames(const std::vector<std::string>& files, const std::vector<std::string>& dev_files,
                  const ReadOptions& options, DataReport& report);

}  // namespace carousel::data
