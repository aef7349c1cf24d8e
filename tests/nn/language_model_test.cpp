// Language models: gradients, the carried state, the window's limit, tying.
#include "carousel/nn/language_model.h"

#include <gtest/gtest.h>

#include "carousel/autograd/grad_check.h"
#include "carousel/base/error.h"
#include "tests/support/temp_dir.h"

namespace carousel::nn {
namespace language_model_test {

LanguageModelConfig small(const std::string& model) {
  LanguageModelConfig c;
  c.model = model;
  c.window = model == "window" ? 3 : 0;
  c.embedding_size = 4;
  c.stack.hidden_size = {5, 4};
  c.stack.dropout = c.input_dropout = c.output_dropout = 0;
  return c;
}

std::vector<float> logits(LanguageModel& m, const std::vector<int32_t>& ids, int64_t batch, LanguageState& state) {
  Context ctx;
  const Tensor t = m.forward(ctx, ids, batch, state).value();
  const auto span = t.span<float>();
  return {span.begin(), span.end()};
}

class BothModels : public ::testing::TestWithParam<std::string> {};

TEST_P(BothModels, ReadingInChunksGivesTheSameBits) {
  LanguageModel m(small(GetParam()), 7, 1, 3);
  const std::vector<int32_t> ids = {3, 4, 5, 6, 2, 3, 3, 6, 4, 5, 5, 2};  // two streams of six
  LanguageState whole_state;
  const std::vector<float> whole = logits(m, ids, 2, whole_state);
  LanguageState state;
  std::vector<float> pieces;
  for (const auto& [begin, end] : {std::pair{0, 2}, {2, 8}, {8, 12}})
    for (const float v : logits(m, std::vector<int32_t>(ids.begin() + begin, ids.begin() + end), 2, state))
      pieces.push_back(v);
  EXPECT_EQ(pieces, whole);
}

TEST_P(BothModels, BeginStateIsTheEmptyOne) {
  LanguageModel m(small(GetParam()), 7, 1, 3);
  LanguageState empty, begin = m.begin_state(2);
  EXPECT_EQ(logits(m, {3, 4, 5, 6}, 2, empty), logits(m, {3, 4, 5, 6}, 2, begin));
}

TEST_P(BothModels, GradientEqualsCentralDifferences) {
  LanguageModel m(small(GetParam()), 7, 1, 3);
  std::vector<Var> inputs;
  for (const NamedParameter& p : m.parameters()) {
    p.var.mutable_value() = p.var.value().to(DType::f64);
    inputs.push_back(p.var);
  }
  const GradCheck check = grad_check(
      [&](Tape* tape) {
        Context ctx;
        ctx.tape = tape;
        LanguageState state;
        return m.forward(ctx, {3, 4, 5, 6, 2, 3}, 2, state);
      },
      inputs);
  EXPECT_LE(check.worst, 1e-6) << check.where;
}

TEST_P(BothModels, LossIsThatOfTheLogits) {
  const std::vector<int32_t> ids = {3, 4, 5, 6, 2, 3}, targets = {5, 6, 2, 3, 0, 1};
  for (const bool tied : {true, false})
    for (const int64_t embedding : {4, 6}) {
      LanguageModelConfig c = small(GetParam());
      c.tie_weights = tied;
      c.embedding_size = embedding;
      LanguageModel m(c, 7, 1, 3);
      Context ctx;
      LanguageState by_logits, by_blocks;
      const auto want = ops::cross_entropy(nullptr, m.forward(ctx, ids, 2, by_logits), targets, 0);
      const auto got = m.loss(ctx, ids, targets, 2, by_blocks);
      EXPECT_NEAR(got.nll_sum, want.nll_sum, 1e-5);
      EXPECT_NEAR(got.loss.value().item(), want.loss.value().item(), 1e-6);
      EXPECT_EQ(logits(m, {4, 2}, 2, by_blocks), logits(m, {4, 2}, 2, by_logits));
    }
}

TEST_P(BothModels, TyingTakesTheEmbeddingAsOutputMatrix) {
  LanguageModelConfig c = small(GetParam());
  const int64_t tied = LanguageModel(c, 7, 1, 3).num_parameters();
  c.tie_weights = false;
  EXPECT_EQ(LanguageModel(c, 7, 1, 3).num_parameters(), tied + 7 * 4);
  c.tie_weights = true;
  c.embedding_size = 6;  // the last layer has 4 units
  LanguageModel projected(c, 7, 1, 3);
  EXPECT_TRUE(projected.has_projection());
  bool found = false;
  for (const NamedParameter& p : projected.parameters())
    if (p.name == "projection.weight") found = p.var.value().shape() == Shape{6, 4};
  EXPECT_TRUE(found);
}

INSTANTIATE_TEST_SUITE_P(LanguageModel, BothModels, ::testing::Values("recurrent", "window"),
                         [](const auto& param_info) { return param_info.param; });

/// True when the last logits change with the symbol `back` places before the last.
bool sees(const std::string& model, size_t back) {
  LanguageModel m(small(model), 7, 1, 3);
  std::vector<int32_t> ids = {3, 4, 5, 6, 2, 3, 4, 5};
  LanguageState a, b;
  const std::vector<float> before = logits(m, ids, 1, a);
  ids[ids.size() - 1 - back] = 6;
  const std::vector<float> after = logits(m, ids, 1, b);
  return !std::equal(before.end() - 7, before.end(), after.end() - 7);
}

TEST(LanguageModel, TheWindowSeesOnlyItsLastSymbols) {
  EXPECT_TRUE(sees("window", 2));
  EXPECT_FALSE(sees("window", 3));
  EXPECT_TRUE(sees("recurrent", 3));
  EXPECT_TRUE(sees("recurrent", 7));
}

TEST(LanguageModel, AWindowModelRefusesEveryOptionOfRecurrentLayers) {
  const std::vector<std::pair<std::string, std::string>> settings = {{"cell", "gru"},
                                                                     {"reset", "after"},
                                                                     {"update", "keep"},
                                                                     {"biases", "2"},
                                                                     {"activation", "relu"},
                                                                     {"projection_size", "3"},
                                                                     {"zoneout", "0.1"},
                                                                     {"bidirectional", "true"},
                                                                     {"residual", "true"},
                                                                     {"layer_norm", "true"},
                                                                     {"variational_dropout", "true"},
                                                                     {"recurrent_dropout", "0.2"}};
  for (const auto& [key, value] : settings) {
    LanguageModelConfig config;
    OptionTable table;
    config.options(table);
    table.set("model", "window", "test");
    table.set(key, value, "test");
    EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { config.check(); }),
              "[language model] a window model has no recurrent layers; got " + key + " = " + value +
                  ", which is for them. Leave it out, or set model = recurrent.");
  }
  LanguageModelConfig fitting;
  OptionTable table;
  fitting.options(table);
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"model", "window"}, {"window", "3"}, {"hidden_size", "8,4"}, {"num_layers", "2"}, {"dropout", "0.3"}})
    table.set(key, value, "test");
  EXPECT_NO_THROW(fitting.check());
}

