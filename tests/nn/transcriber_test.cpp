// Symbols for frames: that the network learns where they are without being told.
#include "carousel/nn/transcriber.h"

#include <gtest/gtest.h>

#include <cmath>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace transcriber_test {

TranscriberConfig config_of() {
  TranscriberConfig config;
  config.stack.hidden_size = {12};
  config.embedding_size = 6;
  return config;
}

struct Data {
  std::vector<std::vector<float>> frames;
  std::vector<std::vector<int32_t>> targets;

  FrameBatch batch() const {
    std::vector<std::span<const float>> spans(frames.begin(), frames.end());
    return FrameBatch::of(spans, 2);
  }
};

/// Each symbol, 1 or 2, is a stretch of frames of its own kind, with a pause behind it.
Data make_data(int64_t count, uint64_t seed) {
  Rng rng(seed, 0);
  Data data;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<float>& x = data.frames.emplace_back();
    std::vector<int32_t>& target = data.targets.emplace_back();
    const uint64_t symbols = 1 + rng.below(3);
    for (uint64_t s = 0; s < symbols; ++s) {
      target.push_back(static_cast<int32_t>(1 + rng.below(2)));
      const uint64_t length = 2 + rng.below(3);
      for (uint64_t t = 0; t < length + 2; ++t) {
        const bool pause = t >= length;
        x.push_back((pause ? 0.0F : target.back() == 1 ? 1.0F : -1.0F) + 0.1F * rng.normal());
        x.push_back((pause ? 0.0F : 1.0F) + 0.1F * rng.normal());
      }
    }
  }
  return data;
}

TEST(Transcriber, LearnsSymbolsWithoutTheirPlaces) {
  Transcriber model(config_of(), 2, 3, 1);
  const Data data = make_data(24, 1);
  double first = 0, last = 0;
  for (int64_t step = 0; step < 150; ++step) {
    Tape tape;
    Context ctx;
    ctx.tape = &tape;
    const TranscriberLoss loss = model.loss(ctx, data.batch(), data.targets);
    (step == 0 ? first : last) = loss.nll_sum / 24;
    tape.backward(loss.loss);
    for (const NamedParameter& p : model.parameters()) {
      if (!p.var.has_grad()) continue;
      float* w = p.var.mutable_value().data<float>();
      const auto g = p.var.grad().span<float>();
      double norm = 0;
      for (const float value : g) norm += static_cast<double>(value) * static_cast<double>(value);
      const auto rate = static_cast<float>(0.1 / std::max(1.0, std::sqrt(norm)));
      for (size_t i = 0; i < g.size(); ++i) w[i] -= rate * g[i];
      p.var.clear_grad();
    }
  }
  EXPECT_GT(first, 2);
  EXPECT_LT(last, first / 3);
}

TEST(Transcriber, LogProbabilitiesAreNormalisedAndInTheCallersOrder) {
  Transcriber model(config_of(), 2, 3, 1);
  const Data data = make_data(5, 2);
  const auto all = model.log_probs(data.batch());
  for (size_t i = 0; i < data.frames.size(); ++i) {
    ASSERT_EQ(all[i].size(), data.frames[i].size() / 2 * 3);
    for (size_t t = 0; t < all[i].size(); t += 3)
      EXPECT_NEAR(std::exp(all[i][t]) + std::exp(all[i][t + 1]) + std::exp(all[i][t + 2]), 1, 1e-5);
    const std::vector<float> alone = model.log_probs(FrameBatch::of({data.frames[i]}, 2)).front();
    for (size_t k = 0; k < alone.size(); ++k) EXPECT_NEAR(alone[k], all[i][k], 1e-5);
  }
}

TEST(Transcriber, RefusesSizesThatCannotBe) {
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([] { Transcriber(config_of(), 2, 1, 1); }),
            "[transcriber] frames, their projection and the symbols, blank included, must have sizes from 1, 1 and 2 "
            "on; got 2, 6 and 1. Set embedding_size, or check the data.");
}

}  // namespace transcriber_test
}  // namespace carousel::nn
