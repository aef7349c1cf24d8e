// Data that lie as the files alone say, so that a look at them sees what training will read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "carousel/data/any_data.h"

namespace carousel::engine {

/// How texts for `task` (tag, classify, transduce) lie in `files`. Nothing where one of `settings`, "name=value" each,
/// says how to read them, where they look like data of another task, or cannot be read without options.
std::optional<data::DataPlan> plan_of_plain_texts(const std::string& task, const std::vector<std::string>& files,
                                                  const std::vector<std::string>& settings);

/// Bytes of the texts behind these names, those of a folder's files for a folder; of packed ones a guess.
uintmax_t bytes_of_texts(const std::vector<std::string>& names);

}  // namespace carousel::engine
