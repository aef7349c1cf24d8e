// The commands under `carousel data` that have a file of their own.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/program.h"
#include "carousel/data/any_data.h"

namespace carousel::cli {

/// What the flags of reading say: --columns and --target, and --set for the others.
struct ReadingFlags {
  data::DataReading reading;  ///< what holds where no flag is given
  std::string columns, target;
  std::vector<std::string> set;

  /// The flags live as long as the command.
  void add_to(CLI::App* command);
  /// Throws ConfigError for what is none of DataReading's options.
  data::DataReading read() const;
};

void add_data_stats(Program& program, CLI::App& group);
void add_data_convert(Program& program, CLI::App& group);

}  // namespace carousel::cli
