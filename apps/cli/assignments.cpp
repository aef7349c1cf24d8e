#include "apps/cli/assignments.h"

#include <fmt/format.h>

#include "carousel/base/error.h"

namespace carousel::cli {

std::vector<engine::Setting> read_assignments(const std::vector<std::string>& texts) {
  std::vector<engine::Setting> settings;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError(
          fmt::format("[--set] an assignment is key=value; got \"{}\". See `carousel config dump`.", text));
    }
    settings.push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
  }
  return settings;
}

}  // namespace carousel::cli
