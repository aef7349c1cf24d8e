// How long does one step of a sequence take, when steps come one at a time? A recurrent layer as wide as its input, as
// in the peers' programs, with weights in f32, bf16 and int8: the middle of the steps and their slowest hundredth, with
// all in the caches that fits, and with 4 MiB of other data read between two steps. Each step reads all weights once:
// the roof is how fast this machine reads as many bytes over and over. Workloads lstm_batch_*: 64 sequences that are
// stepped together; times are those of one sequence's step.
// Usage: bench_stream [threads, 1 or 2] [thousands of steps] [workload]
#include <cstdlib>

#include "benchmarks/measure.h"

using namespace carousel;

namespace {

std::string name_of(const engine::StreamWork& w) {
  return w.cell.cell + (w.streams > 1 ? "_batch_" : "_stream_") + std::to_string(w.hidden_size) +
         (w.weights ? std::string("_") + w.weights->name : "");
}

void report(const engine::StreamWork& w) {
  const engine::StreamTimes times = engine::time_streams(w);
  std::printf(
      "{\"program\": \"carousel\", \"kernels\": \"%s%s%s\", \"threads\": %d, \"workload\": \"%s\", \"steps\": %lld, "
      "\"seconds\": %.4g, \"p99\": %.4g, \"min\": %.4g, \"cold_seconds\": %.4g, \"cold_p99\": %.4g, \"bytes\": %lld, "
      "\"gb_per_second\": %.1f, \"share_of_read_roof\": %.3f}\n",
      kernels::describe_active().c_str(), w.weights ? ", " : "", w.weights ? w.weights->target() : "", w.threads,
      name_of(w).c_str(), static_cast<long long>(w.steps), times.p50, times.p99, times.min, times.cold_p50,
      times.cold_p99, static_cast<long long>(times.weight_bytes),
      1e-9 * static_cast<double>(times.weight_bytes) / times.p50, times.read_seconds / times.p50);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 2) : 1;
  const int64_t thousands = argc > 2 ? std::max(1, std::atoi(argv[2])) : 0;
  const std::string only = argc > 3 ? argv[3] : "";
  nn::CellOptions lstm, gru;
  gru.cell = "gru";
  gru.reset = "after";
  const std::vector<const kernels::quant::Format*> formats = {nullptr, &kernels::quant::format_named("bf16"),
                                                              &kernels::quant::format_named("int8")};
  std::vector<engine::StreamWork> all;
  for (const auto* format : formats)
    for (const int64_t hidden : {128, 256, 512, 1024}) all.push_back({lstm, hidden, format});
  all.push_back({gru, 256});
  for (const auto* format : formats) all.push_back({lstm, 512, format, 64});
  bool found = false;
  for (engine::StreamWork work : all) {
    if (!only.empty() && only != name_of(work)) continue;
    found = true;
    const int64_t usual = work.hidden_size < 1024 ? 100 : 20;
    work.threads = threads;
    work.steps = 1000 * (thousands > 0 ? thousands : usual) / work.streams;
    report(work);
  }
  if (found) return 0;
  std::fprintf(stderr,
               "bench_stream: no workload is called %s; one of lstm_stream_{128,256,512,1024}, the same with _bf16 and "
               "_int8, lstm_batch_512, gru_stream_256\n",
               only.c_str());
  return 2;
}
