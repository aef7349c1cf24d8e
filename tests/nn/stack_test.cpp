// Stacks: every option counts, gradients are right, chunks equal the whole, weights survive a file.
#include "carousel/nn/stack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "carousel/autograd/grad_check.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/tensor/archive.h"
#include "tests/nn/cell_samples.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace stack_test {

using carousel::testing::error_of;

constexpr int64_t kInput = 3;

Var random_input(int64_t rows, DType dtype = DType::f32) {
  Rng rng(5, 0);
  Tensor t = Tensor::empty({rows, kInput});
  for (int64_t i = 0; i < t.numel(); ++i) t.data<float>()[i] = rng.normal();
  return Var(t.to(dtype), true);
}

void to_double(Module& module) {
  for (const NamedParameter& p : module.parameters()) {
    const Tensor wide = p.var.value().to(DType::f64);
    p.var.mutable_value() = wide;
  }
}

StackConfig small(std::vector<int64_t> widths = {4, 5}) {
  StackConfig config;
  config.hidden_size = std::move(widths);
  return config;
}

std::vector<float> output_of(const StackConfig& config, bool training = false) {
  RecurrentStack stack(config, kInput, 7);
  const Packing packing = Packing::make(std::vector<int64_t>{4, 2, 5});
  Context ctx;
  ctx.training = training;
  ctx.seed = 11;
  const Tensor y = stack.forward(ctx, packing, random_input(packing.rows())).y.value();
  return {y.span<float>().begin(), y.span<float>().end()};
}

std::vector<StackConfig> variants() {
  std::vector<StackConfig> list(6, small());
  list[1].bidirectional = true;
  list[2].residual = list[2].layer_norm = true;
  list[3].hidden_size = {4};
  list[3].num_layers = 3;
  list[3].residual = true;
  list[4].dropout = 0.3;
  list[4].variational_dropout = true;
  list[4].recurrent_dropout = 0.3;
  list[5].cell.cell = "gru";
  list[5].bidirectional = list[5].layer_norm = true;
  list[5].dropout = 0.2;
  return list;
}

TEST(RecurrentStack, GradientsEqualCentralDifferences) {
  for (const StackConfig& config : variants()) {
    RecurrentStack stack(config, kInput, 7);
    to_double(stack);
    const Packing packing = Packing::make(std::vector<int64_t>{3, 1, 2});
    const Var x = random_input(packing.rows(), DType::f64);
    std::vector<Var> inputs{x};
    for (const NamedParameter& p : stack.parameters()) inputs.push_back(p.var);
    const GradCheck check = grad_check(
        [&](Tape* tape) {
          Context ctx;
          ctx.tape = tape;
          ctx.training = true;
          ctx.seed = 3;
          const auto out = stack.forward(ctx, packing, x);
          // The last states too: y at each step, and h of the last layer.
          return ops::concat_rows(tape, {out.y, stack.last(tape, packing, out.y)});
        },
        inputs, 20);
    EXPECT_LE(check.worst, 1e-6) << config.cell.cell << " " << check.where;
  }
}

TEST(RecurrentStack, EveryOptionChangesTheOutput) {
  const std::vector<float> plain = output_of(small(), true);
  std::map<std::string, StackConfig> changed;
  changed["cell"] = changed["hidden_size"] = changed["num_layers"] = changed["bidirectional"] = small();
  changed["residual"] = changed["layer_norm"] = changed["dropout"] = changed["recurrent_dropout"] = small();
  changed["zoneout"] = small();
  changed["cell"].cell.cell = "gru";
  changed["hidden_size"].hidden_size = {5, 5};
  changed["num_layers"].hidden_size = {5};
  changed["num_layers"].num_layers = 3;
  changed["bidirectional"].bidirectional = true;
  changed["residual"].residual = true;
  changed["layer_norm"].layer_norm = true;
  changed["dropout"].dropout = 0.5;
  changed["recurrent_dropout"].recurrent_dropout = 0.5;
  changed["zoneout"].zoneout = 0.5;
  for (const auto& [name, config] : changed) EXPECT_NE(output_of(config, true), plain) << name;
  StackConfig variational = changed["dropout"];
  variational.variational_dropout = true;
  EXPECT_NE(output_of(variational, true), output_of(changed["dropout"], true));
  // Noise is for training only.
  for (const char* name : {"dropout", "recurrent_dropout"}) EXPECT_EQ(output_of(changed[name]), output_of(small()));
}

