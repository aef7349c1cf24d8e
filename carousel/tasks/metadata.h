// What a model file says besides weights.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>

#include "carousel/base/error.h"

namespace carousel::tasks {

/// A text that the metadata of `file` must hold; FormatError when there is none. `what`: "classifier".
inline const std::string& metadata_entry(const std::map<std::string, std::string>& metadata, const std::string& key,
                                         const std::string& file, const char* what) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw FormatError(file, 0,
                      fmt::format("[model] the metadata must hold '{}'; got none. The file is no {} or is damaged; "
                                  "train again.",
                                  key, what));
  return found->second;
}

}  // namespace carousel::tasks
