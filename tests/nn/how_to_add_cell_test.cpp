// The worked example of docs/how-to-add/cell.md: the text is the code, and the code does what the text says.
#include <gtest/gtest.h>

#include "carousel/autograd/grad_check.h"
#include "carousel/nn/recurrent.h"
#include "tests/nn/cell_samples.h"
#include "tests/nn/how_to_add_cell.cpp"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace how_to_add_cell_test {

using testing::everything;
using testing::values_of;

/// The example over random sequences.
testing::Sample make_ugrnn(const std::vector<int64_t>& lengths) {
  CellOptions options;
  options.cell = "ugrnn";
  options.biases = 1;
  testing::Sample s;
  s.cell = cells::ugrnn().make(options);
  s.packing = Packing::make(lengths);
  s.x = testing::random_var({s.packing.rows(), 3}, 1);
  Direction direction;
  direction.weights = testing::random_weights(*s.cell, 3, 4, 2, DType::f64);
  s.directions = {direction};
  return s;
}

TEST(HowToAddACell, TheDocumentHoldsThisVeryCode) {
  const std::string code = carousel::testing::content_of(CAROUSEL_SOURCE_DIR "/tests/nn/how_to_add_cell.cpp");
  const std::string text = carousel::testing::content_of(CAROUSEL_SOURCE_DIR "/docs/how-to-add/cell.md");
  ASSERT_FALSE(code.empty());
  EXPECT_NE(text.find("```cpp\n" + code + "```\n"), std::string::npos);
  EXPECT_LT(std::count(code.begin(), code.end(), '\n'), 100);
}

TEST(HowToAddACell, ItsGradientIsRight) {
  const testing::Sample s = make_ugrnn({3, 1, 4});
  const GradCheck check = grad_check([&](Tape* t) { return everything(t, s.run(t)); }, s.inputs());
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

TEST(HowToAddACell, ItTrains) {
  const testing::Sample s = make_ugrnn({5, 5, 5});
  const auto loss = [&](Tape* tape) {
    const Var y = s.run(tape).y;
    Tensor goal = Tensor::full(y.value().shape(), -0.5, DType::f64);
    const Var error = ops::add(tape, y, Var(goal));
    return ops::sum(tape, ops::mul(tape, error, error));
  };
  const double before = loss(nullptr).value().item();
  for (int step = 0; step < 60; ++step) {
    for (const Var& v : s.inputs()) v.clear_grad();
    Tape tape;
    tape.backward(loss(&tape));
    for (const Var& v : s.directions[0].weights.all())
      for (int64_t i = 0; i < v.value().numel(); ++i)
        v.mutable_value().data<double>()[i] -= 0.05 * v.grad().data<double>()[i];
  }
  EXPECT_LT(loss(nullptr).value().item(), 0.5 * before);
}

TEST(HowToAddACell, ItStreamsAndShowsItsGates) {
  const testing::Sample s = make_ugrnn({6});
  const RecurrentOutput whole = s.run(nullptr, {.keep = true});
  EXPECT_EQ(whole.gates[0].shape(), (Shape{6, 8}));
  std::vector<double> y;
  std::vector<Var> state;
  for (int64_t t = 0; t < 6; ++t) {
    Direction direction = s.directions[0];
    direction.initial = state;
    const RecurrentOutput out = recurrent(nullptr, *s.cell, Packing::make(std::vector<int64_t>{1}),
                                          Var(s.x.value().rows(t, t + 1)), {direction});
    for (const double v : values_of(out.y.value())) y.push_back(v);
    state = out.states[0];
  }
  EXPECT_EQ(y, values_of(whole.y.value()));
}

}  // namespace how_to_add_cell_test
}  // namespace carousel::nn
