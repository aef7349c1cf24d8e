// Copying of what the model has no symbol for: pointer-generator and replacement by attention.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "carousel/base/error.h"
#include "carousel/tasks/seq2seq_stepper.h"
#include "carousel/tasks/transduce_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace copying_test {

/// "please call mabe now" TAB "call mabe !": a name that occurs once, among words that occur often.
std::string calls(int64_t count, uint64_t seed) {
  Rng rng(seed, 0);
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    std::string name;
    for (int k = 0; k < 8; ++k) name += static_cast<char>('a' + rng.below(26));
    const std::string verb = rng.below(2) ? "call" : "ask";
    text += (rng.below(2) ? "please " : "") + verb + " " + name + (rng.below(2) ? " now" : " today or tomorrow") +
            "\t" + verb + " " + name + " !\n";
  }
  return text;
}

Settings word_settings() {
  return {{"source_tokens", "words"}, {"target_tokens", "words"}, {"min_count", "2"},
          {"hidden_size", "24"},      {"embedding_size", "12"},   {"batch_size", "16"},
          {"epochs", "16"},           {"dropout", "0.1"},         {"learning_rate", "0.01"}};
}

TEST(Copying, SymbolsOfTheSourceAreNumberedBehindTheVocabulary) {
  const std::vector<std::string_view> texts = {"a b c"};
  const auto tokenizer = data::make_word_tokenizer(texts, {}, 1);
  const auto size = static_cast<int32_t>(tokenizer->vocabulary().size());
  const SourceText source = encode_source(*tokenizer, *tokenizer, "x a y x", true);
  EXPECT_EQ(source.copies, (std::vector<int32_t>{size, tokenizer->vocabulary().id("a"), size + 1, size}));
  EXPECT_EQ(source.extras, (std::vector<std::string>{"x", "y"}));
  const std::vector<int32_t> target = encode_target(*tokenizer, "y b z", source);
  EXPECT_EQ(target, (std::vector<int32_t>{size + 1, tokenizer->vocabulary().id("b"), data::Vocabulary::kUnk}));
  EXPECT_EQ(tokenizer->decode(target, source.extras), "y b <unk>");
  EXPECT_THROW(tokenizer->decode(target), ShapeError);
  EXPECT_TRUE(encode_source(*tokenizer, *tokenizer, "x", false).copies.empty());
}

TEST(Copying, ThePointerGeneratorWritesNamesItNeverSaw) {
  const testing::TempDir dir;
  ToyRun run(dir.write("calls.tsv", calls(300, 1)), word_settings());
  EXPECT_NE(run.said.find("copying: on, because"), std::string::npos) << run.said;
  run.train();
  EXPECT_EQ(run.answers({"please ask zanzibar now", "call tuvaluan today or tomorrow"}),
            (std::vector<std::string>{"ask zanzibar !", "call tuvaluan !"}));
  const AttentionMap map = run.job.model->inspect("ask zanzibar now", {});
  EXPECT_EQ(map.target[1], "zanzibar");
  EXPECT_GT(map.weights[3 + 1], 0.5) << "it looks at what it copies";
  const EvalReport report = run.job.model->evaluate({dir.write("test.tsv", calls(40, 9))}, {});
  EXPECT_EQ(report.baseline_name, "the first 3 symbols of the input");
  EXPECT_LT(report.metrics.at("sequence_error_rate"), 0.1);
  EXPECT_GT(report.baseline.at("sequence_error_rate"), 0.9);
  EXPECT_EQ(run.job.model->metadata().at("transduce.lead"), "3");
}

TEST(Copying, UnknownSymbolsAreReplacedByTheSymbolWithTheMostAttention) {
  const testing::TempDir dir;
  Settings settings = word_settings();
  settings.emplace_back("copy", "off");
  ToyRun replaced(dir.write("calls.tsv", calls(300, 1)), settings);
  replaced.train();
  EXPECT_EQ(replaced.answers({"please ask zanzibar now"}).front(), "ask zanzibar !") << "words: on by itself";
  settings.emplace_back("replace_unknown", "off");
  ToyRun plain(dir.file("calls.tsv"), settings);
  plain.train();
  EXPECT_EQ(plain.answers({"please ask zanzibar now"}).front(), "ask <unk> !");
}

TEST(Copying, StepsGiveTheProbabilityThatTrainingMinimises) {
  const testing::TempDir dir;
  Settings settings = word_settings();
  settings.emplace_back("max_steps", "20");
  ToyRun run(dir.write("calls.tsv", calls(100, 1)), settings);
  run.train();
  auto& model = dynamic_cast<TransduceModel&>(*run.job.model);
  const SourceText source = model.encode_source("please call zanzibar now");
  const std::vector<int32_t> target = model.encode_target("call zanzibar ! now", source);
  EXPECT_GE(target[1], model.parts().target->vocabulary().size());
  Seq2SeqStepper stepper(model.network(), {source.ids}, {source.copies});
  stepper.start();
  std::vector<float> log_probs(static_cast<size_t>(stepper.vocab_size()));
  const int64_t parent = 0;
  int32_t token = stepper.bos();
  double nll = 0;
  for (size_t t = 0; t <= target.size(); ++t) {
    stepper.step({&parent, 1}, {&token, 1}, log_probs.data());
    double sum = 0;
    for (const float log_prob : log_probs) sum += std::exp(static_cast<double>(log_prob));
    EXPECT_NEAR(sum, 1, 1e-5);
    token = t < target.size() ? target[t] : stepper.eos();
    nll -= static_cast<double>(log_probs[static_cast<size_t>(token)]);
  }
  nn::Context ctx;
  EXPECT_NEAR(model.network().loss(ctx, {{source.ids}, {target}, {source.copies}}, 0).nll_sum, nll, 1e-4);
}

