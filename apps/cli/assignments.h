// The values of --set.
#pragma once

#include <string>
#include <vector>

#include "carousel/engine/engine.h"

namespace carousel::cli {

/// Each text is key=value. Throws ConfigError for another one.
std::vector<engine::Setting> read_assignments(const std::vector<std::string>& texts);

}  // namespace carousel::cli
