// The task from file to answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/nn/guided_attention.h"
#include "carousel/tasks/seq2seq_stepper.h"
#include "carousel/tasks/transduce_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace transduce_test {

Settings learning_settings() {
  return {{"hidden_size", "32"}, {"embedding_size", "16"}, {"batch_size", "16"},
          {"epochs", "12"},      {"dropout", "0.1"},       {"learning_rate", "0.01"}};
}

/// One trained model for all tests that only look at it.
ToyRun& trained() {
  static const testing::TempDir dir;
  static ToyRun run(dir.write("words.tsv", spelling_lines(300, 1)), learning_settings());
  static const bool done = (run.train(), true);
  (void)done;
  return run;
}

TEST(Transduce, LearnsASpellingAndBeatsTheBaseline) {
  const testing::TempDir dir;
  const std::string file = dir.write("test.tsv", spelling_lines(100, 99));
  const EvalReport report = trained().job.model->evaluate({file}, {});
  EXPECT_LT(report.metrics.at("sequence_error_rate"), 0.1);
  EXPECT_LT(report.metrics.at("token_error_rate"), 0.03);
  EXPECT_GT(report.baseline.at("sequence_error_rate"), report.metrics.at("sequence_error_rate"));
  EXPECT_EQ(report.task, "transduce");
  EXPECT_EQ(report.baseline_name, "most probable symbol for symbol (IBM model 1)");
}

TEST(Transduce, SaysWhatItDecided) {
  const std::string& said = trained().said;
  EXPECT_NE(said.find("data: two tab-separated columns"), std::string::npos) << said;
  EXPECT_NE(said.find("source: characters, because"), std::string::npos) << said;
  EXPECT_NE(said.find("target: words, because"), std::string::npos) << said;
  EXPECT_NE(said.find("equal sources on one side"), std::string::npos) << said;
}

TEST(Transduce, AttentionForms) {
  const train::Evaluation e = trained().job.objective->evaluate();
  EXPECT_GT(e.metrics.at("attention_information"), 0.4);
  EXPECT_EQ(e.warning, "");
}

TEST(Transduce, AttentionThatHasNotFormedIsNamedWithTheRemedy) {
  const testing::TempDir dir;
  Settings settings = small_settings();
  settings.emplace_back("guided_attention", "0");
  ToyRun run(dir.write("words.tsv", spelling_lines(60, 1)), settings);
  const train::Evaluation e = run.job.objective->evaluate();
  EXPECT_LT(e.metrics.at("attention_information"), 0.25);
  EXPECT_NE(e.warning.find("the attention has not formed"), std::string::npos) << e.warning;
  EXPECT_NE(e.warning.find("raise guided_attention (now 0)"), std::string::npos) << e.warning;
}

TEST(Transduce, LongPairsAreLeftOutOfTrainingAndSaid) {
  const testing::TempDir dir;
  const std::string text = std::string(2000, 'z') + "\tA\n" + spelling_lines(60, 1);
  const std::string file = dir.write("words.tsv", text);
  ToyRun run(file, small_settings());
  EXPECT_NE(
      run.said.find("data: 1 pair has more than max_length = 1000 symbols on a side (up to 2000) and is left out: " +
                    file + " line 1\n"),
      std::string::npos)
      << run.said;
  const auto notes = run.job.model->predict({"z"}, {}).front().notes;
  EXPECT_NE(std::find(notes.begin(), notes.end(), "unknown symbol: z"), notes.end())
      << "a symbol of the pair that was left out is in the vocabulary";
  Settings none = small_settings();
  none.emplace_back("max_length", "1");
  EXPECT_NE(testing::error_of<DataError>([&] { ToyRun(file, none); }).find("may have at most 1 symbols (max_length)"),
            std::string::npos);
}