TEST(Copying, IsOffWhereTargetsTakeNothingFromTheirSources) {
  const testing::TempDir dir;
  ToyRun run(dir.write("words.tsv", spelling_lines(60, 1)), small_settings());
  EXPECT_EQ(run.said.find("copying"), std::string::npos) << run.said;
  EXPECT_EQ(run.table.to_json().find("\"copy\":\"on\""), std::string::npos);
}

TEST(Copying, SubwordsAreSharedWhereTargetsTakeWordsFromTheirSources) {
  const testing::TempDir dir;
  Settings settings = small_settings();
  settings.emplace_back("source_tokens", "bpe");
  settings.emplace_back("target_tokens", "bpe");
  ToyRun run(dir.write("calls.tsv", calls(100, 1)), settings);
  EXPECT_NE(run.said.find("both sides: one inventory of subwords, because targets take words from their sources"),
            std::string::npos)
      << run.said;
  auto& model = dynamic_cast<TransduceModel&>(*run.job.model);
  EXPECT_EQ(model.parts().source->vocabulary().to_json(), model.parts().target->vocabulary().to_json());
}

TEST(Copying, WorksBehindAReadoutTiedToTheEmbedding) {
  const testing::TempDir dir;
  Settings settings = word_settings();
  settings.emplace_back("readout_size", "12");
  ToyRun run(dir.write("calls.tsv", calls(300, 1)), settings);
  run.train();
  EXPECT_EQ(run.answers({"please ask zanzibar now"}).front(), "ask zanzibar !");
  for (const nn::NamedParameter& p : run.job.model->module().parameters())
    EXPECT_NE(p.name, "output.weight") << "it is the embedding";
  settings.emplace_back("tie_weights", "on");
  settings.emplace_back("embedding_size", "10");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { ToyRun(dir.file("calls.tsv"), settings); }),
            "[seq2seq] tie_weights = on needs a readout as wide as the embedding; got readout_size = 12 and "
            "embedding_size = 10. Set them alike, or tie_weights = off.");
}

TEST(Copying, ATableIsTrainedOnAndScoredByItsRoles) {
  const testing::TempDir dir;
  std::string csv = "n,what,request\n";
  std::istringstream lines(calls(60, 1));
  for (std::string line; std::getline(lines, line);)
    csv += "1,\"" + line.substr(line.find('\t') + 1) + "\"," + line.substr(0, line.find('\t')) + "\n";
  Settings settings = small_settings();
  settings.emplace_back("columns", "_,target,source");
  settings.emplace_back("header", "yes");
  ToyRun run(dir.write("calls.csv", csv), settings);
  EXPECT_NE(run.said.find("request is the source, what the target"), std::string::npos) << run.said;
  EXPECT_EQ(run.job.example.find('\t'), std::string::npos);
  EXPECT_TRUE(run.job.example.starts_with("ask ") || run.job.example.starts_with("call ")) << run.job.example;
  EXPECT_EQ(run.job.model->evaluate({dir.file("calls.csv")}, {}).examples, 60) << "the roles are the model's";
}

TEST(Copying, LongAnswersAreNotCutOff) {
  const testing::TempDir dir;
  std::string lines;
  for (int i = 1; i <= 30; ++i)
    lines += "w" + std::to_string(i) + "\t" + std::string(static_cast<size_t>(i), 'b') + "\n";
  Settings settings = small_settings();
  settings.emplace_back("source_tokens", "words");
  const ToyRun run(dir.write("long.tsv", lines), settings, {dir.write("dev.tsv", "w1\tb\n")});
  EXPECT_EQ(run.table.find("max_length_factor")->value_text(), "11") << "30 symbols, 20 of them max_length_extra";
}

TEST(Copying, NeedsSymbolsThatCanBeComparedAndAttention) {
  const testing::TempDir dir;
  const std::string file = dir.write("words.tsv", spelling_lines(60, 1));
  Settings settings = small_settings();
  settings.emplace_back("copy", "on");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { ToyRun(file, settings); }),
            "[transduce] copy = on needs the same kind of symbols on both sides; got characters and words. Set "
            "source_tokens and target_tokens alike.");
  settings.emplace_back("attention", "none");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { ToyRun(file, settings); }),
            "[seq2seq] copy = on copies what attention points at; got attention = none. Use attention = additive, or "
            "copy = off.");
  settings.emplace_back("copy", "off");
  settings.emplace_back("replace_unknown", "on");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { ToyRun(file, settings); }),
            "[transduce] replace_unknown = on puts the source word that attention points at; got attention = none. Use "
            "attention = additive, or replace_unknown = off.");
}

}  // namespace copying_test
}  // namespace carousel::tasks