TEST(RecurrentStack, VariationalDropoutKeepsOneMaskOverTime) {
  // Layer 1 sees only what dropout leaves of layer 0: its input rows are zero in the same columns at each step.
  StackConfig config = small({6, 6});
  config.dropout = 0.5;
  config.variational_dropout = true;
  config.cell.cell = "rnn";
  config.cell.biases = 0;
  RecurrentStack stack(config, kInput, 7);
  // W of layer 1 is the identity and U is zero, so y = tanh(dropped).
  for (const NamedParameter& p : stack.parameters()) {
    if (p.name == "weight_hh_l1") p.var.mutable_value().fill(0);
    if (p.name != "weight_ih_l1") continue;
    Tensor& w = p.var.mutable_value();
    w.fill(0);
    for (int64_t i = 0; i < 6; ++i) w.data<float>()[i * 6 + i] = 1;
  }
  const Packing packing = Packing::make(std::vector<int64_t>{5});
  Context ctx;
  ctx.training = true;
  const Tensor y = stack.forward(ctx, packing, random_input(5)).y.value();
  int64_t dropped = 0;
  for (int64_t i = 0; i < 6; ++i) {
    const bool zero = y.data<float>()[i] == 0;
    dropped += zero;
    for (int64_t t = 1; t < 5; ++t) EXPECT_EQ(y.data<float>()[t * 6 + i] == 0, zero) << "unit " << i << " step " << t;
  }
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 6);
}

TEST(RecurrentStack, ChunksGiveTheBitsOfTheWhole) {
  for (const char* cell : {"lstm", "gru", "rnn"}) {
    for (const bool extras : {false, true}) {
      StackConfig config = small({8, 5});
      config.cell.cell = cell;
      config.residual = config.layer_norm = extras;
      RecurrentStack stack(config, kInput, 7);
      const Var x = random_input(9);
      Context ctx;
      const Tensor whole = stack.forward(ctx, Packing::make(std::vector<int64_t>{9}), x).y.value();
      StackState state;
      int64_t row = 0;
      for (const int64_t length : {4, 1, 2, 1, 1}) {
        const Packing packing = Packing::make(std::vector<int64_t>{length});
        const auto out =
            stack.forward(ctx, packing, Var(x.value().rows(row, row + length)), row == 0 ? nullptr : &state);
        state = RecurrentStack::final_state(packing, out);
        for (int64_t i = 0; i < out.y.value().numel(); ++i)
          ASSERT_EQ(out.y.value().data<float>()[i], whole.data<float>()[row * 5 + i]) << cell << " row " << row;
        row += length;
      }
    }
  }
}

TEST(RecurrentStack, StatesAreInTheCallersOrder) {
  RecurrentStack stack(small(), kInput, 7);
  const std::vector<int64_t> lengths{2, 5, 3};
  const Packing packing = Packing::make(lengths);
  const Var x = random_input(packing.rows());
  Context ctx;
  const StackState all = RecurrentStack::final_state(packing, stack.forward(ctx, packing, x));
  for (size_t b = 0; b < lengths.size(); ++b) {
    std::vector<int64_t> rows;
    for (int64_t t = 0; t < lengths[b]; ++t) rows.push_back(packing.row(t, packing.position[b]));
    const Packing alone = Packing::make(std::vector<int64_t>{lengths[b]});
    const StackState one =
        RecurrentStack::final_state(alone, stack.forward(ctx, alone, ops::gather_rows(nullptr, x, rows)));
    for (size_t l = 0; l < 2; ++l)
      for (size_t s = 0; s < 2; ++s)
        for (int64_t i = 0; i < one[l][0][s].numel(); ++i)
          EXPECT_NEAR(all[l][0][s].data<float>()[static_cast<int64_t>(b) * one[l][0][s].numel() + i],
                      one[l][0][s].data<float>()[i], 1e-6);
  }
}