TEST(Transduce, ALongInputGetsAnErrorAndTheOthersTheirAnswers) {
  const std::string text(1001, 'a');
  const auto predictions = trained().job.model->predict({"abc", text, "fed"}, {});
  EXPECT_EQ(
      predictions[1].error,
      "[predict] an input may have at most 1000 symbols (max_length); got 1001. Cut it into shorter ones, or train "
      "with a larger max_length.");
  EXPECT_TRUE(predictions[1].hypotheses.empty());
  EXPECT_EQ(predictions[0].error, "");
  EXPECT_EQ(predictions[0].hypotheses.front().text, trained().answers({"abc"}).front());
  EXPECT_EQ(predictions[2].hypotheses.front().text, trained().answers({"fed"}).front());
  EXPECT_NE(testing::error_of<DataError>([&] { trained().job.model->inspect(text, {}); }).find("(max_length)"),
            std::string::npos);
  const testing::TempDir dir;
  const EvalReport report = trained().job.model->evaluate({dir.write("t.tsv", text + "\tA\nabc\tA B K\n")}, {});
  ASSERT_FALSE(report.notes.empty());
  EXPECT_EQ(report.notes.front(), "1 of 2 inputs have more than max_length = 1000 symbols and count as wrong");
}

TEST(Transduce, GatesOfEveryLayerTokenAndUnit) {
  const GateTrace trace = trained().job.model->gates("abcdef", {});
  EXPECT_EQ(trace.output, trained().answers({"abcdef"}).front());
  const auto find = [&](const std::string& layer, const std::string& gate) -> const GateSeries& {
    for (const GateSeries& s : trace.series)
      if (s.layer == layer && s.gate == gate) return s;
    ADD_FAILURE() << layer << " " << gate;
    return trace.series.front();
  };
  EXPECT_EQ(trace.series.size(), 3u * (4 + 2)) << "both directions and the decoder: four gates, h and c";
  for (const char* layer : {"encoder.0", "encoder.0.reverse", "decoder"}) {
    const GateSeries &o = find(layer, "output_gate"), &f = find(layer, "forget_gate"), &i = find(layer, "input_gate"),
                     &g = find(layer, "candidate"), &h = find(layer, "h"), &c = find(layer, "c");
    const size_t steps = h.tokens.size(), units = 32;
    if (std::string(layer) != "decoder") {
      EXPECT_EQ(steps, 6u) << layer;
    }
    ASSERT_GT(steps, 1u) << layer;
    ASSERT_EQ(h.values.size(), steps * units);
    for (size_t k = 0; k < h.values.size(); ++k) {
      EXPECT_NEAR(h.values[k], o.values[k] * std::tanh(c.values[k]), 1e-5) << layer;
      const bool reverse = std::string(layer).ends_with("reverse");
      const size_t row = k / units, before = reverse ? k + units : k - units;
      if (reverse ? row + 1 == steps : row == 0) continue;  // the first step: what it began with is not recorded
      EXPECT_NEAR(c.values[k], f.values[k] * c.values[before] + i.values[k] * g.values[k], 1e-5) << layer;
    }
  }
  EXPECT_EQ(find("encoder.0", "h").tokens.front(), "a");
  EXPECT_EQ(find("decoder", "h").tokens.back(), "</s>");
}