TEST(LanguageModel, ARecurrentModelHasNoWindow) {
  LanguageModelConfig c = small("recurrent");
  c.window = 8;
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { c.check(); }),
            "[language model] only a window model has a window; got window = 8 for model = recurrent. Leave it out, or "
            "set model = window.");
}

TEST(LanguageModel, RefusesWhatItCannotBe) {
  LanguageModelConfig c = small("recurrent");
  c.stack.bidirectional = true;
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { LanguageModel(c, 7, 1, 3); }),
            "[language model] a language model must not see what it is to predict; got bidirectional = true. Set "
            "bidirectional = false.");
  c = small("window");
  c.window = 0;
  EXPECT_EQ(::carousel::testing::error_of<ConfigError>([&] { LanguageModel(c, 7, 1, 3); }),
            "[language model] embedding_size and window must be at least 1; got 4 and 0. Set them.");
  LanguageModel m(small("window"), 7, 1, 3);
  LanguageState state;
  Context ctx;
  EXPECT_EQ(::carousel::testing::error_of<ShapeError>([&] {
              m.forward(ctx, {1, 2, 3}, 2, state);
            }),
            "[language model] ids must be [steps, 2]; got 3 of them. Give each stream as many.");
  state.recent = {1};
  EXPECT_EQ(
      ::carousel::testing::error_of<ShapeError>([&] {
        m.forward(ctx, {1, 2}, 2, state);
      }),
      "[language model] a state must hold 4 symbols for 2 streams; got 1. It belongs to another model: begin anew.");
}

}  // namespace language_model_test
}  // namespace carousel::nn