TEST(RecurrentStack, GradientsEndAtACarriedState) {
  RecurrentStack stack(small(), kInput, 7);
  const Packing packing = Packing::make(std::vector<int64_t>{3});
  Tape tape;
  Context ctx;
  ctx.tape = &tape;
  const Var first = random_input(3), second(random_input(3).value().clone(), true);
  const StackState state = RecurrentStack::final_state(packing, stack.forward(ctx, packing, first));
  const Var y = stack.forward(ctx, packing, second, &state).y;
  tape.backward(y, Tensor::full(y.value().shape(), 1));
  EXPECT_FALSE(first.has_grad());
  EXPECT_TRUE(second.has_grad());
}

TEST(RecurrentStack, WeightsOfEveryCellSurviveAFile) {
  for (const CellOptions& cell : testing::all_conventions()) {
    StackConfig config = small();
    config.cell = cell;
    config.bidirectional = config.residual = config.layer_norm = true;
    RecurrentStack written(config, kInput, 7), read(config, kInput, 8);
    Archive archive;
    for (const NamedParameter& p : written.parameters()) archive.tensors.push_back({p.name, p.var.value()});
    const Archive back = parse_archive(serialize_archive(archive), "stack.safetensors");
    for (const NamedParameter& p : read.parameters()) {
      ASSERT_NE(back.find(p.name), nullptr) << p.name;
      p.var.mutable_value() = back.find(p.name)->clone();
    }
    const Packing packing = Packing::make(std::vector<int64_t>{4, 2});
    Context ctx;
    const Var x = random_input(packing.rows());
    EXPECT_EQ(testing::values_of(written.forward(ctx, packing, x).y.value()),
              testing::values_of(read.forward(ctx, packing, x).y.value()))
        << testing::name_of(cell);
    ASSERT_EQ(back.find("weight_hh_l1_reverse") != nullptr, make_cell(cell)->has_recurrent_weight());
    ASSERT_NE(back.find("residual_l0.weight"), nullptr);
    ASSERT_NE(back.find("norm_l1.bias"), nullptr);
  }
}

class Names : public Recorder {
 public:
  void record(std::string_view name, const Tensor& value) override { seen[std::string(name)] = value.shape().str(); }
  std::map<std::string, std::string> seen;
};

TEST(RecurrentStack, RecordsTheGatesAndStatesOfEveryCell) {
  for (const std::string& name : cell_names()) {
    StackConfig config = small({4});
    config.cell.cell = name;
    RecurrentStack stack(config, kInput, 7, "encoder.");
    Names names;
    Context ctx;
    ctx.recorder = &names;
    stack.forward(ctx, Packing::make(std::vector<int64_t>{3, 2}), random_input(5));
    const Cell& cell = stack.cell();
    EXPECT_EQ(static_cast<int64_t>(names.seen.size()), cell.num_gates() + cell.num_states()) << name;
    for (const std::string& gate : cell.gate_names()) EXPECT_EQ(names.seen["encoder.0/" + gate], "[5, 4]") << name;
    for (const std::string& state : cell.state_names()) EXPECT_TRUE(names.seen.contains("encoder.0/" + state)) << name;
  }
}

TEST(RecurrentStack, RecordsBothDirections) {
  StackConfig config = small();
  config.bidirectional = true;
  RecurrentStack stack(config, kInput, 7, "encoder.");
  Names names;
  Context ctx;
  ctx.recorder = &names;
  const Packing packing = Packing::make(std::vector<int64_t>{3, 2});
  stack.forward(ctx, packing, random_input(5));
  EXPECT_EQ(names.seen.size(), 2u * 2u * 6u);
  EXPECT_EQ(names.seen["encoder.0/forget_gate"], "[5, 4]");
  EXPECT_EQ(names.seen["encoder.1/c.reverse"], "[5, 5]");
}

