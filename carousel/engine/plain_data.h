// What a look at the data sees of that which training will read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "carousel/data/any_data.h"

namespace carousel::engine {

/// How data for `task` lie in `files`, as far as `settings`, "name=value" each, say it. Nothing where a setting names
/// the format, where they look like data of another task, or cannot be read so.
std::optional<data::DataPlan> plan_for_task(const std::string& task, const std::vector<std::string>& files,
                                            const std::vector<std::string>& settings);

/// Bytes of the files behind these names, those in a folder for a folder; of packed ones a guess.
uintmax_t bytes_of_files(const std::vector<std::string>& names);

}  // namespace carousel::engine