TEST(Transduce, InspectShowsRowsThatSumToOne) {
  const AttentionMap map = trained().job.model->inspect("abcdef", {});
  EXPECT_EQ(map.source.size(), 6u);
  EXPECT_EQ(map.target.back(), "</s>");
  ASSERT_EQ(map.weights.size(), map.source.size() * map.target.size());
  for (size_t t = 0; t < map.target.size(); ++t) {
    double sum = 0;
    for (size_t s = 0; s < map.source.size(); ++s) sum += static_cast<double>(map.weights[t * map.source.size() + s]);
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(Transduce, OneAnswerForEachLineWhateverStandsBesideIt) {
  const std::vector<std::string> lines = {"abc", "", "fedcba", "a", "abcdefabcdef"};
  const std::vector<std::string> together = trained().answers(lines);
  ASSERT_EQ(together.size(), lines.size());
  EXPECT_EQ(together[1], "");
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(trained().answers({lines[i]})[0], together[i]) << lines[i];
}

TEST(Transduce, NbestIsOrderedAndItsProbabilitiesArePossible) {
  PredictOptions options;
  options.nbest = 4;
  options.beam_size = 4;
  const Prediction p = trained().job.model->predict({"abcab"}, options).front();
  ASSERT_GE(p.hypotheses.size(), 2u);
  double total = 0;
  for (size_t i = 0; i < p.hypotheses.size(); ++i) {
    total += p.hypotheses[i].probability;
    EXPECT_NEAR(p.hypotheses[i].probability, std::exp(p.hypotheses[i].log_probability), 1e-12);
    if (i > 0) {
      EXPECT_LE(p.hypotheses[i].log_probability, p.hypotheses[i - 1].log_probability);
    }
  }
  EXPECT_LE(total, 1 + 1e-6);
}

TEST(Transduce, KnowsWhatItWasTrainedOnAndWhatItNeverSaw) {
  const testing::TempDir dir;
  ToyRun run(dir.write("words.tsv", spelling_lines(60, 1)), small_settings(),
             {dir.write("dev.tsv", "abz\tA B\nq\tA\n")});
  EXPECT_NE(run.said.find("2 source symbols in 2 pairs never occur in training"), std::string::npos) << run.said;
  const std::string first = spelling_lines(60, 1).substr(0, spelling_lines(60, 1).find('\t'));
  const auto predictions = run.job.model->predict({first, "aaaaaaaaa", "a?"}, {});
  EXPECT_EQ(predictions[0].in_training, true);
  EXPECT_EQ(predictions[1].in_training, false);
  EXPECT_NE(std::find(predictions[2].notes.begin(), predictions[2].notes.end(), "unknown symbol: ?"),
            predictions[2].notes.end());
}

TEST(Transduce, StepsGiveTheProbabilityThatTrainingMinimises) {
  auto& model = dynamic_cast<TransduceModel&>(*trained().job.model);
  const auto source = model.parts().source->encode("cabfe"), target = model.parts().target->encode("K S A B F E");
  Seq2SeqStepper stepper(model.network(), {source}, {});
  stepper.start();
  std::vector<float> log_probs(static_cast<size_t>(stepper.vocab_size()));
  const int64_t parent = 0;
  int32_t token = stepper.bos();
  double nll = 0;
  for (size_t t = 0; t <= target.size(); ++t) {
    stepper.step({&parent, 1}, {&token, 1}, log_probs.data());
    token = t < target.size() ? target[t] : stepper.eos();
    nll -= static_cast<double>(log_probs[static_cast<size_t>(token)]);
  }
  nn::Context ctx;
  EXPECT_NEAR(model.network().loss(ctx, {{source}, {target}, {}}, 0).nll_sum, nll, 1e-4);
}

TEST(Transduce, MetadataRebuildsTheModel) {
  auto& model = *trained().job.model;
  auto task = make_task("transduce");
  OptionTable table;
  task->options(table);
  table.from_json(trained().table.to_json(), "model");
  const auto again = task->load(model.metadata(), "model");
  const auto from = model.module().parameters(), to = again->module().parameters();
  ASSERT_EQ(from.size(), to.size());
  for (size_t i = 0; i < from.size(); ++i) to[i].var.mutable_value() = from[i].var.value().clone();
  PredictOptions options;
  EXPECT_EQ(again->predict({"abcdef"}, options)[0].hypotheses[0].log_probability,
            model.predict({"abcdef"}, options)[0].hypotheses[0].log_probability);
}

TEST(Transduce, DamagedMetadataIsRefused) {
  auto task = make_task("transduce");
  OptionTable table;
  task->options(table);
  table.from_json(trained().table.to_json(), "m");
  const auto good = trained().job.model->metadata();
  const auto load = [&](const std::string& key, const std::string* value) {
    auto bad = good;
    if (value) {
      bad[key] = *value;
    } else {
      bad.erase(key);
    }
    return testing::error_of<FormatError>([&] { task->load(bad, "m.safetensors"); });
  };
  EXPECT_EQ(
      load("transduce.source_tokenizer", nullptr),
      "m.safetensors: byte 0: [model] the metadata must hold 'transduce.source_tokenizer'; got none. The file is no "
      "transduce model or is damaged; train again.");
  const std::string letters = "xyz", odd = "0123", count = "-1";
  EXPECT_EQ(
      load("transduce.seen", &letters),
      "m.safetensors: byte 0: [model] transduce.seen must be groups of eight hexadecimal digits; got something else. "
      "The file is damaged; train again.");
  EXPECT_FALSE(load("transduce.seen", &odd).empty());
  EXPECT_EQ(
      load("transduce.train_examples", &count),
      "m.safetensors: byte 0: [model] transduce.train_examples must be a count; got '-1'. The file is damaged; train "
      "again.");
  EXPECT_FALSE(load("transduce.target_tokenizer", &letters).empty());
  EXPECT_FALSE(load("transduce.baseline", &letters).empty());
}

TEST(Transduce, InspectNeedsAnInputAndAnAttention) {
  EXPECT_EQ(testing::error_of<ConfigError>([] { trained().job.model->inspect("", {}); }),
            "[inspect] the input must hold at least one symbol; got an empty line. Give a text to look at.");
  const testing::TempDir dir;
  Settings settings = small_settings();
  settings.emplace_back("attention", "none");
  ToyRun run(dir.write("words.tsv", spelling_lines(60, 1)), settings);
  EXPECT_EQ(
      testing::error_of<UnsupportedError>([&] { run.job.model->inspect("abc", {}); }),
      "[inspect] the model was trained with attention = none and has no map to show; got such a model. Train with "
      "attention = additive.");
}

TEST(Transduce, SubwordsAreDrawnOnlyWhereTheyCanBe) {
  const testing::TempDir dir;
  Settings settings = small_settings();
  settings.emplace_back("subword_sampling", "0.2");
  settings.emplace_back("source_tokens", "bpe");
  settings.emplace_back("target_tokens", "words");
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { ToyRun(dir.write("words.tsv", spelling_lines(60, 1)), settings); }),
      "[data] subword_sampling draws cuts of unigram subwords; got source_tokens = bpe and target_tokens = words. "
      "Set one of them to unigram, or leave subword_sampling out.");
}

