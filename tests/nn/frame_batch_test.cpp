// Frames as a network reads them, and the noise of training.
#include "carousel/nn/frame_batch.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/nn/classifier.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace frame_batch_test {

const std::vector<std::vector<float>> kSequences = {{1, 2, 3, 4}, {5, 6, 7, 8, 9, 10}, {11, 12}};

FrameBatch batch_of(const std::vector<std::vector<float>>& sequences, int64_t width = 2) {
  std::vector<std::span<const float>> spans(sequences.begin(), sequences.end());
  return FrameBatch::of(spans, width);
}

TEST(FrameBatch, LiesInTheOrderOfThePacking) {
  const FrameBatch batch = batch_of(kSequences);
  EXPECT_EQ(batch.packing.lengths, (std::vector<int64_t>{3, 2, 1}));
  const auto values = batch.values.span<float>();
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()),
            (std::vector<float>{5, 6, 1, 2, 11, 12, 7, 8, 3, 4, 9, 10}));
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>([] {
              batch_of({{1, 2, 3}});
            }),
            "[frames] a sequence must hold whole frames of 2 numbers, at least one; got 3 numbers. Check the reader.");
}

TEST(FrameNoise, ActsInTrainingOnlyAndIsDrawnFromTheSeed) {
  const FrameBatch batch = batch_of(kSequences);
  FrameNoise noise;
  noise.frame_noise = 0.5;
  noise.time_masks = noise.feature_masks = 0;
  Context ctx;
  EXPECT_TRUE(add_noise(ctx, batch, noise).shares(batch.values));
  const auto noisy = [&](uint64_t seed) {
    Context training;
    training.training = true;
    training.seed = seed;
    const Tensor values = add_noise(training, batch, noise);
    return std::vector<float>(values.data<float>(), values.data<float>() + values.numel());
  };
  EXPECT_EQ(noisy(1), noisy(1));
  EXPECT_NE(noisy(1), noisy(2));
  EXPECT_EQ(batch.values.data<float>()[0], 5) << "the data stays as it is";
}

TEST(FrameNoise, MasksAreStretchesOfTimeAndBandsOfColumns) {
  constexpr int64_t kLength = 20, kWidth = 10;
  const FrameBatch batch = batch_of({std::vector<float>(kLength * kWidth, 1)}, kWidth);
  const auto masked = [&](int64_t times, int64_t features, uint64_t seed) {
    FrameNoise noise{0, times, 0.3, features, 0.4};
    Context ctx;
    ctx.training = true;
    ctx.seed = seed;
    return add_noise(ctx, batch, noise);
  };
  int64_t longest = 0, widest = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Tensor in_time = masked(1, 0, seed), in_features = masked(0, 1, seed);
    int64_t frames = 0, columns = 0, changes = 0;
    for (int64_t t = 0; t < kLength; ++t) {
      const float* row = in_time.data<float>() + t * kWidth;
      for (int64_t c = 1; c < kWidth; ++c) ASSERT_EQ(row[c], row[0]) << "a frame is blanked as a whole";
      frames += row[0] == 0;
      changes += t > 0 && row[0] != row[-kWidth];
      for (int64_t c = 0; c < kWidth; ++c)
        ASSERT_EQ(in_features.data<float>()[t * kWidth + c], in_features.data<float>()[c]) << "in all frames";
    }
    for (int64_t c = 0; c < kWidth; ++c) columns += in_features.data<float>()[c] == 0;
    EXPECT_LE(changes, 2);
    longest = std::max(longest, frames);
    widest = std::max(widest, columns);
  }
  EXPECT_EQ(longest, 6);
  EXPECT_EQ(widest, 4);
}

TEST(FrameClassifier, AnswersDependOnTheSequenceAloneAndComeInTheCallersOrder) {
  ClassifierConfig config;
  config.stack.hidden_size = {5};
  config.embedding_size = 4;
  config.label_smoothing = 0;
  Classifier model(config, {0, 3, 0, 2}, 1);
  Context ctx;
  const Tensor together = model.forward(ctx, batch_of(kSequences)).value();
  for (size_t i = 0; i < kSequences.size(); ++i) {
    const Tensor alone = model.forward(ctx, batch_of({kSequences[i]})).value();
    for (int64_t k = 0; k < 3; ++k)
      EXPECT_NEAR(alone.data<float>()[k], together.data<float>()[static_cast<int64_t>(i) * 3 + k], 1e-5);
  }
  const ClassifierLoss loss = model.loss(ctx, {{}, {0, 2, 1}, {}, batch_of(kSequences)});
  EXPECT_NEAR(loss.nll_sum, 3 * loss.loss.value().item(), 1e-4);
  EXPECT_THROW(model.loss(ctx, {{}, {0}, {}, batch_of(kSequences)}), ShapeError);
}

}  // namespace frame_batch_test
}  // namespace carousel::nn
