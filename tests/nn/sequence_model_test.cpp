// The model between an input and an answer: places, orders, losses worked out by hand, and what it refuses.
#include "carousel/nn/sequence_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace sequence_model_test {

using carousel::testing::error_of;

SequenceModelConfig frames_config() {
  SequenceModelConfig config;
  config.stack.hidden_size = {5};
  config.input_size = 2;
  config.outputs = 3;
  return config;
}

SequenceBatch frames_batch(std::vector<int64_t> lengths) {
  SequenceBatch batch;
  batch.lengths = std::move(lengths);
  int64_t rows = 0;
  for (const int64_t length : batch.lengths) rows += length;
  batch.frames = Tensor::empty({rows, 2});
  Rng rng(7, 0);
  for (int64_t i = 0; i < rows * 2; ++i) batch.frames.data<float>()[i] = rng.normal();
  return batch;
}

std::vector<float> values_of(const Var& v) {
  return {v.value().span<float>().begin(), v.value().span<float>().end()};
}

/// Sequence `index` of `batch` as a batch of its own.
SequenceBatch alone(const SequenceBatch& batch, size_t index) {
  int64_t begin = 0;
  for (size_t i = 0; i < index; ++i) begin += batch.lengths[i];
  SequenceBatch one;
  one.lengths = {batch.lengths[index]};
  one.frames = batch.frames.rows(begin, begin + batch.lengths[index]).clone();
  return one;
}

TEST(SequenceModel, AnswersInTheCallersOrder) {
  for (const char* pooling : {"last", "mean", "max", "attention", "none"}) {
    SequenceModelConfig config = frames_config();
    config.pooling = pooling;
    SequenceModel model(config, 1);
    Context ctx;
    const SequenceBatch batch = frames_batch({2, 4, 1, 4});
    const std::vector<float> together = values_of(model.forward(ctx, batch));
    std::vector<float> apart;
    for (size_t i = 0; i < batch.lengths.size(); ++i) {
      const std::vector<float> one = values_of(model.forward(ctx, alone(batch, i)));
      apart.insert(apart.end(), one.begin(), one.end());
    }
    ASSERT_EQ(together.size(), apart.size()) << pooling;
    for (size_t i = 0; i < apart.size(); ++i) EXPECT_NEAR(together[i], apart[i], 1e-6) << pooling << " " << i;
  }
}

TEST(SequenceModel, CarriesItsStateOverCuts) {
  SequenceModelConfig config = frames_config();
  config.pooling = "none";
  SequenceModel model(config, 1);
  Context ctx;
  const SequenceBatch whole = frames_batch({5});
  StackState state;
  std::vector<float> pieces;
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 2}, {2, 5}}) {
    SequenceBatch piece;
    piece.lengths = {end - begin};
    piece.frames = whole.frames.rows(begin, end).clone();
    const std::vector<float> answers = values_of(model.forward(ctx, piece, &state));
    pieces.insert(pieces.end(), answers.begin(), answers.end());
  }
  EXPECT_EQ(pieces, values_of(model.forward(ctx, whole)));
  config.stack.bidirectional = true;
  SequenceModel both(config, 1);
  EXPECT_NE(error_of<UnsupportedError>([&] { both.forward(ctx, whole, &state); }).find("bidirectional"),
            std::string::npos);
}

TEST(SequenceModel, MeansTheSquaredErrorOverAllNumbers) {
  SequenceModel model(frames_config(), 1);
  Context ctx;
  SequenceBatch batch = frames_batch({2, 3});
  batch.values = Tensor::from<float>({2, 3}, std::vector<float>{0, 1, 2, 3, 4, 5});
  const Var answers(Tensor::from<float>({2, 3}, std::vector<float>{0, 1, 2, 3, 4, 8}));
  const SequenceLoss loss = model.loss(ctx, batch, answers);
  EXPECT_DOUBLE_EQ(loss.sum, 9);
  EXPECT_EQ(loss.count, 6);
  EXPECT_FLOAT_EQ(static_cast<float>(loss.loss.value().item()), 1.5F);
}

