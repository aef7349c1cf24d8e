// What the benchmark programs share: names of workloads with their numbers, and the line of a result.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>

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

/// Times a unit of work and prints one JSON line with its share of `roof`, GFLOP/s.
inline void report(const std::string& name, const engine::BenchWork& work, int repeat, int inner, double roof) {
  const engine::BenchTimes times = engine::time_work(work, repeat, inner);
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s\", \"threads\": %d, \"workload\": \"%s\", \"seconds\": %.6g, "
      "\"min\": %.6g, \"gflops\": %.1f, \"share_of_roof\": %.3f}\n",
      describe_products().c_str(), num_threads(), name.c_str(), times.median, times.min, work.gflop / times.median,
      roof > 0 ? work.gflop / times.median / roof : 0.0);
  std::fflush(stdout);
}

}  // namespace carousel::bench
