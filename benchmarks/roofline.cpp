// What is the most that this machine can do? Multiply-adds of values in registers for each kind of numbers, and reading
// for sizes that lie in each of its caches and beyond: the roofs that stand beside the other benchmarks' times.
// Usage: bench_roofline [threads]
#include <cstdlib>

#include "benchmarks/measure.h"
#include "carousel/kernels/roof.h"

using namespace carousel;

int main(int argc, char** argv) {
  set_threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const int threads = num_threads();
  for (const char* numbers : {"f32", "bf16", "int8"}) {
    const kernels::RoofLoop* loop = kernels::roof_loop(numbers);
    if (!loop) continue;
    std::printf(
        "{\"program\": \"carousel\", \"threads\": %d, \"workload\": \"multiply_add\", \"numbers\": \"%s\", "
        "\"instruction\": \"%s\", \"gops\": %.1f}\n",
        threads, numbers, loop->instruction, engine::arithmetic_roof(numbers));
  }
  for (const int64_t kib : {16, 256, 768, 2048, 4096, 12288, 262144}) {
    const int64_t bytes = kib * 1024 * threads;
    std::printf(
        "{\"program\": \"carousel\", \"threads\": %d, \"workload\": \"read\", \"kib_a_thread\": %lld, "
        "\"gb_per_second\": %.1f}\n",
        threads, static_cast<long long>(kib),
        1e-9 * static_cast<double>(bytes) / engine::read_roof_seconds(bytes, threads));
    std::fflush(stdout);
  }
}
