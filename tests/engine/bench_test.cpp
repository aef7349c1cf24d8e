// The measurements of `carousel bench`: that they measure what they say, not how fast it is.
#include "carousel/engine/bench.h"

#include <gtest/gtest.h>

#include <set>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "tests/support/temp_dir.h"

namespace carousel::engine {
namespace bench_test {

TEST(Bench, TheArithmeticOfALayerIsThatOfItsProducts) {
  LayerWork lstm;
  lstm.input_size = 6;
  lstm.hidden_size = 4;
  lstm.batch_size = 3;
  lstm.seq_len = 5;
  const double forward = 2e-9 * 15 * 4 * 4 * (6 + 4);
  EXPECT_DOUBLE_EQ(layer_work(lstm).gflop, 3 * forward);
  lstm.training = false;
  EXPECT_DOUBLE_EQ(layer_work(lstm).gflop, forward);
  lstm.bidirectional = true;
  lstm.num_layers = 2;
  EXPECT_DOUBLE_EQ(layer_work(lstm).gflop, 2 * forward + 2 * 2e-9 * 15 * 4 * 4 * (8 + 4));
}

TEST(Bench, AWorkIsRunAsOftenAsItIsTimed) {
  int runs = 0;
  const BenchTimes times = time_work({[&] { ++runs; }, 1}, 5, 4);
  EXPECT_EQ(runs, 3 + 5 * 4);
  EXPECT_LE(times.min, times.median);
}

TEST(Bench, AStepReadsTheWeightsInTheirFormat) {
  StreamWork work;
  work.hidden_size = 32;
  work.steps = 50;
  const int threads = num_threads();
  const StreamTimes f32 = time_streams(work);
  EXPECT_EQ(f32.weight_bytes, 4 * 32 * 64 * 4);
  EXPECT_GT(f32.p50, 0);
  EXPECT_LE(f32.min, f32.p50);
  EXPECT_LE(f32.p50, f32.p99);
  work.weights = &kernels::quant::format_named("int8");
  EXPECT_EQ(time_streams(work).weight_bytes, 4 * 32 * 64);
  set_threads(threads);
}

TEST(Bench, GivesTheRowsAskedForAndEachAsItIsMeasured) {
  BenchRequest request;
  request.scale = 1e-3;
  request.only = "lstm_stream_128";
  std::vector<std::string> heard;
  request.row = [&](const BenchRow& row) { heard.push_back(row.numbers); };
  const int threads = num_threads();
  const std::vector<BenchRow> rows = bench(request);
  EXPECT_EQ(num_threads(), threads) << "the caller's threads are the caller's";
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(heard, (std::vector<std::string>{"f32", "bf16", "int8"}));
  for (const BenchRow& row : rows) {
    EXPECT_EQ(row.name, "lstm_stream_128");
    EXPECT_GT(row.seconds, 0);
    EXPECT_GE(row.p99, row.seconds);
    EXPECT_GT(row.rate, 0);
    EXPECT_GT(row.share, 0);
  }
}

TEST(Bench, StopsBetweenRows) {
  BenchRequest request;
  request.scale = 1e-3;
  request.only = "lstm_stream_128";
  int asked = 0;
  request.stop = [&] { return ++asked > 1; };
  EXPECT_EQ(bench(request).size(), 1u);
}

TEST(Bench, RefusesNamesThatFitNothingAndSharesOfNothing) {
  BenchRequest request;
  request.only = "lstm_strem";
  EXPECT_EQ(testing::error_of<ConfigError>([&] { bench(request); }),
            "[bench] a measurement must begin with the name asked for; got 'lstm_strem'. There are multiply_add, "
            "product_512, "
            "read_256_KiB, read_4096_KiB, read_65536_KiB, lstm_train_512, lstm_train_128, gru_train_512, "
            "lstm_infer_b64_512, lstm_stream_128, lstm_stream_256, lstm_stream_512.");
  request.scale = 0;
  EXPECT_EQ(testing::error_of<ConfigError>([&] { bench(request); }),
            "[bench] the share of the usual repeats must lie above 0 and be at most 100; got 0. Use 1.");
}

}  // namespace bench_test
}  // namespace carousel::engine