TEST(SequenceModel, AsksOnlyWhereAClassIsWanted) {
  SequenceModelConfig config = frames_config();
  config.classes = true;
  config.outputs = 2;
  config.heads = 2;
  SequenceModel model(config, 1);
  Context ctx;
  SequenceBatch batch = frames_batch({2, 3});
  batch.classes = {0, -1, 1, 1};
  const Var answers(Tensor::from<float>({2, 4}, std::vector<float>{1, 0, 9, 9, 0, 2, 3, 0}));
  const SequenceLoss loss = model.loss(ctx, batch, answers);
  const double wanted = std::log(1 + std::exp(-1.0)) + std::log(1 + std::exp(-2.0)) + std::log(1 + std::exp(3.0));
  EXPECT_NEAR(loss.sum, wanted, 1e-6);
  EXPECT_EQ(loss.count, 3);
  EXPECT_EQ(loss.correct, 2);
}

TEST(SequenceModel, RefusesWhatDoesNotFit) {
  SequenceModelConfig config = frames_config();
  config.heads = 0;
  EXPECT_EQ(error_of<ConfigError>([&] { SequenceModel(config, 1); }),
            "[sequence model] outputs and heads must be at least 1; got 3 and 0. Set them.");
  SequenceModel model(frames_config(), 1);
  Context ctx;
  SequenceBatch batch = frames_batch({2, 3});
  batch.lengths = {2, 2};
  EXPECT_EQ(error_of<ShapeError>([&] { model.forward(ctx, batch); }),
            "[sequence model] the rows of frames (sum of lengths) must be 4; got 5. Check the sizes of the layers.");
  batch.lengths = {2, 0, 3};
  EXPECT_EQ(error_of<ShapeError>([&] { model.forward(ctx, batch); }),
            "[packing] every sequence needs at least one step; got length 0 for sequence 1. Drop empty sequences.");
  batch.lengths = {2, 3};
  batch.frames = Tensor::zeros({5, 3});
  EXPECT_EQ(error_of<ShapeError>([&] { model.forward(ctx, batch); }),
            "[sequence model] the columns of frames (input_size) must be 2; got 3. Check the sizes of the layers.");
  config = frames_config();
  config.vocab_size = 4;
  config.classes = true;
  SequenceModel of_symbols(config, 1);
  batch.ids = {0, 1, 2, 3};
  EXPECT_EQ(error_of<ShapeError>([&] { of_symbols.forward(ctx, batch); }),
            "[sequence model] the number of ids (sum of lengths) must be 5; got 4. Check the sizes of the layers.");
  batch.ids.push_back(4);
  EXPECT_THROW(of_symbols.forward(ctx, batch), ShapeError) << "a symbol beyond the vocabulary";
  batch.ids.back() = 0;
  batch.classes = {0};
  const Var answers = of_symbols.forward(ctx, batch);
  EXPECT_EQ(error_of<ShapeError>([&] { of_symbols.loss(ctx, batch, answers); }),
            "[sequence model] the number of classes (places times heads) must be 2; got 1. Check the sizes of the "
            "layers.");
  batch.classes = {0, 3};
  EXPECT_THROW(of_symbols.loss(ctx, batch, answers), ShapeError) << "a class beyond the outputs";
}

TEST(SequenceModel, ItsGradientEqualsCentralDifferences) {
  for (const char* pooling : {"last", "mean", "max", "attention", "none"}) {
    SequenceModelConfig config = frames_config();
    config.pooling = pooling;
    config.classes = true;
    SequenceModel model(config, 1);
    SequenceBatch batch = frames_batch({2, 3});
    batch.frames = batch.frames.to(DType::f64);
    batch.classes = {0, 2};
    if (model.at_each_step()) batch.classes = {0, 2, -1, 1, 1};
    std::vector<Var> inputs;
    for (const NamedParameter& p : model.parameters()) {
      p.var.mutable_value() = p.var.value().to(DType::f64);
      inputs.push_back(p.var);
    }
    const GradCheck check = grad_check(
        [&](Tape* tape) {
          Context ctx;
          ctx.tape = tape;
          return model.loss(ctx, batch, model.forward(ctx, batch)).loss;
        },
        inputs, 20);
    EXPECT_LE(check.worst, 1e-6) << pooling << " " << check.where;
  }
}

}  // namespace sequence_model_test
}  // namespace carousel::nn
