// Repeats a unit of work and reports the median, with the share of the machine's measured arithmetic roof.
#pragma once

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "carousel/base/threads.h"
#include "carousel/kernels/quant/format.h"
#include "carousel/kernels/table.h"

namespace carousel::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Best rate in GFLOP/s of a large product on all threads: what the recurrent workloads are held against.
inline double product_roof() {
  constexpr int64_t kN = 512;
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const double start = now();
    constexpr int kRepeat = 20;
#pragma omp parallel
    {
      std::vector<float> a(kN * kN, 0.5f), b(kN * kN, 0.25f), c(kN * kN);
      const auto packed = kernels::table<float>().pack(false, kN, kN);
      packed->assign(b.data(), kN);
      for (int i = 0; i < kRepeat; ++i) packed->multiply(kN, a.data(), c.data(), false);
    }
    const double flops = 2.0 * kN * kN * kN * kRepeat * omp_get_max_threads();
    best = std::max(best, flops / (now() - start) / 1e9);
  }
  return best;
}

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
};

/// What multiplied, for the line of a result.
inline std::string describe_products() {
  return kernels::describe_active() + (kernels::precision() == kernels::Precision::bf16 ? ", bf16 products" : "");
}

struct Workload {
  std::string name;
  double gflop = 0;  ///< arithmetic of one unit of work
  std::function<void()> run;
  int inner = 1;  ///< units per timed repeat
};

/// Median seconds of one unit after warm-up, printed as one JSON line.
inline double report(const Workload& w, int repeat, double roof) {
  for (int i = 0; i < 3; ++i) w.run();
  std::vector<double> times;
  for (int r = 0; r < repeat; ++r) {
    const double start = now();
    for (int i = 0; i < w.inner; ++i) w.run();
    times.push_back((now() - start) / w.inner);
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s\", \"threads\": %d, \"workload\": \"%s\", \"seconds\": %.6g, "
      "\"min\": %.6g, \"gflops\": %.1f, \"share_of_product_roof\": %.3f}\n",
      describe_products().c_str(), num_threads(), w.name.c_str(), median, times.front(), w.gflop / median,
      roof > 0 ? w.gflop / median / roof : 0.0);
  std::fflush(stdout);
  return median;
}

}  // namespace carousel::bench