TEST(StackConfig, OneWidthStandsForAllLayers) {
  StackConfig config = small({6});
  config.num_layers = 3;
  EXPECT_EQ(config.widths(), (std::vector<int64_t>{6, 6, 6}));
  EXPECT_EQ(small({512, 512, 256}).widths(), (std::vector<int64_t>{512, 512, 256}));
}

TEST(StackConfig, ReadsWidthsFromTextAndToml) {
  StackConfig config;
  OptionTable table;
  table.section("model");
  config.options(table);
  table.set("hidden_size", "512,512,256", "--set");
  EXPECT_EQ(config.hidden_size, (std::vector<int64_t>{512, 512, 256}));
  table.read_toml("[model]\nhidden_size = 64\n", "run.toml");
  EXPECT_EQ(config.hidden_size, (std::vector<int64_t>{64}));
  table.read_toml("[model]\nhidden_size = [32, 16]\n", "run.toml");
  EXPECT_EQ(config.hidden_size, (std::vector<int64_t>{32, 16}));
}

TEST(StackErrors, SayWhatToChange) {
  EXPECT_EQ(error_of<ConfigError>([] { small({}).widths(); }),
            "[stack] hidden_size must be set; got no width. Set hidden_size, for example to 256.");
  StackConfig config = small({512, 512, 256});
  config.num_layers = 2;
  EXPECT_EQ(error_of<ConfigError>([&] { RecurrentStack(config, 3, 1); }),
            "[stack] hidden_size must be one width, or one for each layer; got 3 widths (512, 512, 256) for num_layers "
            "= 2. Leave num_layers out, or write 2 widths.");
  config = small();
  config.cell.cell = "min_gru";
  config.recurrent_dropout = 0.1;
  EXPECT_EQ(error_of<ConfigError>([&] { RecurrentStack(config, 3, 1); }),
            "[stack] recurrent_dropout drops recurrent weights, and min_gru has none; got 0.1. Set recurrent_dropout = "
            "0.");
}

TEST(StackErrors, RefuseToStreamWhatNeedsTheEnd) {
  StackConfig config = small();
  config.bidirectional = true;
  RecurrentStack stack(config, kInput, 7);
  const Packing packing = Packing::make(std::vector<int64_t>{3});
  Context ctx;
  const StackState state = RecurrentStack::final_state(packing, stack.forward(ctx, packing, random_input(3)));
  EXPECT_EQ(error_of<UnsupportedError>([&] { stack.forward(ctx, packing, random_input(3), &state); }),
            "[stack] a stream is read from its beginning on, and the reverse direction begins at its end; got a "
            "bidirectional stack. Pass whole sequences, or train with bidirectional = false.");
}

TEST(StackErrors, RefuseAStateOfAnotherModel) {
  RecurrentStack stack(small(), kInput, 7), wider(small({4, 6}), kInput, 7), flat(small({4}), kInput, 7);
  StackConfig gru = small();
  gru.cell.cell = "gru";
  RecurrentStack other(gru, kInput, 7);
  const Packing packing = Packing::make(std::vector<int64_t>{3});
  Context ctx;
  const auto refusal = [&](RecurrentStack& from) {
    const StackState state = RecurrentStack::final_state(packing, from.forward(ctx, packing, random_input(3)));
    return error_of<ShapeError>([&] { stack.forward(ctx, packing, random_input(3), &state); });
  };
  const std::string remedy = " It belongs to another model: begin with none.";
  EXPECT_EQ(refusal(flat), "[stack] a state must have 2 layers; got 1." + remedy);
  EXPECT_EQ(refusal(wider), "[stack] a state must have the shape [1, 5] at h of layer 1; got [1, 6]." + remedy);
  EXPECT_EQ(refusal(other),
            "[stack] a state must have the 2 states h, c of lstm in each layer; got 1 in layer 0." + remedy);
}

}  // namespace stack_test
}  // namespace carousel::nn
