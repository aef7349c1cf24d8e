// Layers whose weights are in a number format: as a whole, step by step, and beside those in f32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/weights.h"
#include "carousel/kernels/table.h"
#include "carousel/nn/sequence_model.h"
#include "tests/nn/cell_samples.h"
#include "tests/nn/in_format.h"

namespace carousel::nn {
namespace quantized_test {

constexpr int64_t kSteps = 9, kInput = 24, kOutputs = 3;

SequenceModelConfig config_of(const CellOptions& cell) {
  SequenceModelConfig config;
  config.stack.cell = cell;
  config.stack.hidden_size = {37, 16};
  config.stack.residual = true;
  config.input_size = kInput;
  config.pooling = "none";
  config.outputs = kOutputs;
  return config;
}

Tensor frames() {
  return testing::random_var({kSteps, kInput}, 50, DType::f32, 1).value();
}

/// The answers of the model as a whole, [kSteps, kOutputs].
std::vector<float> whole_answers(SequenceModel& model) {
  Context ctx;
  SequenceBatch batch;
  batch.lengths = {kSteps};
  batch.frames = frames();
  const Tensor y = model.forward(ctx, batch).value();
  return {y.span<float>().begin(), y.span<float>().end()};
}

std::vector<float> stream_answers(const SequenceModel& model, int64_t threads = 1) {
  Stream stream(std::make_shared<const StreamModel>(model.stream_network()));
  stream.set_threads(threads);
  const Tensor x = frames();
  std::vector<float> all;
  for (int64_t t = 0; t < kSteps; ++t) {
    const auto answer = stream.step(x.rows(t, t + 1).span<float>());
    all.insert(all.end(), answer.begin(), answer.end());
  }
  return all;
}

double furthest(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(a[i] - b[i]) / (1 + std::abs(b[i]))));
  return most;
}

class InFormat : public ::testing::TestWithParam<std::tuple<CellOptions, std::string>> {
 protected:
  const CellOptions& cell() const { return std::get<0>(GetParam()); }
  const std::string& format() const { return std::get<1>(GetParam()); }
};

TEST_P(InFormat, AStreamAnswersAsTheModelAsAWhole) {
  SequenceModel model(config_of(cell()), 3);
  testing::put_in_format(model, format());
  const double tolerance = format() == "int8" ? 1e-2 : 2e-5;  // of int8 a last bit may tip a rounding
  EXPECT_LE(furthest(stream_answers(model), whole_answers(model)), tolerance);
}

TEST_P(InFormat, AnswersStayNearThoseOfF32ButAreNotTheSame) {
  SequenceModel model(config_of(cell()), 3);
  const std::vector<float> streamed = stream_answers(model), whole = whole_answers(model);
  testing::put_in_format(model, format());
  const double bound = format() == "int8" ? 0.1 : 0.05;
  EXPECT_LE(furthest(stream_answers(model), streamed), bound);
  EXPECT_LE(furthest(whole_answers(model), whole), bound);
  EXPECT_NE(stream_answers(model), streamed);
  EXPECT_NE(whole_answers(model), whole);
}

TEST_P(InFormat, ProductsRunInTheFormatAndNotWithTheDecodedWeights) {
  SequenceModel model(config_of(cell()), 3);
  testing::put_in_format(model, format());
  const std::vector<float> streamed = stream_answers(model), whole = whole_answers(model);
  for (const NamedParameter& p : model.parameters()) p.var.set_format(nullptr);
  const std::vector<float> decoded_streamed = stream_answers(model), decoded_whole = whole_answers(model);
  if (format() == "int8") {  // rounds the vectors too
    EXPECT_NE(streamed, decoded_streamed);
    EXPECT_NE(whole, decoded_whole);
  } else {
    EXPECT_LE(furthest(streamed, decoded_streamed), 2e-5);
    EXPECT_EQ(whole, decoded_whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, InFormat,
                         ::testing::Combine(::testing::ValuesIn(testing::all_conventions()),
                                            ::testing::Values("int8", "bf16")),
                         [](const auto& param_info) {
                           return testing::name_of(std::get<0>(param_info.param)) + "_" + std::get<1>(param_info.param);
                         });

TEST(Quantized, TheKernelSetsGiveTheSameProducts) {
  const Var x = testing::random_var({7, 40}, 1, DType::f32, 1);
  const std::string before = kernels::table<float>().name;
  for (const char* name : {"int8", "bf16"}) {
    const Var w = testing::random_var({21, 40}, 2, DType::f32, 1);
    w.set_format(&kernels::quant::format_named(name));
    kernels::use("reference");
    const Tensor plain = ops::linear(nullptr, x, w, Var()).value();
    kernels::use("simd");
    const Tensor fast = ops::linear(nullptr, x, w, Var()).value();
    const auto equal = [&](float tolerance) {
      return std::equal(plain.span<float>().begin(), plain.span<float>().end(), fast.span<float>().begin(),
                        [&](float a, float b) { return std::abs(a - b) <= tolerance; });
    };
    EXPECT_TRUE(equal(std::string(name) == "int8" ? 0.0f : 1e-4f)) << name;
  }
  kernels::use(before);
}

TEST(Quantized, ASecondThreadChangesNoBit) {
  CellOptions cell;
  SequenceModelConfig config = config_of(cell);
  config.stack.hidden_size = {256, 16};
  for (const char* format : {"int8", "bf16"}) {
    SequenceModel model(config, 3);
    testing::put_in_format(model, format);
    EXPECT_TRUE(StreamModel(model.stream_network()).worth_two_threads());
    EXPECT_EQ(stream_answers(model, 2), stream_answers(model, 1)) << format;
  }
}

TEST(Quantized, ALayerIsSharedByItsBytes) {
  SequenceModelConfig config = config_of({});
  config.stack.hidden_size = {128};  // 300 kB in f32
  SequenceModel model(config, 3);
  EXPECT_TRUE(StreamModel(model.stream_network()).worth_two_threads());
  testing::put_in_format(model, "int8");
  EXPECT_FALSE(StreamModel(model.stream_network()).worth_two_threads());
}

TEST(Quantized, PackedFormsFollowTheWeightAndItsFormat) {
  const Var x = testing::random_var({3, 20}, 1, DType::f32, 1), w = testing::random_var({5, 20}, 2, DType::f32, 1);
  const auto first = [&] { return ops::linear(nullptr, x, w, Var()).value().data<float>()[0]; };
  const float plain = first();
  w.set_format(&kernels::quant::format_named("int8"));
  const float rounded = first();
  EXPECT_NE(rounded, plain);
  EXPECT_NEAR(rounded, plain, 0.2);
  w.mutable_value().fill(0);
  EXPECT_EQ(first(), 0.0f);
  w.set_format(nullptr);
  EXPECT_EQ(first(), 0.0f);
}

TEST(Quantized, GradientsFlowThroughTheDecodedWeights) {
  const Var w = testing::random_var({5, 20}, 2, DType::f32, 1);
  const auto input_gradient = [&] {
    const Var x(testing::random_var({3, 20}, 1, DType::f32, 1).value(), true);
    Tape tape;
    const Var y = ops::linear(&tape, x, w, Var());
    tape.backward(y, Tensor::full(y.value().shape(), 1));
    return std::vector<float>(x.grad().span<float>().begin(), x.grad().span<float>().end());
  };
  const std::vector<float> plain = input_gradient();
  w.set_format(&kernels::quant::format_named("int8"));
  EXPECT_EQ(input_gradient(), plain);
}

}  // namespace quantized_test
}  // namespace carousel::nn
