// Cells in the conventions of PyTorch against numbers that PyTorch made (tools/make_torch_fixtures.py): outputs, last
// states, and the gradients of everything.
#include <gtest/gtest.h>

#include "carousel/tensor/archive.h"
#include "tests/nn/cell_samples.h"

namespace carousel::nn {
namespace torch_cells_test {

using testing::values_of;

struct TorchCase {
  std::string name;
  CellOptions options;
  int64_t ways = 1;
  DType dtype = DType::f64;
};

CellOptions options(const std::string& cell, const std::string& activation = "") {
  CellOptions o;
  o.cell = cell;
  o.biases = 2;
  o.activation = activation;
  if (cell == "gru") {
    o.reset = "after";
    o.update = "keep";
  }
  if (cell == "projected_lstm") o.projection_size = 4;
  return o;
}

std::vector<TorchCase> cases() {
  std::vector<TorchCase> list;
  for (const DType dtype : {DType::f64, DType::f32}) {
    list.push_back({"rnn_tanh", options("rnn", "tanh"), 1, dtype});
    list.push_back({"rnn_relu", options("rnn", "relu"), 1, dtype});
    list.push_back({"gru", options("gru"), 1, dtype});
    list.push_back({"bigru", options("gru"), 2, dtype});
    list.push_back({"lstm_biases", options("lstm"), 1, dtype});
    list.push_back({"projected", options("projected_lstm"), 1, dtype});
    list.push_back({"biprojected", options("projected_lstm"), 2, dtype});
  }
  return list;
}

class TorchCell : public ::testing::TestWithParam<TorchCase> {
 protected:
  static Tensor get(const std::string& tensor) {
    static const Archive archive = read_archive(CAROUSEL_SOURCE_DIR "/tests/fixtures/torch.safetensors");
    const Tensor* found = archive.find(GetParam().name + "/" + tensor);
    if (!found) throw std::runtime_error("no fixture " + GetParam().name + "/" + tensor);
    return found->to(GetParam().dtype);
  }
  /// Part `way` of a tensor [ways, B, width], as [B, width].
  static Tensor of_way(const std::string& tensor, size_t way) {
    const Tensor all = get(tensor);
    const int64_t batch = all.dim(1), at = static_cast<int64_t>(way);
    return all.reshape({all.dim(0) * batch, all.dim(2)}).rows(at * batch, (at + 1) * batch).clone();
  }
  static void expect_near(const Tensor& got, const Tensor& want, double tolerance, const std::string& what) {
    ASSERT_EQ(got.numel(), want.numel()) << what;
    const auto a = values_of(got), b = values_of(want);
    double largest = 1;
    for (const double v : b) largest = std::max(largest, std::abs(v));
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance * largest) << what << " " << i;
  }
  static CellWeights weights(const Cell& cell, int64_t input, int64_t hidden, const std::string& suffix) {
    return make_weights(cell, input, hidden, 1, 1, suffix,
                        [](const std::string& name, const Tensor&) { return Var(get(name).clone(), true); });
  }
};

Packing packing_of(const Tensor& batch_sizes) {
  const auto sizes = values_of(batch_sizes);
  std::vector<int64_t> lengths(static_cast<size_t>(sizes[0]), 0);
  for (const double running : sizes)
    for (size_t j = 0; j < static_cast<size_t>(running); ++j) ++lengths[j];
  return Packing::make(lengths);
}

TEST_P(TorchCell, OutputsAndGradientsAreThoseOfPyTorch) {
  const TorchCase& c = GetParam();
  const double forward = c.dtype == DType::f64 ? 1e-10 : 1e-5, gradient = c.dtype == DType::f64 ? 1e-10 : 1e-4;
  const auto cell = make_cell(c.options);
  const Packing packing = packing_of(get("batch_sizes"));
  const Var x(get("x").clone(), true);
  const int64_t hidden = get("weight_ih_l0").dim(0) / cell->num_gates();
  const std::vector<std::string> suffixes = {"_l0", "_l0_reverse"}, states = {"h", "c"};
  std::vector<Direction> directions;
  for (size_t d = 0; d < static_cast<size_t>(c.ways); ++d) {
    Direction direction;
    direction.weights = weights(*cell, x.value().dim(1), hidden, suffixes[d]);
    direction.reverse = d == 1;
    for (size_t i = 0; i < static_cast<size_t>(cell->num_states()); ++i)
      direction.initial.emplace_back(of_way(states[i] + "0", d), true);
    directions.push_back(direction);
  }
  Tape tape;
  const RecurrentOutput out = recurrent(&tape, *cell, packing, x, directions);
  expect_near(out.y.value(), get("y"), forward, "y");
  for (size_t d = 0; d < directions.size(); ++d)
    for (size_t i = 0; i < out.states[d].size(); ++i) {
      expect_near(out.states[d][i].value(), of_way(states[i] + "_n", d), forward, states[i] + "_n");
      out.states[d][i].add_grad(of_way("d_" + states[i] + "_n", d));
    }
  tape.backward(out.y, get("dy"));
  expect_near(x.grad(), get("dx"), gradient, "dx");
  for (size_t d = 0; d < directions.size(); ++d) {
    const CellWeights& w = directions[d].weights;
    std::vector<std::pair<std::string, Var>> named = {
        {"weight_ih", w.w_ih}, {"weight_hh", w.w_hh}, {"bias_ih", w.b_ih}, {"bias_hh", w.b_hh}};
    if (!w.extra.empty()) named.emplace_back("weight_hr", w.extra[0]);
    for (const auto& [name, var] : named) expect_near(var.grad(), get("d_" + name + suffixes[d]), gradient, name);
    for (size_t i = 0; i < directions[d].initial.size(); ++i)
      expect_near(directions[d].initial[i].grad(), of_way("d_" + states[i] + "0", d), gradient, states[i] + "0");
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, TorchCell, ::testing::ValuesIn(cases()), [](const auto& param_info) {
  return param_info.param.name + "_" + carousel::name_of(param_info.param.dtype);
});

}  // namespace torch_cells_test
}  // namespace carousel::nn
