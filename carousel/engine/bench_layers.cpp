#include <algorithm>

#include "carousel/engine/bench.h"
#include "carousel/nn/init.h"
#include "carousel/nn/recurrent.h"

namespace carousel::engine {

namespace {

/// Layers with weights and one batch.
struct Network {
  std::shared_ptr<const nn::Cell> cell;
  Packing packing;
  std::vector<std::vector<nn::Direction>> layers;
  Var x;
  Tensor grad;  // dL/dy
  std::vector<Var> leaves;
  double gflop_forward = 0;  // of the products

  explicit Network(const LayerWork& w)
      : cell(nn::make_cell(w.cell)),
        packing(Packing::make(w.lengths.empty() ? std::vector<int64_t>(static_cast<size_t>(w.batch_size), w.seq_len)
                                                : w.lengths)),
        x(nn::normal_init({packing.rows(), w.input_size}, 1, Rng(1, 1)), w.training) {
    const int64_t ways = w.bidirectional ? 2 : 1;
    if (w.training) leaves.push_back(x);
    int64_t input = w.input_size;
    for (int64_t l = 0; l < w.num_layers; ++l) {
      auto& directions = layers.emplace_back();
      for (int64_t d = 0; d < ways; ++d) {
        nn::Direction& direction = directions.emplace_back();
        direction.reverse = d == 1;
        const auto stream = static_cast<uint64_t>(100 + 10 * l + 5 * d);
        direction.weights = nn::make_weights(
            *cell, input, w.hidden_size, 1, stream, "",
            [&](const std::string&, Tensor t) { return leaves.emplace_back(std::move(t), w.training); });
        if (!w.weights) continue;
        for (const Var& weight : {direction.weights.w_ih, direction.weights.w_hh}) weight.set_format(w.weights);
      }
      gflop_forward += 2e-9 * static_cast<double>(ways * packing.rows() * cell->num_gates() * w.hidden_size *
                                                  (input + cell->output_size(w.hidden_size)));
      input = ways * cell->output_size(w.hidden_size);
    }
    if (w.training) grad = nn::normal_init({packing.rows(), input}, 1, Rng(1, 2));
  }

  Var forward(Tape* tape) const {
    Var y = x;
    for (const auto& directions : layers) y = nn::recurrent(tape, *cell, packing, y, directions).y;
    return y;
  }

  void step() const {
    for (const Var& v : leaves) {
      v.clear_grad();
      v.mutable_value();  // an optimizer would have changed the weights: they are packed anew each time
    }
    Tape tape;
    const Var y = forward(&tape);
    tape.backward(y, grad);
  }
};

}  // namespace

BenchWork layer_work(const LayerWork& layers) {
  const auto net = std::make_shared<Network>(layers);
  if (layers.training) return {[net] { net->step(); }, 3 * net->gflop_forward};
  return {[net] { net->forward(nullptr); }, net->gflop_forward};
}

BenchTimes time_work(const BenchWork& work, int repeat, int inner) {
  for (int i = 0; i < 3; ++i) work.run();
  std::vector<double> seconds;
  for (int r = 0; r < repeat; ++r) {
    const double start = now_seconds();
    for (int i = 0; i < inner; ++i) work.run();
    seconds.push_back((now_seconds() - start) / inner);
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds.front()};
}

}  // namespace carousel::engine
