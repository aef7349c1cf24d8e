// carousel bench: what this machine can do, and how much of it Carousel reaches.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "apps/cli/interrupt.h"
#include "apps/cli/output.h"
#include "apps/cli/program.h"
#include "carousel/base/threads.h"
#include "carousel/engine/bench.h"

namespace carousel::cli {

namespace {

struct BenchFlags {
  engine::BenchRequest request;
  int64_t threads = 0;
  bool json = false;
};

std::string time_text(double seconds) {
  if (seconds <= 0) return "";
  if (seconds < 1e-3) return fmt::format("{:.2f} us", 1e6 * seconds);
  return fmt::format("{:.2f} ms", 1e3 * seconds);
}

std::string line_of(const engine::BenchRow& row) {
  std::string line = fmt::format("{:<20} {:<5} {:>11} {:>11} {:>9.1f} {:<8}", row.name, row.numbers,
                                 time_text(row.seconds), time_text(row.p99), row.rate, row.unit);
  if (row.share > 0) line += fmt::format(" {:4.0f} %", 100 * row.share);
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

Json json_of(const engine::BenchRow& row) {
  Json json = {{"name", row.name}, {"numbers", row.numbers}};
  if (row.seconds > 0) json["seconds"] = row.seconds;
  if (row.p99 > 0) json["p99"] = row.p99;
  json["rate"] = row.rate;
  json["unit"] = row.unit;
  if (row.share > 0) json["share_of_roof"] = row.share;
  return json;
}

int run_bench(BenchFlags& flags) {
  Interrupt::finish_first();
  set_threads(flags.threads);
  flags.request.stop = [] { return Interrupt::requested(); };
  if (!flags.json) {
    say(fmt::format(
        "{}, {} threads; let nothing else run. The roof of sequences is the fastest product, that of single "
        "steps the fastest reading of their weights.",
        kernels::describe_active(), num_threads()));
    print(fmt::format("{:<20} {:<5} {:>11} {:>11} {:>9} {:<8} {:>6}\n", "workload", "", "median", "p99", "rate", "",
                      "roof"));
    flags.request.row = [](const engine::BenchRow& row) { print(line_of(row)); };
  }
  const std::vector<engine::BenchRow> rows = engine::bench(flags.request);
  if (flags.json) {
    Json json = {{"schema", "carousel/bench@1"},
                 {"kernels", kernels::describe_active()},
                 {"threads", num_threads()},
                 {"rows", Json::array()}};
    for (const engine::BenchRow& row : rows) json["rows"].push_back(json_of(row));
    print_json(json);
  }
  return Interrupt::requested() ? Interrupt::exit_code() : kOk;
}

}  // namespace

void add_bench(Program& program) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command =
      program.add(program.app(),
                  {"bench", "Measure this machine, and how much of it Carousel reaches.",
                   "carousel bench                           # some minutes: products, training, single steps\n"
                   "carousel bench --only lstm_stream         # single steps alone, in f32, bf16 and int8\n"
                   "carousel bench --scale 0.1 --json         # a tenth of the repeats, for machines"},
                  [flags] { return run_bench(*flags); });
  command->add_option("--only", flags->request.only, "Measure what begins so")->type_name("NAME");
  command->add_option("--scale", flags->request.scale, "Share of the usual repeats, above 0")->type_name("X");
  command->add_option("--threads", flags->threads, "Threads; 0 for all cores")->type_name("N");
  command->add_flag("--json", flags->json, "Print one JSON object");
}

}  // namespace carousel::cli
