// How long do forward and backward of recurrent layers take, and forward alone? Workload names as in the peers'
// programs, and further cells that the peers do not have.
// Usage: bench_recurrent [threads] [repeat] [workload; behind it _bf16 for products in bf16 or _int8 for weights in
// int8]
#include <cstdlib>

#include "benchmarks/measure.h"
#include "carousel/nn/init.h"
#include "carousel/nn/recurrent.h"

using namespace carousel;

namespace {

struct Sizes {
  int64_t input, hidden, batch, steps;
  int64_t layers = 1;
  bool bidirectional = false;
};

/// Layers with weights and one batch of full length.
struct Network {
  std::shared_ptr<const nn::Cell> cell;
  Packing packing;
  std::vector<std::vector<nn::Direction>> layers;
  Var x;
  Tensor grad;  ///< dL/dy
  std::vector<Var> leaves;
  double gflop_forward = 0;  ///< of the products

  Network(const nn::CellOptions& options, const Sizes& s, bool training)
      : cell(nn::make_cell(options)),
        packing(Packing::make(std::vector<int64_t>(static_cast<size_t>(s.batch), s.steps))),
        x(nn::normal_init({packing.rows(), s.input}, 1, Rng(1, 1)), training) {
    const int64_t ways = s.bidirectional ? 2 : 1;
    if (training) leaves.push_back(x);
    int64_t input = s.input;
    for (int64_t l = 0; l < s.layers; ++l) {
      auto& directions = layers.emplace_back();
      for (int64_t d = 0; d < ways; ++d) {
        nn::Direction& direction = directions.emplace_back();
        direction.reverse = d == 1;
        const auto stream = static_cast<uint64_t>(100 + 10 * l + 5 * d);
        direction.weights = nn::make_weights(*cell, input, s.hidden, 1, stream, "", [&](const std::string&, Tensor t) {
          return leaves.emplace_back(std::move(t), training);
        });
      }
      gflop_forward += 2e-9 * static_cast<double>(ways * packing.rows() * cell->num_gates() * s.hidden *
                                                  (input + cell->output_size(s.hidden)));
      input = ways * cell->output_size(s.hidden);
    }
    if (training) grad = nn::normal_init({packing.rows(), input}, 1, Rng(1, 2));
  }

  Var forward(Tape* tape) const {
    Var y = x;
    for (const auto& directions : layers) y = nn::recurrent(tape, *cell, packing, y, directions).y;
    return y;
  }
};

struct How {
  int inner;                                        ///< units per timed repeat
  const kernels::quant::Format* weights = nullptr;  ///< of constant weights; null: f32
};

/// Forward and backward, gradients for input and weights, as torch_rnn.py's train_cell.
bench::Workload train(const char* name, const nn::CellOptions& cell, const Sizes& sizes, const How& how) {
  const auto net = std::make_shared<Network>(cell, sizes, true);
  bench::Workload w;
  w.name = name;
  w.inner = how.inner;
  w.gflop = 3 * net->gflop_forward;
  w.run = [net] {
    for (const Var& v : net->leaves) {
      v.clear_grad();
      v.mutable_value();  // an optimizer would have changed the weights: they are packed anew each time
    }
    Tape tape;
    const Var y = net->forward(&tape);
    tape.backward(y, net->grad);
  };
  return w;
}

/// Forward alone, weights packed once.
bench::Workload infer(const char* name, const nn::CellOptions& cell, const Sizes& sizes, const How& how) {
  const auto net = std::make_shared<Network>(cell, sizes, false);
  if (how.weights)
    for (const auto& directions : net->layers)
      for (const nn::Direction& d : directions)
        for (const Var& weight : {d.weights.w_ih, d.weights.w_hh}) weight.set_format(how.weights);
  bench::Workload w;
  w.name = name;
  w.inner = how.inner;
  w.gflop = net->gflop_forward;
  w.run = [net] { net->forward(nullptr); };
  return w;
}

struct Row {
  const char* name;
  bench::Workload (*make)(const char* name, const nn::CellOptions& cell, const Sizes& sizes, const How& how);
  nn::CellOptions cell;
  Sizes sizes;
  int inner;
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
  const std::string& only = asked.name;
  const Sizes large{512, 512, 32, 100}, one{512, 512, 1, 100}, many{512, 512, 64, 100};
  const std::vector<Row> rows = {
      {"lstm_train_512", train, cell_of("lstm"), large, 1},
      {"lstm_train_128", train, cell_of("lstm"), {128, 128, 16, 50}, 8},
      {"bilstm2_train_200", train, cell_of("lstm"), {100, 200, 32, 25, 2, true}, 2},
      {"gru_train_512", train, cell_of("gru", "after"), large, 1},
      {"gru_before_train_512", train, cell_of("gru", "before"), large, 1},
      {"rnn_train_512", train, cell_of("rnn"), large, 1},
      {"peephole_lstm_train_512", train, cell_of("peephole_lstm"), large, 1},
      {"lstm_infer_b1_512", infer, cell_of("lstm"), one, 4},
      {"lstm_infer_b64_512", infer, cell_of("lstm"), many, 1},
      {"gru_infer_b1_512", infer, cell_of("gru", "after"), one, 4},
      {"rnn_infer_b64_512", infer, cell_of("rnn"), many, 1},
      {"peephole_lstm_infer_b64_512", infer, cell_of("peephole_lstm"), many, 1},
  };
  bool found = false;
  const double roof = bench::product_roof();
  for (const Row& row : rows) {
    if (!only.empty() && only != row.name) continue;
    found = true;
    if (asked.weights && row.make == train) {
      std::fprintf(stderr, "bench_recurrent: weights in int8 are not trained; got '%s'.\n", argv[3]);
      return 2;
    }
    bench::Workload w = row.make(row.name, row.cell, row.sizes, {row.inner, asked.weights});
    w.name += asked.suffix;
    bench::report(w, repeat, roof);
  }
  if (found) return 0;
  std::fprintf(stderr, "bench_recurrent: there is no workload of this name; got '%s'.\n", only.c_str());
  return 2;
}
