// How many sources does beam search answer in a second, and how much dearer is a wider beam? An attention
// encoder-decoder of 256 units with random weights, whose outputs run to their longest: 20 symbols from 10.
// Usage: bench_search [threads] [repeat]
#include <cstdlib>

#include "benchmarks/measure.h"
#include "carousel/base/rng.h"
#include "carousel/decode/search.h"
#include "carousel/tasks/seq2seq_stepper.h"

using namespace carousel;

int main(int argc, char** argv) {
  set_threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const int repeat = argc > 2 ? std::atoi(argv[2]) : 5;
  constexpr int64_t kVocab = 64, kLength = 10;
  nn::Seq2SeqConfig config;
  config.embedding_size = 128;
  config.stack.hidden_size = {256};
  nn::Seq2Seq model(config, {kVocab, kVocab, 0, 1, 2}, 1);
  Rng rng(1, 3);
  double greedy = 0;
  for (const int64_t sources : {1, 64}) {
    std::vector<std::vector<int32_t>> batch(static_cast<size_t>(sources));
    for (auto& source : batch)
      for (int64_t t = 0; t < kLength; ++t) source.push_back(static_cast<int32_t>(3 + rng.below(kVocab - 3)));
    const std::vector<int64_t> lengths(batch.size(), kLength);
    for (const int64_t beam : {1, 5, 10}) {
      decode::SearchConfig search;
      search.beam_size = beam;
      search.max_length_factor = 2;
      search.max_length_extra = 0;
      search.min_length = 19;  // random weights may end anywhere: the work is to be the same
      const engine::BenchTimes times = engine::time_work({[&] {
                                                            tasks::Seq2SeqStepper stepper(model, batch, {});
                                                            decode::search(stepper, lengths, search);
                                                          },
                                                          0},
                                                         repeat, sources == 1 ? 4 : 1);
      if (beam == 1) greedy = times.median;
      std::printf(
          "{\"program\": \"carousel\", \"kernels\": \"%s\", \"threads\": %d, \"workload\": "
          "\"search_beam%lld_batch%lld\", "
          "\"seconds\": %.5g, \"sources_per_second\": %.1f, \"over_greedy\": %.2f}\n",
          kernels::describe_active().c_str(), num_threads(), static_cast<long long>(beam),
          static_cast<long long>(sources), times.median, static_cast<double>(sources) / times.median,
          times.median / greedy);
      std::fflush(stdout);
    }
  }
}
