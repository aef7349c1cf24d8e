// A sequence read step by step: the answers of the model as a whole, the same bits however it is cut.
#include "carousel/nn/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <thread>

#include "carousel/base/error.h"
#include "carousel/nn/language_model.h"
#include "carousel/nn/sequence_model.h"
#include "tests/nn/cell_samples.h"
#include "tests/nn/in_format.h"
#include "tests/support/count_allocations.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace stream_test {

using carousel::testing::error_of;

constexpr int64_t kSteps = 12;

/// A model of every place that a stream must know: two layers of different widths, with what may stand around them.
SequenceModelConfig config_of(const CellOptions& cell, bool symbols = false) {
  SequenceModelConfig config;
  config.stack.cell = cell;
  config.stack.hidden_size = {21, 6};
  config.vocab_size = symbols ? 9 : 0;
  config.input_size = 5;
  config.pooling = "none";
  config.outputs = 3;
  return config;
}

/// Parameters with noise on top, so that no bias is zero and no gain one.
template <class Model>
void shake(Model& model) {
  uint64_t seed = 0;
  for (const NamedParameter& p : model.parameters()) {
    const Tensor noise = testing::random_var(p.var.value().shape(), ++seed, DType::f32, 0.3).value();
    float* values = p.var.mutable_value().template data<float>();
    for (int64_t i = 0; i < noise.numel(); ++i) values[i] += noise.data<float>()[i];
  }
}

Tensor frames() {
  return testing::random_var({kSteps, 5}, 50, DType::f32, 1).value();
}

std::span<const float> row(const Tensor& t, int64_t i) {
  return t.span<float>().subspan(static_cast<size_t>(i * t.dim(1)), static_cast<size_t>(t.dim(1)));
}

std::vector<float> copied(std::span<const float> values) {
  return {values.begin(), values.end()};
}

/// The answers after each step, of a stream that reads all frames.
std::vector<std::vector<float>> answers_of(Stream stream, const Tensor& x) {
  std::vector<std::vector<float>> list;
  for (int64_t t = 0; t < x.dim(0); ++t) list.push_back(copied(stream.step(row(x, t))));
  return list;
}

void expect_model_answers(SequenceModel& model) {
  const Tensor x = frames();
  Context ctx;
  SequenceBatch batch;
  batch.lengths = {kSteps};
  batch.frames = x;
  const Tensor whole = model.forward(ctx, batch).value();
  const auto model_of_stream = std::make_shared<const StreamModel>(model.stream_network());
  const auto answers = answers_of(Stream(model_of_stream), x);
  for (int64_t t = 0; t < kSteps; ++t)
    for (size_t i = 0; i < 3; ++i) {
      const float wanted = row(whole, t)[i];
      ASSERT_NEAR(answers[static_cast<size_t>(t)][i], wanted, 2e-5 * (1 + std::abs(wanted)))
          << "step " << t << ", output " << i;
    }
}

class StreamOf : public ::testing::TestWithParam<CellOptions> {
 protected:
  std::shared_ptr<const StreamModel> model_of_stream(SequenceModelConfig config) const {
    SequenceModel model(config, 3);
    shake(model);
    return std::make_shared<const StreamModel>(model.stream_network());
  }
};

TEST_P(StreamOf, AnswersAsTheModelAsAWhole) {
  SequenceModel model(config_of(GetParam()), 3);
  shake(model);
  expect_model_answers(model);
}

TEST_P(StreamOf, KnowsWhatStandsAroundTheLayers) {
  for (const bool projected : {false, true}) {
    SequenceModelConfig config = config_of(GetParam());
    config.stack.residual = config.stack.layer_norm = true;
    config.stack.zoneout = 0.3;
    if (!projected) config.stack.hidden_size = {5, 5};
    SequenceModel model(config, 3);
    shake(model);
    expect_model_answers(model);
  }
}

