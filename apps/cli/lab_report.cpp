#include "apps/cli/lab_report.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>

#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/plot.h"
#include "carousel/base/files.h"
#include "carousel/base/threads.h"

namespace carousel::cli {

namespace {

std::string cell_text(const tasks::lab::Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* count = std::get_if<int64_t>(&cell)) return fmt::format("{}", *count);
  const double value = std::get<double>(cell);
  if (!std::isfinite(value)) return "-";
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e6)) return fmt::format("{:.2e}", value);
  return fmt::format("{:.{}f}", value, size >= 100 ? 1 : 4);
}

Json cell_json(const tasks::lab::Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* count = std::get_if<int64_t>(&cell)) return *count;
  const double value = std::get<double>(cell);
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

/// Whether a terminal shows row `r` of a table that may be thinned: at 0, 1, 2, 5, 10, 20, 50, ... or the last of an
/// ascent.
bool shown(const tasks::lab::Table& table, size_t r) {
  const auto column = std::find(table.columns.begin(), table.columns.end(), table.thinned_by);
  if (column == table.columns.end()) return true;
  const auto at = [&](size_t row) {
    return std::get<int64_t>(table.rows[row][static_cast<size_t>(column - table.columns.begin())]);
  };
  if (r + 1 == table.rows.size() || at(r + 1) < at(r)) return true;
  int64_t digits = at(r);
  while (digits >= 10 && digits % 10 == 0) digits /= 10;
  return digits == 0 || digits == 1 || digits == 2 || digits == 5;
}

std::string table_text(const tasks::lab::Table& table) {
  std::vector<std::vector<std::string>> lines = {{}};
  for (const std::string& column : table.columns) lines.front().push_back(metric_title(column));
  for (size_t r = 0; r < table.rows.size(); ++r) {
    if (!shown(table, r)) continue;
    lines.emplace_back();
    for (const auto& cell : table.rows[r]) lines.back().push_back(cell_text(cell));
  }
  std::vector<int64_t> widths(table.columns.size(), 0);
  for (const auto& line : lines)
    for (size_t c = 0; c < widths.size(); ++c) widths[c] = std::max(widths[c], display_width(line[c]));
  std::string text = table.title + "\n";
  for (const auto& line : lines) {
    std::string row;
    for (size_t c = 0; c < widths.size(); ++c) {
      row += "  ";
      row += c == 0 ? pad_right(line[c], widths[c]) : pad_left(line[c], widths[c]);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row;
    text += "\n";
  }
  return text;
}

}  // namespace

void add_report_flags(CLI::App* command, ReportFlags& flags) {
  command->add_flag("--json", flags.json, "Print one JSON object to stdout in place of tables and curves");
  command->add_option("--png", flags.png, "Also write the curves as a picture")
      ->each([](const std::string& path) { const AtomicFile probe(path); })  // found out now, not after an hour
      ->type_name("FILE");
  command->add_option("--color", flags.color, "Colours: auto (on a terminal, unless NO_COLOR is set), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  command->add_option("--threads", flags.threads, "Threads; 0 for all cores")->type_name("N");
}

void apply_threads(const ReportFlags& flags) {
  int64_t threads = 0;
  OptionTable table;
  table.section("lab");
  table.add("threads", &threads, "Worker threads; auto: all cores.").range(0, 1024).automatic();
  if (!flags.threads.empty()) table.set("threads", flags.threads, "--threads");
  set_threads(threads);
}

std::string report_text(const tasks::lab::Report& report, const std::string& color) {
  PlotStyle style;
  style.paint = choose_paint(color);
  style.columns = terminal_columns(STDOUT_FILENO, 100);
  std::string text;
  for (const auto& table : report.tables) text += table_text(table) + "\n";
  for (const auto& plot : report.plots) text += draw_plot(plot, style) + "\n";
  for (const std::string& note : report.notes) text += note + "\n";
  return text;
}

std::string report_json(const tasks::lab::Report& report) {
  Json tables = Json::object();
  for (const auto& table : report.tables) {
    Json rows = Json::array();
    for (const auto& row : table.rows) {
      Json object = Json::object();
      for (size_t c = 0; c < row.size(); ++c) object[table.columns[c]] = cell_json(row[c]);
      rows.push_back(object);
    }
    tables[table.name] = rows;
  }
  const Json json = {
      {"schema", report.schema}, {"interrupted", report.interrupted}, {"tables", tables}, {"notes", report.notes}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

tasks::lab::Observer report_observer() {
  Interrupt::finish_first();
  return {[](const std::string& line) { say(line); }, [] { return Interrupt::requested(); }};
}

int finish_report(const tasks::lab::Report& report, const ReportFlags& flags) {
  if (report.interrupted) say("interrupted: only what was finished is shown");
  print(flags.json ? report_json(report) : report_text(report, flags.color));
  if (!flags.png.empty()) {  // last: the results are safe if it fails
    atomic_write(flags.png, plots_png(report.plots));
    say("wrote " + flags.png);
  }
  return report.interrupted ? Interrupt::exit_code() : static_cast<int>(kOk);
}

}  // namespace carousel::cli
