// How long do forward and backward of one recurrent layer take? Workload names as in the peers' programs.
// Usage: bench_recurrent [threads] [repeat] [workload]
#include <cstdlib>

#include "benchmarks/measure.h"
#include "carousel/nn/init.h"
#include "carousel/nn/recurrent.h"

using namespace carousel;

namespace {

/// Forward and backward of a layer, gradients for input and weights, as torch_rnn.py's train_cell.
bench::Workload train(const char* name, int64_t input, int64_t hidden, int64_t batch, int64_t steps, int inner) {
  const auto cell = nn::make_cell("lstm");
  const int64_t gates = cell->num_gates();
  const Packing packing = Packing::make(std::vector<int64_t>(static_cast<size_t>(batch), steps));
  const Var x(nn::normal_init({packing.rows(), input}, 1, Rng(1, 1)), true);
  const Tensor grad = nn::normal_init({packing.rows(), hidden}, 1, Rng(1, 2));
  nn::Direction d;
  d.weights.w_ih = Var(nn::gate_init(gates, hidden, input, Rng(1, 3)), true);
  d.weights.w_hh = Var(nn::gate_init(gates, hidden, hidden, Rng(1, 4)), true);
  d.weights.b_ih = Var(Tensor::zeros({gates * hidden}), true);
  bench::Workload w;
  w.name = name;
  w.inner = inner;
  w.gflop = 3 * 2.0 * static_cast<double>(packing.rows() * gates * hidden * (input + hidden)) / 1e9;
  w.run = [=] {
    for (const Var& v : {x, d.weights.w_ih, d.weights.w_hh, d.weights.b_ih}) v.clear_grad();
    d.weights.w_ih.mutable_value();  // an optimizer would have changed the weights: they are packed anew each time
    d.weights.w_hh.mutable_value();
    Tape tape;
    const auto out = nn::recurrent(&tape, *cell, packing, x, {d});
    tape.backward(out.y, grad);
  };
  return w;
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const int repeat = argc > 2 ? std::atoi(argv[2]) : 7;
  const std::string only = argc > 3 ? argv[3] : "";
  const double roof = bench::product_roof();
  for (const bench::Workload& w :
       {train("lstm_train_512", 512, 512, 32, 100, 1), train("lstm_train_128", 128, 128, 16, 50, 8)})
    if (only.empty() || only == w.name) bench::report(w, repeat, roof);
}
