#include "carousel/nn/convert_layer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/nn/init.h"
#include "carousel/nn/recurrent.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace convert_layer_test {

using ::carousel::testing::error_of;

constexpr int64_t kInput = 3, kHidden = 5;

std::shared_ptr<const Cell> cell_of(const std::string& name, const std::string& reset, const std::string& update,
                                    int64_t biases) {
  CellOptions options;
  options.cell = name;
  options.reset = reset;
  options.update = update;
  options.biases = biases;
  return make_cell(options);
}

/// A layer whose biases and gains are no special numbers.
LayerTensors layer_of(const Cell& cell) {
  LayerTensors layer;
  uint64_t stream = 50;
  for (const CellParameter& p : cell.parameters(kInput, kHidden, 3, 7))
    layer.tensors.emplace_back(p.name, normal_init(p.initial.shape(), 0.7, Rng(4, ++stream)));
  return layer;
}

std::vector<float> output_of(const Cell& cell, const LayerTensors& layer) {
  Direction direction;
  for (const auto& [name, tensor] : layer.tensors) {
    const Var var(tensor);
    if (name == "weight_ih") {
      direction.weights.w_ih = var;
    } else if (name == "weight_hh") {
      direction.weights.w_hh = var;
    } else if (name == "bias_ih") {
      direction.weights.b_ih = var;
    } else if (name == "bias_hh") {
      direction.weights.b_hh = var;
    } else {
      direction.weights.extra.push_back(var);
    }
  }
  const Packing packing = Packing::make(std::vector<int64_t>{6, 4});
  const Var x(normal_init({packing.rows(), kInput}, 1.0, Rng(9, 1)));
  const auto y = recurrent(nullptr, cell, packing, x, {direction}).y.value().span<float>();
  return {y.begin(), y.end()};
}

void expect_same(const std::vector<float>& a, const std::vector<float>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-6) << what << " at " << i;
}

TEST(ConvertLayer, TheMeaningOfTheUpdateGateConvertsExactly) {
  for (const char* name : {"gru", "layer_norm_gru", "min_gru"})
    for (const char* reset : {"before", "after"}) {
      if (std::string(name) == "min_gru" && std::string(reset) == "after") continue;
      const std::string own_reset = std::string(name) == "min_gru" ? "" : reset;
      const auto fresh = cell_of(name, own_reset, "new", 1), keep = cell_of(name, own_reset, "keep", 1);
      const LayerTensors layer = layer_of(*fresh);
      const LayerTensors converted = convert_layer(*fresh, *keep, layer);
      expect_same(output_of(*fresh, layer), output_of(*keep, converted), std::string(name) + " " + reset);
      EXPECT_GT(std::abs(output_of(*keep, layer)[0] - output_of(*fresh, layer)[0]), 1e-4)
          << "the option means something";
      const LayerTensors back = convert_layer(*keep, *fresh, converted);
      for (const auto& [part, tensor] : layer.tensors)
        EXPECT_TRUE(std::equal(tensor.span<float>().begin(), tensor.span<float>().end(),
                               back.find(part)->span<float>().begin()))
            << "there and back is the same bits";
    }
}

TEST(ConvertLayer, BiasesSplitAndMerge) {
  for (const char* name : {"rnn", "lstm", "peephole_lstm", "gru"}) {
    const std::string reset = std::string(name) == "gru" ? "before" : "", update = reset.empty() ? "" : "new";
    const auto one = cell_of(name, reset, update, 1), two = cell_of(name, reset, update, 2);
    const LayerTensors apart = layer_of(*two);
    expect_same(output_of(*two, apart), output_of(*one, convert_layer(*two, *one, apart)), name);
    const LayerTensors together = layer_of(*one);
    expect_same(output_of(*one, together), output_of(*two, convert_layer(*one, *two, together)), name);
    const auto none = cell_of(name, reset, update, 0);
    const LayerTensors bare = layer_of(*none);
    expect_same(output_of(*none, bare), output_of(*two, convert_layer(*none, *two, bare)), name);
    EXPECT_EQ(convert_layer(*two, *none, convert_layer(*none, *two, bare)).find("bias_ih"), nullptr);
    EXPECT_EQ(
        error_of<ConfigError>([&] { convert_layer(*two, *none, apart); }),
        "[convert] biases can be left out only where they are zero; got values other than zero. Keep biases = 1.");
  }
}

TEST(ConvertLayer, ABiasInsideTheResetGateMergesOnlyWhenZero) {
  const auto one = cell_of("gru", "after", "keep", 1), two = cell_of("gru", "after", "keep", 2);
  LayerTensors layer = layer_of(*two);
  EXPECT_EQ(
      error_of<ConfigError>([&] { convert_layer(*two, *one, layer); }),
      "[convert] with reset = after the reset gate multiplies the candidate's part of bias_hh, so two biases are one "
      "only where that part is zero; got values other than zero. Keep biases = 2.");
  float* inner = const_cast<Tensor*>(layer.find("bias_hh"))->data<float>();
  std::fill(inner + 2 * kHidden, inner + 3 * kHidden, 0.0F);
  expect_same(output_of(*two, layer), output_of(*one, convert_layer(*two, *one, layer)), "zero part");
}

TEST(ConvertLayer, WhatIsAnotherFunctionIsRefusedWithTheReason) {
  const auto before = cell_of("gru", "before", "new", 1), after = cell_of("gru", "after", "new", 1);
  EXPECT_EQ(
      error_of<ConfigError>([&] { convert_layer(*before, *after, layer_of(*before)); }),
      "[convert] reset = before cannot become reset = after: U (r * h) and r * (U h) differ for every U that is not "
      "diagonal, so no weights make them equal; got a request for after. Train again with reset = after.");
  EXPECT_EQ(error_of<ConfigError>([&] { convert_layer(*make_cell("lstm"), *before, layer_of(*before)); }),
            "[convert] a cell stays what it is: others compute other functions; got lstm to gru. Train a new model.");
  CellOptions relu;
  relu.cell = "rnn";
  relu.activation = "relu";
  const auto rnn = make_cell("rnn");
  EXPECT_NE(error_of<ConfigError>([&] {
              convert_layer(*rnn, *make_cell(relu), layer_of(*rnn));
            }).find("[convert] activation = tanh cannot become relu"),
            std::string::npos);
  CellOptions narrow;
  narrow.cell = "projected_lstm";
  narrow.projection_size = 2;
  const auto half = make_cell("projected_lstm");
  EXPECT_EQ(error_of<ConfigError>([&] { convert_layer(*half, *make_cell(narrow), layer_of(*half)); }),
            "[convert] projection_size is a size of the weights; got 0 to 2. Train again.");
  EXPECT_EQ(error_of<ShapeError>([&] { convert_layer(*rnn, *rnn, {}); }),
            "[convert] a layer has weight_ih; got none. Check the file.");
}

}  // namespace convert_layer_test
}  // namespace carousel::nn