TEST_P(StreamOf, AnyCutGivesTheSameBits) {
  const auto model = model_of_stream(config_of(GetParam()));
  const Tensor x = frames();
  const auto whole = answers_of(Stream(model), x);
  for (const int64_t cut : {1, 4, 10}) {
    Stream first(model), later(model);
    for (int64_t t = 0; t < cut; ++t) first.read(row(x, t));
    later.set_state(first.state());
    Stream copy = first;
    first.step(row(x, 0));  // goes elsewhere
    for (int64_t t = cut; t + 1 < kSteps; ++t) {
      later.read(row(x, t));
      EXPECT_EQ(copied(copy.step(row(x, t))), whole[static_cast<size_t>(t)]);
    }
    EXPECT_EQ(copied(later.step(row(x, kSteps - 1))), whole.back()) << "cut after " << cut;
  }
}

TEST_P(StreamOf, StepsAllocateNothingWhereTheCellHasFusedKernels) {
  if (!carousel::testing::kCountsAllocations) GTEST_SKIP() << "nothing counts under the thread sanitizer";
  for (const char* format : {"", "int8", "bf16"}) {
    SequenceModel whole(config_of(GetParam()), 3);
    if (*format) testing::put_in_format(whole, format);
    const auto model = std::make_shared<const StreamModel>(whole.stream_network());
    EXPECT_EQ(model->allocation_free(), static_cast<bool>(make_cell(GetParam())->fused<float>()));
    Stream stream(model);
    const Tensor x = frames();
    const int64_t before = carousel::testing::allocations();
    stream.step(row(x, 0));
    stream.read(row(x, 1));
    if (model->allocation_free()) {
      EXPECT_EQ(carousel::testing::allocations(), before) << format;
    } else {
      EXPECT_GT(carousel::testing::allocations(), before);  // should this fail, the documents may promise more
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, StreamOf, ::testing::ValuesIn(testing::all_conventions()),
                         [](const auto& param_info) { return testing::name_of(param_info.param); });

TEST(Stream, ManyThreadsMayReadWithOneModel) {
  for (const char* cell : {"gru", "slstm"}) {
    CellOptions options;
    options.cell = cell;
    SequenceModel model(config_of(options), 3);
    const auto shared = std::make_shared<const StreamModel>(model.stream_network());
    const Tensor x = frames();
    const auto wanted = answers_of(Stream(shared), x);
    std::array<std::vector<std::vector<float>>, 4> got;
    std::vector<std::thread> threads;
    for (auto& answers : got) threads.emplace_back([&] { answers = answers_of(Stream(shared), x); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& answers : got) EXPECT_EQ(answers, wanted) << cell;
  }
}

TEST(Stream, ReadsSymbolsAsTheLanguageModelDoes) {
  for (const bool tied : {false, true})
    for (const int64_t embedding : {4, 7}) {
      LanguageModelConfig config;
      config.tie_weights = tied;
      config.embedding_size = embedding;
      config.stack.hidden_size = {5, 4};
      config.stack.dropout = config.input_dropout = config.output_dropout = 0.5;  // nothing in inference
      LanguageModel model(config, 9, 1, 3);
      shake(model);
      const std::vector<int32_t> ids = {1, 5, 8, 0, 3, 3};
      Context ctx;
      LanguageState state;
      const Tensor whole = model.forward(ctx, ids, 1, state).value();
      Stream stream(std::make_shared<const StreamModel>(model.stream_network()));
      EXPECT_EQ(stream.model().output_size(), 9);
      for (size_t t = 0; t < ids.size(); ++t) {
        const auto logits = stream.step(ids[t]);
        for (size_t i = 0; i < 9; ++i)
          ASSERT_NEAR(logits[i], row(whole, static_cast<int64_t>(t))[i], 2e-5) << "step " << t;
      }
    }
}

TEST(Stream, LaterChangesOfTheWeightsDoNotReachIt) {
  SequenceModel model(config_of({}, true), 3);
  const auto packed = std::make_shared<const StreamModel>(model.stream_network());
  const std::vector<float> before = copied(Stream(packed).step(4));
  shake(model);
  EXPECT_EQ(copied(Stream(packed).step(4)), before);
  EXPECT_NE(copied(Stream(std::make_shared<const StreamModel>(model.stream_network())).step(4)), before);
}

TEST(Stream, RefusesWhatTheModelDoesNotRead) {
  const auto symbols = std::make_shared<const StreamModel>(SequenceModel(config_of({}, true), 3).stream_network());
  const auto numbers = std::make_shared<const StreamModel>(SequenceModel(config_of({}), 3).stream_network());
  Stream reads_symbols(symbols), reads_frames(numbers);
  const std::vector<float> four(4), five(5);
  for (const int32_t bad : {-1, 9, std::numeric_limits<int32_t>::max()})
    EXPECT_EQ(error_of<ShapeError>([&] { reads_symbols.step(bad); }),
              "[stream] a symbol must be a number from 0 to 8; got " + std::to_string(bad) +
                  ". Take it from the model's own vocabulary.");
  EXPECT_EQ(error_of<ShapeError>([&] { reads_symbols.read(five); }),
            "[stream] this model reads symbols, numbers from 0 to 8; got a frame of 5 numbers. Pass symbols.");
  EXPECT_EQ(error_of<ShapeError>([&] { reads_frames.read(3); }),
            "[stream] this model reads frames of 5 numbers; got symbol 3. Pass frames.");
  EXPECT_EQ(error_of<ShapeError>([&] { reads_frames.step(four); }),
            "[stream] a frame must hold 5 numbers (input_size); got 4. Pass one frame for each step.");
  EXPECT_EQ(error_of<ShapeError>([&] { reads_frames.set_state(four); }),
            "[stream] the state of this model is 54 numbers; got 4. Pass one that a stream of the same model gave.");
}

TEST(Stream, RefusesModelsThatMustSeeTheWhole) {
  SequenceModelConfig both = config_of({});
  both.stack.bidirectional = true;
  const SequenceModel bidirectional(both, 3);
  EXPECT_EQ(error_of<UnsupportedError>([&] { StreamModel(bidirectional.stream_network()); }),
            "[stack] a stream is read from its beginning on, and the reverse direction begins at its end; got a "
            "bidirectional stack. Pass whole sequences, or train with bidirectional = false.");
  SequenceModelConfig mean = config_of({});
  mean.pooling = "mean";
  const SequenceModel pooled(mean, 3);
  EXPECT_EQ(error_of<UnsupportedError>([&] { StreamModel(pooled.stream_network()); }),
            "[sequence model] a stream keeps the last state alone, and pooling = mean looks at all of them; got such a "
            "model. Train with pooling = last or none.");
  LanguageModelConfig window;
  window.model = "window";
  window.window = 3;
  window.embedding_size = 4;
  window.stack.hidden_size = {5};
  window.stack.dropout = 0;
  const LanguageModel over_window(window, 9, 1, 3);
  EXPECT_EQ(error_of<UnsupportedError>([&] { StreamModel(over_window.stream_network()); }),
            "[language model] a stream goes on from a state, and a window model has none: it reads the last symbols "
            "anew each time; got such a model. Train with --set model=recurrent.");
}

TEST(Stream, OfAPooledModelAnswersToAllSoFar) {
  SequenceModelConfig config = config_of({});
  config.pooling = "last";
  SequenceModel model(config, 3);
  Stream stream(std::make_shared<const StreamModel>(model.stream_network()));
  const Tensor x = frames();
  for (int64_t t = 0; t < kSteps; ++t) {
    Context ctx;
    SequenceBatch batch;
    batch.lengths = {t + 1};
    batch.frames = x.rows(0, t + 1);
    const Tensor whole = model.forward(ctx, batch).value();
    const auto answer = stream.step(row(x, t));
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(answer[i], row(whole, 0)[i], 2e-5);
  }
}

}  // namespace stream_test
}  // namespace carousel::nn
