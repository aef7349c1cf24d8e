// The registry of cells: choices and their errors, parameters and their number, first values, equations.
#include "carousel/nn/cells/cell.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "carousel/base/error.h"
#include "carousel/nn/recurrent.h"
#include "tests/nn/cell_samples.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace cells_test {

using carousel::testing::error_of;
using testing::everything;
using testing::make_sample;
using testing::Sample;
using testing::values_of;

class EveryConvention : public ::testing::TestWithParam<CellOptions> {};

TEST_P(EveryConvention, ParametersAreAsManyAsTheFormulaSays) {
  const auto cell = make_cell(GetParam());
  for (const int64_t input : {1, 5})
    for (const int64_t hidden : {1, 4, 7}) {
      int64_t count = 0;
      for (const CellParameter& p : cell->parameters(input, hidden, 1, 1)) count += p.initial.numel();
      EXPECT_EQ(cell->num_parameters(input, hidden), count) << input << " " << hidden;
    }
}

TEST_P(EveryConvention, FirstValuesAreAFunctionOfSeedAndStream) {
  const auto cell = make_cell(GetParam());
  const auto all = [&](uint64_t seed, uint64_t stream) {
    std::vector<double> values;
    for (const CellParameter& p : cell->parameters(3, 4, seed, stream))
      for (const double v : values_of(p.initial)) values.push_back(v);
    return values;
  };
  EXPECT_EQ(all(1, 7), all(1, 7));
  EXPECT_NE(all(1, 7), all(2, 7));
  EXPECT_NE(all(1, 7), all(1, 9));
}

TEST_P(EveryConvention, WeightsFindTheirPlacesAndNamesEndInTheSuffix) {
  const auto cell = make_cell(GetParam());
  std::vector<std::string> names;
  const CellWeights w = make_weights(*cell, 3, 4, 1, 1, "_l0", [&](const std::string& name, const Tensor& value) {
    names.push_back(name);
    return Var(value, true);
  });
  EXPECT_EQ(names[0], "weight_ih_l0");
  for (const std::string& name : names) EXPECT_TRUE(name.ends_with("_l0")) << name;
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(w.w_hh.defined(), cell->has_recurrent_weight());
  EXPECT_EQ(w.b_ih.defined(), GetParam().biases > 0);
  EXPECT_EQ(w.b_hh.defined(), GetParam().biases > 1);
  EXPECT_EQ(w.all().size(), names.size());
}

TEST_P(EveryConvention, RecurrentBlocksHaveOrthonormalColumns) {
  const auto cell = make_cell(GetParam());
  if (!cell->has_recurrent_weight()) return;
  const int64_t hidden = 6, width = cell->output_size(hidden);
  const Tensor u = cell->parameters(3, hidden, 1, 1)[1].initial;
  for (int64_t g = 0; g < cell->num_gates(); ++g)
    for (int64_t a = 0; a < width; ++a)
      for (int64_t b = 0; b < width; ++b) {
        double dot = 0;
        for (int64_t i = 0; i < hidden; ++i) {
          const float* row = u.data<float>() + (g * hidden + i) * width;
          dot += static_cast<double>(row[a]) * static_cast<double>(row[b]);
        }
        EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-5);
      }
}

TEST_P(EveryConvention, ForgetGatesStartAtOneAndOtherBiasesAtZero) {
  const auto cell = make_cell(GetParam());
  if (GetParam().biases == 0) return;
  const int64_t hidden = 3;
  const auto parameters = cell->parameters(2, hidden, 1, 1);
  const Tensor bias = parameters[cell->has_recurrent_weight() ? 2 : 1].initial;
  const auto names = cell->gate_names();
  for (size_t g = 0; g < names.size(); ++g)
    for (int64_t j = 0; j < hidden; ++j) {
      const float first = bias.data<float>()[static_cast<int64_t>(g) * hidden + j];
      if (names[g] == "forget_gate") {
        EXPECT_EQ(first, 1);
      } else if (names[g] != "update_gate") {  // one that keeps may start at 1 too
        EXPECT_EQ(first, 0) << names[g];
      }
    }
}

TEST_P(EveryConvention, EquationsNameThePaperAndTheBiases) {
  const std::string text = make_cell(GetParam())->equations();
  EXPECT_TRUE(text.find("19") != std::string::npos || text.find("20") != std::string::npos);
  EXPECT_EQ(text.find("b_ih + b_hh") != std::string::npos, GetParam().biases == 2);
  EXPECT_EQ(text.find("this model has no biases") != std::string::npos, GetParam().biases == 0);
}

