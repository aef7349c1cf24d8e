// The commands under `carousel data` that have a file of their own.
#pragma once

#include "apps/cli/program.h"

namespace carousel::cli {

void add_data_stats(Program& program, CLI::App& group);
void add_data_convert(Program& program, CLI::App& group);

}  // namespace carousel::cli
