#include "carousel/nn/classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace classifier_test {

ClassifierConfig config_of(const std::string& pooling = "max") {
  ClassifierConfig config;
  config.stack.hidden_size = {5};
  config.stack.dropout = 0;
  config.embedding_size = 4;
  config.pooling = pooling;
  config.symbol_dropout = 0;
  config.label_smoothing = 0;
  return config;
}

constexpr Classifier::Sizes kSizes{9, 3, 2};

const std::vector<std::vector<int32_t>> kTexts = {{3, 4}, {5, 6, 7, 8}, {4}};

std::vector<float> row_of(const Tensor& logits, int64_t row) {
  const float* first = logits.data<float>() + row * logits.dim(1);
  return {first, first + logits.dim(1)};
}

TEST(Classifier, AnswersDependOnTheTextAloneAndComeInTheCallersOrder) {
  for (const std::string& pooling : pooling_names()) {
    Classifier model(config_of(pooling), kSizes, 1);
    Context ctx;
    const Tensor together = model.forward(ctx, kTexts).value();
    for (size_t i = 0; i < kTexts.size(); ++i) {
      const std::vector<float> alone = row_of(model.forward(ctx, {kTexts[i]}).value(), 0);
      const std::vector<float> beside = row_of(together, static_cast<int64_t>(i));
      for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(alone[k], beside[k], 1e-5) << pooling;
    }
    EXPECT_NE(row_of(together, 0), row_of(together, 2)) << pooling;
  }
}

TEST(Classifier, ClassWeightsAreThoseOfTheDefinition) {
  ClassifierConfig config = config_of();
  config.label_smoothing = 0.1;
  Classifier model(config, kSizes, 1);
  const ClassifierBatch plain{kTexts, {0, 2, 0}}, weighted{kTexts, {0, 2, 0}, {0.5, 1, 3}},
      equal{kTexts, {0, 2, 0}, {2, 2, 2}};
  std::vector<double> each;
  Context ctx;
  for (size_t i = 0; i < kTexts.size(); ++i)
    each.push_back(model.loss(ctx, {{kTexts[i]}, {plain.classes[i]}}).loss.value().item());
  EXPECT_NEAR(model.loss(ctx, plain).loss.value().item(), (each[0] + each[1] + each[2]) / 3, 1e-6);
  EXPECT_NEAR(model.loss(ctx, equal).loss.value().item(), (each[0] + each[1] + each[2]) / 3, 1e-6);
  EXPECT_NEAR(model.loss(ctx, weighted).loss.value().item(), (0.5 * each[0] + 3 * each[1] + 0.5 * each[2]) / 4, 1e-6);
  EXPECT_NEAR(model.loss(ctx, weighted).nll_sum, model.loss(ctx, plain).nll_sum, 1e-5) << "reported without weights";
}

TEST(Classifier, GradientOfTheWeightedLossIsTheSlope) {
  Classifier model(config_of("attention"), kSizes, 1);
  const ClassifierBatch batch{kTexts, {0, 2, 1}, {0.5, 1, 3}};
  Context ctx;
  Tape tape;
  ctx.tape = &tape;
  tape.backward(model.loss(ctx, batch).loss);
  ctx.tape = nullptr;
  for (const NamedParameter& p : model.parameters()) {
    if (p.name == "temperature" || p.name == "trust") {
      EXPECT_FALSE(p.var.has_grad()) << "nothing learns it";
      continue;
    }
    ASSERT_TRUE(p.var.has_grad()) << p.name;
    // The largest entry of the gradient, by central differences in f32.
    const auto g = p.var.grad().span<float>();
    size_t at = 0;
    for (size_t i = 0; i < g.size(); ++i)
      if (std::abs(g[i]) > std::abs(g[at])) at = i;
    const auto moved = [&](float by) {
      p.var.mutable_value().data<float>()[at] += by;
      const double value = model.loss(ctx, batch).loss.value().item();
      p.var.mutable_value().data<float>()[at] -= by;
      return value;
    };
    EXPECT_NEAR((moved(1e-2F) - moved(-1e-2F)) / 2e-2, static_cast<double>(g[at]),
                2e-3 + 0.02 * std::abs(static_cast<double>(g[at])))
        << p.name;
  }
}

TEST(Classifier, SymbolDropoutReadsUnknownSymbolsInTrainingAlone) {
  ClassifierConfig config = config_of();
  config.symbol_dropout = 0.95;
  Classifier dropping(config, kSizes, 1), plain(config_of(), kSizes, 1);
  const std::vector<std::vector<int32_t>> text = {std::vector<int32_t>(40, 5)};
  Context quiet, training;
  training.training = true;
  training.seed = 7;
  EXPECT_EQ(row_of(dropping.forward(quiet, text).value(), 0), row_of(plain.forward(quiet, text).value(), 0));
  EXPECT_NE(row_of(dropping.forward(training, text).value(), 0), row_of(plain.forward(quiet, text).value(), 0));
}

TEST(Classifier, KeepsTemperatureAndTrustAmongItsParameters) {
  Classifier model(config_of(), kSizes, 1);
  EXPECT_EQ(model.temperature(), 1);
  EXPECT_EQ(model.trust(), 0);
  model.set_temperature(2.5);
  model.set_trust(0.75);
  std::map<std::string, double> kept;
  for (const NamedParameter& p : model.parameters())
    if (p.name == "temperature" || p.name == "trust") kept[p.name] = p.var.value().item();
  EXPECT_EQ(kept, (std::map<std::string, double>{{"temperature", 2.5}, {"trust", 0.75}}));
}

TEST(Classifier, RefusesWhatDoesNotFit) {
  ClassifierConfig config = config_of();
  config.embedding_size = 0;
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { Classifier(config, kSizes, 1); }),
            "[classifier] embedding_size must be at least 1; got 0. Set it.");
  Classifier model(config_of(), kSizes, 1);
  Context ctx;
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>([&] {
              model.loss(ctx, {kTexts, {0}});
            }),
            "[classifier] the number of classes must be 3; got 1. Check the sizes of the layers.");
}

}  // namespace classifier_test
}  // namespace carousel::nn
