// What the benchmark programs share: names of workloads with their numbers, and the line of a result.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "carousel/base/profile.h"
#include "carousel/base/threads.h"
#include "carousel/engine/bench.h"
#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/table.h"

namespace carousel::bench {

/// A workload's name and the numbers its products run in: "lstm_train_512_bf16" is lstm_train_512 with operands rounded
/// to bf16, "lstm_infer_b64_512_int8" lstm_infer_b64_512 with weights in int8.
struct Asked {
  std::string name;
  std::string suffix;
  kernels::Precision precision = kernels::Precision::f32;
  const kernels::quant::Format* weights = nullptr;

  explicit Asked(std::string text) : name(std::move(text)) {
    for (const std::string ending : {"_bf16", "_int8"})
      if (name.ends_with(ending)) suffix = ending;
    name.resize(name.size() - suffix.size());
    if (suffix == "_bf16") precision = kernels::Precision::bf16;
    if (suffix == "_int8") weights = &kernels::quant::format_named("int8");
  }

  /// What products multiply: "f32", "bf16" or "int8".
  std::string numbers() const { return suffix.empty() ? "f32" : suffix.substr(1); }
};

/// What multiplied, for the line of a result.
inline std::string describe_products() {
  return kernels::describe_active() + (kernels::precision() == kernels::Precision::bf16 ? ", bf16 products" : "");
}

/// The most memory that this program has held; 0 where the system does not tell. What getrusage says begins with the
/// memory of whoever started the program.
inline double peak_mebibytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  return 0;
}

/// Where the time of all threads goes in units of work, as a JSON object of shares, and the rate of the products while
/// they run: clocks around the kernels cost time themselves, so this is measured beside the times and not with them.
inline std::string parts_of(const engine::BenchWork& work, int repeat) {
  const std::string set = kernels::table<float>().name;
  kernels::use_profiled();
  work.run();  // packs the weights for the timed kernels
  profile::start();
  for (int i = 0; i < repeat; ++i) work.run();
  profile::stop();
  kernels::use(set);
  const profile::Report report = profile::report();
  std::string text;
  double gflops = 0;
  for (const profile::Row& row : report.rows) {
    if (row.operations > 0 && row.seconds > 0) gflops = 1e-9 * row.operations / row.seconds * report.threads;
    const double share = row.seconds / (report.seconds * report.threads);
    if (share >= 0.005) text += fmt::format("\"{}\": {:.3f}, ", row.name, share);
  }
  return fmt::format("{{{}\"products_gflops\": {:.1f}}}", text, gflops);
}

/// Times a unit of work and prints one JSON line with its share of `roof`, GFLOP/s, and where its time goes.
inline void report(const std::string& name, const engine::BenchWork& work, int repeat, int inner, double roof) {
  const engine::BenchTimes times = engine::time_work(work, repeat, inner);
  const double mebibytes = peak_mebibytes();  // before the timed kernels pack all weights once more
  const std::string parts = parts_of(work, repeat * inner);
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s\", \"threads\": %d, \"workload\": \"%s\", \"seconds\": %.6g, "
      "\"min\": %.6g, \"gflops\": %.1f, \"share_of_roof\": %.3f, \"mebibytes\": %.1f, "
      "\"parts\": %s}\n",
      describe_products().c_str(), num_threads(), name.c_str(), times.median, times.min, work.gflop / times.median,
      roof > 0 ? work.gflop / times.median / roof : 0.0, mebibytes, parts.c_str());
  std::fflush(stdout);
}

}  // namespace carousel::bench
