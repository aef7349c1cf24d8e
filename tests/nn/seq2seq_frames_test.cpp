// The encoder-decoder whose sources are frames.
#include <gtest/gtest.h>

#include <cmath>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/rng.h"
#include "carousel/nn/seq2seq.h"

namespace carousel::nn {
namespace seq2seq_frames_test {

Seq2SeqConfig config_of() {
  Seq2SeqConfig config;
  config.stack.hidden_size = {6};
  config.embedding_size = 5;
  config.noise.frame_noise = 0.5;
  return config;
}

constexpr Seq2Seq::Vocabularies kSizes = {0, 6, 0, 0, 1, 2, 3};

std::vector<std::vector<float>> make_frames() {
  Rng rng(3, 0);
  std::vector<std::vector<float>> frames;
  for (const size_t length : {4U, 7U, 2U}) {
    frames.emplace_back();
    for (size_t i = 0; i < 3 * length; ++i) frames.back().push_back(rng.normal());
  }
  return frames;
}

Seq2SeqBatch batch_of(const std::vector<std::vector<float>>& frames) {
  Seq2SeqBatch batch;
  batch.frames = FrameBatch::of({frames.begin(), frames.end()}, 3);
  batch.targets = {{3, 4}, {5}, {4, 4, 3}};
  return batch;
}

TEST(Seq2SeqFrames, EachSequenceHasTheLossThatItHasAlone) {
  Seq2Seq model(config_of(), kSizes, 1);
  const auto frames = make_frames();
  const Seq2SeqBatch all = batch_of(frames);
  Context ctx;
  double sum = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    Seq2SeqBatch one;
    one.frames = FrameBatch::of({frames[i]}, 3);
    one.targets = {all.targets[i]};
    sum += model.loss(ctx, one, 0).nll_sum;
  }
  EXPECT_NEAR(model.loss(ctx, all, 0).nll_sum, sum, 1e-4);
}

TEST(Seq2SeqFrames, TheProjectionLearnsAndNoiseIsForTrainingAlone) {
  Seq2Seq model(config_of(), kSizes, 1);
  const Seq2SeqBatch batch = batch_of(make_frames());
  Context quiet, training;
  training.training = true;
  training.seed = 5;
  EXPECT_EQ(model.loss(quiet, batch, 0).nll_sum, model.loss(quiet, batch, 0).nll_sum);
  EXPECT_NE(model.loss(quiet, batch, 0).nll_sum, model.loss(training, batch, 0).nll_sum);
  Tape tape;
  Context ctx;
  ctx.tape = &tape;
  tape.backward(model.loss(ctx, batch, 0).loss);
  // The numerical gradient of one weight of the projection, by central difference.
  for (const NamedParameter& p : model.parameters()) {
    EXPECT_NE(p.name, "source_embedding.weight");
    if (p.name != "source_projection.weight") continue;
    const float before = p.var.value().data<float>()[4];
    const auto loss_at = [&](float w) {
      p.var.mutable_value().data<float>()[4] = w;  // each time: packed copies of the weights are thrown away
      Context c;
      return model.loss(c, batch, 0).nll_sum;
    };
    const double up = loss_at(before + 1e-2F), down = loss_at(before - 1e-2F);
    const double tokens = 9;  // symbols and end markers
    EXPECT_NEAR(static_cast<double>(p.var.grad().data<float>()[4]), (up - down) / (2 * 0.01 * tokens), 1e-3);
  }
}

TEST(Seq2SeqFrames, StepsSayWhatTheLossSays) {
  Seq2Seq model(config_of(), kSizes, 1);
  const auto frames = make_frames();
  Seq2SeqBatch one;
  one.frames = FrameBatch::of({frames[1]}, 3);
  one.targets = {{3, 5}};
  Context ctx;
  const Encoded encoded = model.encode(ctx, one.frames);
  EXPECT_EQ(encoded.num_sources, 1);
  DecoderState state;
  for (const Var& s : encoded.input.initial) state.states.push_back(s.value());
  state.context = Tensor::zeros({1, model.state_width()});
  double nll = 0;
  int32_t token = kSizes.bos;
  for (const int32_t wanted : {3, 5, kSizes.eos}) {
    Tensor attention;
    const Tensor logits = model.step(ctx, encoded, encoded.input.sources, {&token, 1}, state, &attention);
    EXPECT_EQ(attention.numel(), 7);
    double total = 0;
    for (int64_t k = 0; k < 6; ++k) total += std::exp(static_cast<double>(logits.data<float>()[k]));
    nll -= static_cast<double>(logits.data<float>()[wanted]) - std::log(total);
    token = wanted;
  }
  EXPECT_NEAR(model.loss(ctx, one, 0).nll_sum, nll, 1e-4);
}

}  // namespace seq2seq_frames_test
}  // namespace carousel::nn
