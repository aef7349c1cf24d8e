#include "carousel/nn/tagger.h"

#include <gtest/gtest.h>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace tagger_test {

TaggerConfig config_of(const std::string& crf = "yes") {
  TaggerConfig config;
  config.stack.hidden_size = {5};
  config.stack.dropout = 0;
  config.embedding_size = 4;
  config.character_embedding_size = 3;
  config.character_hidden_size = 2;
  config.crf = crf;
  return config;
}

constexpr Tagger::Sizes kSizes{9, 7, 3, 0};

/// Two sentences of three and one words; words 0 and 2 are spelled alike.
const TaggerInput kInput = {{{3, 4, 5}, {6}}, {{3, 4}, {5}, {3, 3, 6}}, {{0, 1, 0}, {2}}};

std::vector<float> row_of(const Tagger::Output& out, int64_t sentence, int64_t word) {
  const int64_t width = out.emissions.value().dim(1);
  const float* first = out.emissions.value().data<float>() +
                       out.packing.row(word, out.packing.position[static_cast<size_t>(sentence)]) * width;
  return {first, first + width};
}

TEST(Tagger, EmissionsOfASentenceDependOnItAlone) {
  Tagger model(config_of(), kSizes, 1);
  Context ctx;
  const Tagger::Output together = model.forward(ctx, kInput);
  const Tagger::Output alone = model.forward(ctx, {{{6}}, {{3, 3, 6}}, {{0}}});
  for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(row_of(together, 1, 0)[k], row_of(alone, 0, 0)[k], 1e-6);
  const Tagger::Output shuffled = model.forward(ctx, {{{6}, {3, 4, 5}}, {{5}, {3, 3, 6}, {3, 4}}, {{1}, {2, 0, 2}}});
  for (int64_t word = 0; word < 3; ++word)
    for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(row_of(together, 0, word)[k], row_of(shuffled, 1, word)[k], 1e-6);
}

TEST(Tagger, SpellingMattersUnlessThereAreNoCharacters) {
  TaggerInput other = kInput;
  other.spellings[1] = {4, 4, 4};
  for (const int64_t units : {2, 0}) {
    TaggerConfig config = config_of();
    config.character_hidden_size = units;
    Tagger model(config, kSizes, 1);
    Context ctx;
    EXPECT_EQ(row_of(model.forward(ctx, kInput), 0, 1) != row_of(model.forward(ctx, other), 0, 1), units > 0);
  }
}

TEST(Tagger, TheChainHoldsWhatTheCrfLearntAndForbidsTheRest) {
  Tagger model(config_of(), kSizes, 1);
  for (const NamedParameter& p : model.parameters()) {
    if (p.name == "crf.transitions")
      for (int i = 0; i < 9; ++i) p.var.mutable_value().data<float>()[i] = static_cast<float>(i);
    if (p.name == "crf.stop") p.var.mutable_value().fill(100);
  }
  const LinearChain chain = model.chain([](int64_t from, int64_t to) { return from != 3 || to != 0; });
  const std::vector<double> none(6);
  EXPECT_EQ(chain.score(2, none.data(), std::vector<int32_t>{1, 2}.data()), 5 + 100);
  EXPECT_LT(chain.score(2, none.data(), std::vector<int32_t>{0, 2}.data()), -1e29) << "none begins with 0";
  Tagger plain(config_of("no"), kSizes, 1);
  EXPECT_FALSE(plain.has_crf());
  EXPECT_EQ(plain.chain([](int64_t, int64_t) { return true; }).score(2, none.data(), std::vector<int32_t>{1, 2}.data()),
            0);
}

TEST(Tagger, TheLossOfACrfWithoutTransitionsIsThatOfTheSoftmax) {
  Tagger crf(config_of(), kSizes, 1), softmax(config_of("no"), kSizes, 1);
  const TaggerTargets targets{{{0, 2, 1}, {1}}, {}};
  Context ctx;
  const TaggerLoss a = crf.loss(ctx, kInput, targets), b = softmax.loss(ctx, kInput, targets);
  EXPECT_NEAR(a.loss.value().item(), b.loss.value().item(), 1e-5);
  EXPECT_NEAR(a.nll_sum, b.nll_sum, 1e-4);
  EXPECT_EQ(a.tokens, 4);
}

TEST(Tagger, IntentsAddTheirLoss) {
  Tagger::Sizes sizes = kSizes;
  sizes.num_intents = 2;
  Tagger model(config_of(), sizes, 1);
  Context ctx;
  const Tagger::Output out = model.forward(ctx, kInput);
  EXPECT_EQ(out.intents.value().shape(), Shape({2, 2}));
  Tagger without(config_of(), kSizes, 1);
  EXPECT_FALSE(without.forward(ctx, kInput).intents.defined());
  const TaggerTargets targets{{{0, 2, 1}, {1}}, {1, 0}};
  EXPECT_GT(model.loss(ctx, kInput, targets).loss.value().item(),
            without.loss(ctx, kInput, targets).loss.value().item() + 0.1);
}

TEST(Tagger, RefusesWhatDoesNotFit) {
  Tagger model(config_of(), kSizes, 1);
  Context ctx;
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>([&] {
              model.loss(ctx, kInput, {{{0, 2, 1}}, {}});
            }),
            "[tagger] the number of tagged sentences must be 2; got 1. Check the sizes of the layers.");
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>([&] {
              model.loss(ctx, kInput, {{{0, 2}, {1}}, {}});
            }),
            "[tagger] the number of tags of a sentence must be 3; got 2. Check the sizes of the layers.");
  TaggerConfig config = config_of();
  config.embedding_size = 0;
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { Tagger(config, kSizes, 1); }),
            "[tagger] embedding_size must be at least 1; got 0. Set it.");
}

}  // namespace tagger_test
}  // namespace carousel::nn