TEST_P(EveryConvention, NaNInTheInputReachesTheOutputOfItsSequenceAndOfNoOther) {
  const Sample s = make_sample(GetParam(), {{4, 3}, 3, 5});
  Sample poisoned = s;
  poisoned.x = Var(s.x.value().clone());
  const int64_t row = s.packing.row(1, 0);
  poisoned.x.mutable_value().data<double>()[row * 3 + 1] = std::nan("");
  const Tensor clean = s.run().y.value(), y = poisoned.run().y.value();
  const int64_t width = y.dim(1);
  for (int64_t t = 0; t < s.packing.seq_len(); ++t)
    for (int64_t j = 0; j < s.packing.batch_sizes[static_cast<size_t>(t)]; ++j)
      for (int64_t i = 0; i < width; ++i) {
        const int64_t at = s.packing.row(t, j) * width + i;
        if (j == 0 && t >= 1) {
          EXPECT_TRUE(std::isnan(y.data<double>()[at])) << t;
        } else {
          EXPECT_EQ(y.data<double>()[at], clean.data<double>()[at]);
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryConvention, ::testing::ValuesIn(testing::all_conventions()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

TEST(Cells, OfTheLecturesAreAllThere) {
  const std::vector<std::string> names = cell_names();
  for (const char* name : {"rnn", "lstm", "peephole_lstm", "layer_norm_lstm", "coupled_lstm", "projected_lstm", "gru",
                           "layer_norm_gru", "min_gru", "slstm"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

TEST(Cells, LstmAndGruHaveTheParametersOfTheLectures) {
  for (const int64_t d : {4, 100})
    for (const int64_t m : {3, 50}) {
      EXPECT_EQ(make_cell("lstm")->num_parameters(m, d), 4 * d * (d + m) + 4 * d);
      EXPECT_EQ(make_cell("gru")->num_parameters(m, d), 3 * d * (d + m) + 3 * d);
      // Exactly a quarter fewer, not "30 to 50 %".
      EXPECT_EQ(4 * make_cell("gru")->num_parameters(m, d), 3 * make_cell("lstm")->num_parameters(m, d));
    }
}

TEST(Cells, PrintTheirParametersAsASum) {
  EXPECT_EQ(make_cell("lstm")->parameter_sum(5, 8), "4 * 8 * (5 + 8) + 32 biases = 448");
  EXPECT_EQ(make_cell("gru")->parameter_sum(5, 8), "3 * 8 * (5 + 8) + 24 biases = 336");
  EXPECT_EQ(make_cell("peephole_lstm")->parameter_sum(5, 8), "4 * 8 * (5 + 8) + 32 biases + 24 more = 472");
  EXPECT_EQ(make_cell("projected_lstm")->parameter_sum(5, 8), "4 * 8 * (5 + 4) + 32 biases + 32 more = 352");
  EXPECT_EQ(make_cell("min_gru")->parameter_sum(5, 8), "2 * 8 * 5 + 16 biases = 96");
  CellOptions bare;
  bare.biases = 0;
  EXPECT_EQ(make_cell(bare)->parameter_sum(5, 8), "4 * 8 * (5 + 8) = 416");
}

CellOptions options(const std::string& cell) {
  CellOptions o;
  o.cell = cell;
  return o;
}

TEST(Cells, DefaultsAreTheConventionsOfThePapers) {
  EXPECT_EQ(make_cell("gru")->options().reset, "before");
  EXPECT_EQ(make_cell("gru")->options().update, "new");
  EXPECT_EQ(make_cell("gru")->options().biases, 1);
  EXPECT_EQ(make_cell("layer_norm_gru")->options().reset, "after");
  EXPECT_EQ(make_cell("rnn")->options().activation, "tanh");
  EXPECT_EQ(make_cell("lstm")->options().reset, "");
  EXPECT_EQ(make_cell("projected_lstm")->output_size(7), 4);
}

TEST(Cells, UnknownNamesOfferTheNearest) {
  EXPECT_EQ(error_of<ConfigError>([] { make_cell("lstn"); }),
            fmt::format("[cell] there is no cell 'lstn'; got known cells {}. Did you mean 'lstm'?",
                        fmt::join(cell_names(), ", ")));
  CellOptions o = options("gru");
  o.reset = "befor";
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] reset must be one of before, after; got 'befor'. Did you mean 'before'?");
  o = options("gru");
  o.update = "old";
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] update must be one of new, keep; got 'old'. Choose one of them.");
  o = options("rnn");
  o.activation = "rely";
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] activation must be one of tanh, relu; got 'rely'. Did you mean 'relu'?");
}

TEST(Cells, ChoicesThatACellDoesNotHaveAreRefusedWithTheReason) {
  CellOptions o = options("lstm");
  o.reset = "after";
  EXPECT_EQ(
      error_of<ConfigError>([&] { make_cell(o); }),
      "[cell] reset is a choice of gru, layer_norm_gru; got reset = after for lstm. Leave it out, or choose such a "
      "cell.");
  o = options("rnn");
  o.update = "keep";
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] update is a choice of gru, layer_norm_gru, min_gru; got update = keep for rnn. Leave it out, or "
            "choose such a cell.");
  o = options("gru");
  o.activation = "relu";
  EXPECT_EQ(
      error_of<ConfigError>([&] { make_cell(o); }),
      "[cell] activation is a choice of rnn; got activation = relu for gru. Leave it out, or choose such a cell.");
  o = options("lstm");
  o.projection_size = 3;
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] projection_size is a choice of projected_lstm; got projection_size = 3 for lstm. Leave it out, or "
            "choose such a cell.");
}