TEST(Transduce, DrawnSubwordsAreTheSameForTheSameSeed) {
  const testing::TempDir dir;
  const std::string file = dir.write("words.tsv", spelling_lines(60, 1));
  Settings settings = small_settings();
  for (const char* option : {"source_tokens", "target_tokens"}) settings.emplace_back(option, "unigram");
  settings.emplace_back("subword_sampling", "0.2");
  std::string first;
  for (int round = 0; round < 2; ++round) {
    ToyRun run(file, settings);
    run.train();
    if (round == 0) first = run.weights();
    EXPECT_TRUE(run.weights() == first);
  }
}

TEST(Tasks, UnknownNameOffersTheNearest) {
  EXPECT_EQ(testing::error_of<ConfigError>([] { make_task("transduse"); }),
            "[task] there is no task 'transduse'; got known tasks tag, classify, detect, forecast, transduce, lm. Did "
            "you mean "
            "'transduce'?");
}

TEST(GuidedAttention, InformationTellsFormedFromUnformed) {
  const std::vector<float> diagonal = {1, 0, 0, 0, 1, 0, 0, 0, 1}, uniform(9, 1.0f / 3),
                           stuck = {1, 0, 0, 1, 0, 0, 1, 0, 0};
  EXPECT_NEAR(nn::attention_information(diagonal, 3, 3), 1, 1e-6);
  EXPECT_NEAR(nn::attention_information(uniform, 3, 3), 0, 1e-6);
  EXPECT_NEAR(nn::attention_information(stuck, 3, 3), 0, 1e-6);
}

}  // namespace transduce_test
}  // namespace carousel::tasks
