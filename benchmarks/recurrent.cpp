// How long do forward and backward of recurrent layers take, and forward alone? Workload names as in the peers'
// programs, and further cells that the peers do not have.
// Usage: bench_recurrent [threads] [repeat] [workload; behind it _bf16 for products in bf16 or _int8 for weights in
// int8]
#include <cstdlib>

#include "benchmarks/measure.h"

using namespace carousel;

namespace {

struct Row {
  const char* name;
  engine::LayerWork work;
  int inner = 1;  ///< units per timed repeat
};

nn::CellOptions cell_of(const char* name, const char* reset = "") {
  nn::CellOptions options;
  options.cell = name;
  options.reset = reset;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const int repeat = argc > 2 ? std::atoi(argv[2]) : 7;
  const bench::Asked asked(argc > 3 ? argv[3] : "");
  const kernels::PrecisionScope rounding(asked.precision);
  const nn::CellOptions lstm = cell_of("lstm"), gru = cell_of("gru", "after"), rnn = cell_of("rnn"),
                        peephole = cell_of("peephole_lstm");
  const std::vector<Row> rows = {
      {"lstm_train_512", {lstm}},
      {"lstm_train_128", {lstm, 128, 128, 16, 50}, 8},
      {"bilstm2_train_200", {lstm, 100, 200, 32, 25, 2, true}, 2},
      {"gru_train_512", {gru}},
      {"gru_before_train_512", {cell_of("gru", "before")}},
      {"rnn_train_512", {rnn}},
      {"peephole_lstm_train_512", {peephole}},
      {"lstm_infer_b1_512", {lstm, 512, 512, 1, 100, 1, false, false}, 4},
      {"lstm_infer_b64_512", {lstm, 512, 512, 64, 100, 1, false, false}},
      {"gru_infer_b1_512", {gru, 512, 512, 1, 100, 1, false, false}, 4},
      {"rnn_infer_b64_512", {rnn, 512, 512, 64, 100, 1, false, false}},
      {"peephole_lstm_infer_b64_512", {peephole, 512, 512, 64, 100, 1, false, false}},
  };
  bool found = false;
  const double roof = engine::arithmetic_roof(asked.numbers());
  for (const Row& row : rows) {
    if (!asked.name.empty() && asked.name != row.name) continue;
    found = true;
    engine::LayerWork work = row.work;
    work.weights = asked.weights;
    if (work.weights && work.training) {
      std::fprintf(stderr, "bench_recurrent: weights in int8 are not trained; got '%s'.\n", argv[3]);
      return 2;
    }
    bench::report(row.name + asked.suffix, engine::layer_work(work), repeat, row.inner, roof);
  }
  if (found) return 0;
  std::fprintf(stderr, "bench_recurrent: there is no workload of this name; got '%s'.\n", asked.name.c_str());
  return 2;
}