TEST(Cells, SizesAndNumbersOutOfRangeAreRefused) {
  CellOptions o = options("lstm");
  o.biases = 3;
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] biases must be 0, 1 or 2; got 3. Leave it out for 1.");
  o = options("min_gru");
  o.biases = 2;
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] min_gru has no recurrent product and so at most 1 bias; got biases = 2. Set biases = 1.");
  o = options("projected_lstm");
  o.projection_size = -1;
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o); }),
            "[cell] projection_size must be at least 0; got -1. Leave it out for half of hidden_size.");
  o.projection_size = 8;
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell(o)->parameters(3, 8, 1, 1); }),
            "[cell] projection_size must be smaller than hidden_size; got 8 and 8. Choose a smaller one, or cell = "
            "lstm.");
  EXPECT_EQ(error_of<ConfigError>([&] { make_cell("lstm")->parameters(0, 8, 1, 1); }),
            "[cell] input_size and hidden_size must be at least 1; got 0 and 8. Set them.");
}

TEST(Cells, AVeryNegativeFirstInputGateOfTheSlstmCancelsOut) {
  CellWeights weights;
  weights.w_hh = Var(Tensor::zeros({4, 1}));
  const std::vector<Var> start(4, Var(Tensor::zeros({1, 1})));
  const Var input(Tensor::from<float>({1, 4}, std::vector<float>{-200, 0, 1, 0}));
  const auto stepped = make_cell("slstm")->step(nullptr, input, weights, start);
  EXPECT_NEAR(stepped.state[0].value().item(), 0.5 * std::tanh(1.0), 1e-6);
}

TEST(Cells, EveryOptionChangesTheOutput) {
  const auto run = [](const CellOptions& o) { return values_of(make_sample(o, {{4, 2}, 3, 4}).run().y.value()); };
  const auto changes = [&](const std::string& cell, auto set) {
    CellOptions changed = options(cell);
    set(changed);
    return run(changed) != run(options(cell));
  };
  for (const char* cell : {"gru", "layer_norm_gru"}) {
    const std::string other = make_cell(cell)->options().reset == "before" ? "after" : "before";
    EXPECT_TRUE(changes(cell, [&](CellOptions& o) { o.reset = other; }));
  }
  for (const char* cell : {"gru", "layer_norm_gru", "min_gru"})
    EXPECT_TRUE(changes(cell, [](CellOptions& o) { o.update = "keep"; }));
  EXPECT_TRUE(changes("rnn", [](CellOptions& o) { o.activation = "relu"; }));
  EXPECT_TRUE(changes("projected_lstm", [](CellOptions& o) { o.projection_size = 3; }));
  for (const std::string& cell : cell_names()) {
    EXPECT_TRUE(changes(cell, [](CellOptions& o) { o.biases = 0; })) << cell;
    if (!make_cell(cell)->has_recurrent_weight()) continue;
    EXPECT_TRUE(changes(cell, [](CellOptions& o) { o.biases = 2; })) << cell;
  }
}

TEST(Cells, OptionsComeThroughTheTable) {
  CellOptions o;
  OptionTable table;
  table.section("model");
  o.options(table);
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"cell", "gru"}, {"reset", "after"}, {"update", "keep"}, {"biases", "2"}};
  for (const auto& [key, value] : settings) table.set(key, value, "test");
  const auto cell = make_cell(o);
  EXPECT_EQ(cell->name(), "gru");
  EXPECT_EQ(cell->options().reset, "after");
  EXPECT_EQ(cell->options().update, "keep");
  EXPECT_EQ(cell->options().biases, 2);
  for (const auto& [key, value] : settings) table.set(key, key == "cell" ? "projected_lstm" : "auto", "test");
  table.set("projection_size", "2", "test");
  EXPECT_EQ(make_cell(o)->output_size(8), 2);
  EXPECT_EQ(make_cell(o)->options().biases, 1);
  EXPECT_EQ(
      error_of<ConfigError>([&] { table.set("cell", "gruu", "test"); }),
      fmt::format("[test] cell must be one of {}; got \"gruu\". Did you mean \"gru\"?", fmt::join(cell_names(), ", ")));
}

}  // namespace cells_test
}  // namespace carousel::nn
