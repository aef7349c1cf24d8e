// Flags of the laboratory's commands and what they print, the same for all of them.
#pragma once

#include <memory>
#include <string>

#include "apps/cli/program.h"
#include "carousel/base/options.h"
#include "carousel/tasks/lab/report.h"

namespace carousel::cli {

/// What every experiment can do with its results.
struct ReportFlags {
  bool json = false;
  std::string png, color = "auto", threads;
};

/// Adds --json, --png, --color and --threads. A picture that cannot be written is refused while flags are read.
void add_report_flags(CLI::App* command, ReportFlags& flags);

/// Sets the number of threads. Throws ConfigError.
void apply_threads(const ReportFlags& flags);

/// Tables, curves and findings as text.
std::string report_text(const tasks::lab::Report& report, const std::string& color);
/// {"schema", "interrupted", "tables": {name: [{column: value}]}, "notes"}. Numbers that are not finite become null.
std::string report_json(const tasks::lab::Report& report);
/// Says progress on stderr and stops at the first Ctrl-C.
tasks::lab::Observer report_observer();
/// Prints the report as the flags ask and gives the exit code: that of the signal when interrupted.
int finish_report(const tasks::lab::Report& report, const ReportFlags& flags);

}  // namespace carousel::cli
