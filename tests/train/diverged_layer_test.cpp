// Which layer a message names when the loss overflows although every weight is a sound number.
#include <gtest/gtest.h>

#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/base/error.h"
#include "carousel/train/gradients.h"
#include "carousel/train/trainer.h"
#include "tests/support/temp_dir.h"

namespace carousel::train {
namespace diverged_layer_test {

class TwoLayers : public nn::Module {
 public:
  TwoLayers() {
    first = parameter("first.weight", Tensor::full({2, 2}, 0.5));
    second = parameter("second.weight", Tensor::full({2, 2}, 0.5));
  }
  Var first, second;
};

/// second(first(x)), each sum multiplied by itself: 1e30 of a weight overflows behind its layer, not in it.
class Overflowing : public Objective {
 public:
  nn::Module& module() override { return module_; }
  int64_t num_batches(int64_t) override { return 3; }
  BatchLoss loss(nn::Context& ctx, int64_t, int64_t, const StepInfo&) override {
    const Var x(Tensor::full({1, 2}, 1.0));
    const Var h = ops::linear(ctx.tape, x, module_.first, Var());
    const Var y = ops::linear(ctx.tape, square_first ? ops::mul(ctx.tape, h, h) : h, module_.second, Var());
    BatchLoss result;
    result.loss = ops::sum(ctx.tape, y);
    result.tokens = 1;
    return result;
  }
  Evaluation evaluate() override { return {}; }
  std::string describe_batch(int64_t, int64_t) override { return "line 1"; }

  bool square_first = false;
  TwoLayers module_;
};

std::string text_of(Overflowing& objective) {
  TrainerConfig config;
  config.epochs = 1;
  config.learning_rate = 0.1;
  Trainer trainer(objective, config);
  return testing::error_of<DivergedError>([&] { trainer.run({}); });
}

TEST(DivergedLayer, TheFirstLayerWithABadOutputIsNamed) {
  Overflowing objective;
  objective.module_.first.mutable_value().fill(3e38);
  EXPECT_EQ(
      text_of(objective),
      "[train] loss must be finite; got inf at step 0 (epoch 0, line 1); first layer with a bad value: the output "
      "of first.weight. There is no earlier model to fall back on. Lower learning_rate (now 0.1) or clip_norm "
      "(now 2).");
  Overflowing second;
  second.module_.second.mutable_value().fill(3e38);
  second.module_.first.mutable_value().fill(1);
  EXPECT_NE(text_of(second).find("bad value: the output of second.weight."), std::string::npos);
}

TEST(DivergedLayer, AStepWithoutWeightsIsNamedByTheLayerBeforeIt) {
  Overflowing objective;
  objective.square_first = true;
  objective.module_.first.mutable_value().fill(1e30);
  EXPECT_NE(text_of(objective).find("bad value: a step after first.weight."), std::string::npos);
}

TEST(DivergedLayer, ASoundTapeNamesNone) {
  Overflowing objective;
  Tape tape(true);
  nn::Context ctx;
  ctx.tape = &tape;
  objective.loss(ctx, 0, 0, {});
  EXPECT_EQ(first_bad_output(tape, objective.module().parameters()), "");
}

}  // namespace diverged_layer_test
}  // namespace carousel::train
