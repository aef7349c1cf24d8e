// What does packing sequences of unequal lengths save against padding them to the longest of their batch? Forward and
// backward of one LSTM layer over batches of real lines, drawn at random and drawn from lines of like length.
// Usage: bench_packing FILE [threads] [units] [batches]; the length of a sequence is the bytes of a line of FILE
#include <cstdlib>
#include <fstream>
#include <string>

#include "benchmarks/measure.h"
#include "carousel/base/rng.h"

using namespace carousel;

namespace {

struct Sums {
  double packed = 0, padded = 0;  // seconds
  int64_t steps = 0, padded_steps = 0;
};

double seconds_of(engine::LayerWork work, std::vector<int64_t> lengths) {
  work.lengths = std::move(lengths);
  return engine::time_work(engine::layer_work(work), 3).min;
}

Sums measure(const std::vector<std::vector<int64_t>>& batches, const engine::LayerWork& work) {
  Sums sums;
  for (const auto& lengths : batches) {
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    sums.packed += seconds_of(work, lengths);
    sums.padded += seconds_of(work, std::vector<int64_t>(lengths.size(), longest));
    for (const int64_t length : lengths) sums.steps += length;
    sums.padded_steps += longest * static_cast<int64_t>(lengths.size());
  }
  return sums;
}

}  // namespace

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "");
  std::vector<int64_t> lengths;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lengths.push_back(std::min<int64_t>(static_cast<int64_t>(line.size()), 1000));
  constexpr size_t kBatch = 32;
  if (lengths.size() < kBatch) {
    std::fprintf(stderr, "usage: bench_packing FILE [threads] [units] [batches]; FILE has 32 lines or more\n");
    return 2;
  }
  set_threads(argc > 2 ? std::atoi(argv[2]) : 0);
  engine::LayerWork work;
  work.input_size = work.hidden_size = argc > 3 ? std::atoi(argv[3]) : 256;
  const int count = argc > 4 ? std::atoi(argv[4]) : 20;
  std::vector<int64_t> sorted = lengths;
  std::sort(sorted.begin(), sorted.end());
  Rng rng(1, 0);
  std::vector<std::vector<int64_t>> random, alike;
  for (int b = 0; b < count; ++b) {
    auto& batch = random.emplace_back();
    for (size_t i = 0; i < kBatch; ++i) batch.push_back(lengths[rng.below(lengths.size())]);
    const auto from = sorted.begin() + static_cast<std::ptrdiff_t>(rng.below(sorted.size() - kBatch + 1));
    alike.emplace_back(from, from + kBatch);
  }
  for (const auto& [name, batches] : {std::pair("random", &random), std::pair("alike", &alike)}) {
    const Sums sums = measure(*batches, work);
    std::printf(
        "{\"program\": \"carousel\", \"kernels\": \"%s\", \"threads\": %d, \"workload\": \"lstm_train_%lld_%s\", "
        "\"batches\": %d, \"packed_seconds\": %.5g, \"padded_seconds\": %.5g, \"packed_over_padded\": %.3f, "
        "\"share_of_steps_that_are_real\": %.3f}\n",
        kernels::describe_active().c_str(), num_threads(), static_cast<long long>(work.hidden_size), name, count,
        sums.packed / count, sums.padded / count, sums.packed / sums.padded,
        static_cast<double>(sums.steps) / static_cast<double>(sums.padded_steps));
    std::fflush(stdout);
  }
}
