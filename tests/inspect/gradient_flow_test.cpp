// What listeners of a pass measure, against values worked out by hand.
#include "carousel/inspect/gradient_flow.h"

#include <gtest/gtest.h>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/inspect/recording.h"
#include "carousel/nn/stack.h"
#include "tests/support/temp_dir.h"

namespace carousel::inspect {
namespace gradient_flow_test {

using carousel::testing::error_of;

TEST(GradientFlow, TakesTheMeanNormOverTheBatch) {
  GradientFlow flow;
  flow.state_gradient("layer.0/h", 2, Tensor::from<float>({2, 2}, std::vector<float>{3, 4, 0, 1}));
  EXPECT_EQ(flow.names(), std::vector<std::string>{"layer.0/h"});
  EXPECT_EQ(flow.norms("layer.0/h"), (std::vector<double>{0, 0, 3}));
  EXPECT_TRUE(flow.norms("layer.0/c").empty());
}

TEST(Saturation, CountsBothEnds) {
  const Tensor gate = Tensor::from<float>({2, 2}, std::vector<float>{0.05F, 0.5F, 0.95F, 0.99F});
  EXPECT_DOUBLE_EQ(saturation(gate, nn::GateRange::unit).left, 0.25);
  EXPECT_DOUBLE_EQ(saturation(gate, nn::GateRange::unit).right, 0.5);
  EXPECT_DOUBLE_EQ(saturation(gate, nn::GateRange::symmetric).left, 0);
  EXPECT_EQ(error_of<ConfigError>([&] { saturation(gate, nn::GateRange::unbounded); }),
            "[saturation] a gate must have ends; got one without bounds. Leave it out.");
}

TEST(Saturation, FollowsTheRangesOfTheCell) {
  const auto share = [](const nn::CellOptions& options, const char* gate) {
    const RecordedRows rows{std::string("layer.0/") + gate, 2, {0.05F, 0.95F}};
    return saturated_share(rows, *nn::make_cell(options));
  };
  nn::CellOptions rnn;
  rnn.cell = "rnn";
  EXPECT_EQ(share(rnn, "activation"), 0.5) << "tanh";
  rnn.activation = "relu";
  EXPECT_EQ(share(rnn, "activation"), std::nullopt);
  nn::CellOptions cell;
  cell.cell = "min_gru";
  EXPECT_EQ(share(cell, "candidate"), std::nullopt) << "linear";
  EXPECT_EQ(share(cell, "update_gate"), 1.0);
  EXPECT_EQ(share(cell, "h"), std::nullopt) << "a state";
  cell.cell = "gru";
  EXPECT_EQ(share(cell, "candidate"), 0.5);
  EXPECT_EQ(share(cell, "update_gate.reverse"), 1.0);
  cell.cell = "slstm";
  EXPECT_EQ(share(cell, "input_gate"), std::nullopt) << "exponential";
  EXPECT_EQ(share(cell, "output_gate"), 1.0);
}

TEST(Saturation, EveryCellSaysTheRangeOfEveryGate) {
  for (const std::string& name : nn::cell_names()) {
    const auto cell = nn::make_cell(name);
    EXPECT_EQ(cell->gate_ranges().size(), cell->gate_names().size()) << name;
  }
}

TEST(DeadShare, CountsUnitsThatDoNotMove) {
  EXPECT_DOUBLE_EQ(dead_share(Tensor::from<float>({2, 2}, std::vector<float>{0.3F, 0.1F, 0.3F, 0.2F})), 0.5);
}

TEST(ProductsBack, MultiplyFromTheLastStepOn) {
  const Tensor factor = Tensor::from<double>({3, 1}, std::vector<double>{0.5, 0.25, 0.5});
  EXPECT_EQ(products_back(factor, 1), (std::vector<double>{1, 0.5, 0.125, 0.0625}));
  EXPECT_EQ(error_of<ShapeError>([&] { products_back(factor, 2); }),
            "[gradient flow] the rows must be a multiple of the batch; got 3 rows for a batch of 2. Pass sequences of "
            "one length.");
}

TEST(KeepFactor, IsTheForgetGateOrWhatAnUpdateGateLeaves) {
  CellRecording recording;
  recording.record("a/forget_gate", Tensor::from<float>({2, 1}, std::vector<float>{0.5F, 0.75F}));
  recording.record("b/update_gate.reverse", Tensor::from<float>({2, 1}, std::vector<float>{0.25F, 0.5F}));
  recording.record("c/h", Tensor::zeros({1, 1}));
  EXPECT_EQ(keep_factor(recording, "a", false).data<float>()[1], 0.75F);
  EXPECT_EQ(keep_factor(recording, "b.reverse", true).data<float>()[0], 0.25F);
  const Tensor left = keep_factor(recording, "b.reverse", false);
  EXPECT_EQ(left.data<float>()[0], 0.75F);
  EXPECT_EQ(rows_reversed(left).data<float>()[0], 0.5F);
  EXPECT_FALSE(keep_factor(recording, "c", false).defined());
  EXPECT_FALSE(keep_factor(recording, "b", false).defined()) << "another direction";
}

/// Runs a stack over one sequence with all listeners and a loss on the last h.
void listen(nn::RecurrentStack& stack, int64_t steps, GradientFlow& flow, CellRecording& recording) {
  Rng rng(4, 0);
  Tensor x = Tensor::empty({steps, 2});
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = rng.normal();
  Tape tape;
  nn::Context ctx;
  ctx.tape = &tape;
  ctx.recorder = &recording;
  ctx.gradients = &flow;
  const Packing packing = Packing::make(std::vector<int64_t>{steps});
  const auto out = stack.forward(ctx, packing, Var(x));
  tape.backward(ops::sum(&tape, stack.last(&tape, packing, out.y)));
}

nn::StackConfig one_unit(const char* cell) {
  nn::StackConfig config;
  config.cell.cell = cell;
  config.hidden_size = {1};
  return config;
}

TEST(GradientFlow, WithoutRecurrenceTheCellGradientIsTheProductOfForgetGates) {
  nn::RecurrentStack stack(one_unit("lstm"), 2, 3);
  for (const nn::NamedParameter& p : stack.parameters())
    if (p.name == "weight_hh_l0") p.var.mutable_value().fill(0);
  GradientFlow flow;
  CellRecording recording;
  listen(stack, 6, flow, recording);
  const std::vector<double> grad = flow.norms("layer.0/c");
  ASSERT_NE(recording.find("layer.0/forget_gate"), nullptr);
  const std::vector<double> product = products_back(recording.find("layer.0/forget_gate")->tensor(), 1);
  ASSERT_EQ(grad.size(), 6u);
  for (size_t d = 0; d < 6; ++d) EXPECT_NEAR(grad[5 - d], grad[5] * product[d], 1e-6 * grad[5]) << "distance " << d;
}

TEST(GradientFlow, InAnRnnItIsTheProductOfJacobians) {
  nn::RecurrentStack stack(one_unit("rnn"), 2, 3);
  double u = 0;
  for (const nn::NamedParameter& p : stack.parameters())
    if (p.name == "weight_hh_l0") u = static_cast<double>(p.var.value().data<float>()[0]);
  GradientFlow flow;
  CellRecording recording;
  listen(stack, 5, flow, recording);
  const std::vector<double> grad = flow.norms("layer.0/h");
  const float* h = recording.find("layer.0/h")->values.data();
  for (size_t t = 4; t > 0; --t) {
    const double slope = std::abs(u) * (1 - static_cast<double>(h[t]) * static_cast<double>(h[t]));
    EXPECT_NEAR(grad[t - 1], grad[t] * slope, 1e-6) << "step " << t;
  }
}

}  // namespace gradient_flow_test
}  // namespace carousel::inspect
