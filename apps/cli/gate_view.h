// Gates and states of recurrent layers for people and for other programs.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/heat_map.h"
#include "apps/cli/output.h"
#include "carousel/tasks/task.h"

namespace carousel::cli {

/// The series whose layer and gate are those named; "" stands for all. Throws ConfigError with the names there are when
/// nothing is left.
tasks::GateTrace select_gates(const tasks::GateTrace& trace, const std::string& layer, const std::string& gate);

/// A row for each series: mean, range, and the share of values near the ends of a gate (saturated).
std::string gate_table(const tasks::GateTrace& trace);

/// One series with a line for each token and a character for each unit. The range is 0 to 1 for what stays in it, else
/// -m to m, m the largest magnitude; the legend tells which.
std::string draw_gates(const tasks::GateSeries& series, const HeatMapStyle& style);

/// The same as a picture; its units are labelled by their number. Throws UnsupportedError when it would be too large.
std::string gates_png(const tasks::GateSeries& series);

/// {"schema": "carousel/gates@1", "input", "output", "series": [{"layer", "gate", "tokens", "units", "values"}]},
/// values by token and unit.
Json gates_json(const tasks::GateTrace& trace);

/// "layer,gate,position,token,unit,value" and a line for each value, positions and units from 0 (RFC 4180).
std::string gates_csv(const tasks::GateTrace& trace);

/// One series as an array of NumPy's format, version 1.0: float32 [tokens, units].
std::string gates_npy(const tasks::GateSeries& series);

}  // namespace carousel::cli
