// The task `lm` from file to answers.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>

#include "carousel/base/error.h"
#include "carousel/tasks/language_model_model.h"
#include "carousel/tasks/language_model_objective.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace language_model_test {

/// Lines "a b c d": who knows the first letter knows the rest.
std::string alphabet(int64_t lines, uint64_t seed) {
  static const char* const kLines[] = {"one two three four", "red green blue", "do re mi fa sol", "north south"};
  Rng rng(seed, 0);
  std::string text;
  for (int64_t i = 0; i < lines; ++i) text += std::string(kLines[rng.below(4)]) + "\n";
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"hidden_size", "16"}, {"num_layers", "1"}, {"batch_size", "4"},
                {"bptt", "10"},        {"max_steps", "6"},  {"input_dropout", "0.1"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

ToyRun run_of(const std::string& file, const Settings& settings) {
  return ToyRun(file, settings, {}, "lm");
}

TEST(LanguageModelTask, LearnsALanguageAndBeatsTheUnigram) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(400, 1));
  ToyRun run = run_of(file, settings_of({{"max_steps", "120"}, {"learning_rate", "0.02"}}));
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.write("test.txt", alphabet(50, 9))}, {});
  // Only which of four lines comes next is open: 4 choices in 3.75 words and a line end, perplexity 4^(1/4.75) = 1.34.
  EXPECT_LT(report.metrics.at("perplexity"), 1.6);
  EXPECT_GT(report.baseline.at("perplexity"), 8);
  EXPECT_NEAR(report.metrics.at("bits_per_character"), report.metrics.at("nats_per_character") / std::log(2.0), 1e-9);
  EXPECT_EQ(run.answers({"red green", "do"}), (std::vector<std::string>{"red green blue", "do re mi fa sol"}));
  EXPECT_NE(run.said.find("text: words, because its"), std::string::npos) << run.said;
}

TEST(LanguageModelTask, PerplexityIsThatOfTheDefinition) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("text.txt", alphabet(60, 1)), settings_of({{"tokens", "characters"}}));
  auto& model = dynamic_cast<LanguageModelTask&>(*run.job.model);
  const std::vector<int32_t> ids = {5, 6, 7, 1, 4, 4, 9};
  double nll = 0;
  nn::LanguageState state;
  int32_t before = data::Vocabulary::kEos;
  for (const int32_t id : ids) {
    nn::Context ctx;
    const Tensor logits = model.network().forward(ctx, {before}, 1, state).value();
    double sum = 0;
    for (const float v : logits.span<float>()) sum += std::exp(static_cast<double>(v));
    nll += std::log(sum) - static_cast<double>(logits.data<float>()[id]);
    before = id;
  }
  const TextScore score = model.score(ids, 1);
  EXPECT_NEAR(score.nll_sum, nll, 1e-4);
  EXPECT_EQ(score.symbols, 7);
  const auto metrics = score.metrics(14);
  EXPECT_NEAR(metrics.at("perplexity"), std::exp(nll / 7), 1e-4);
  EXPECT_NEAR(metrics.at("nats_per_character"), nll / 14, 1e-5);
}

TEST(LanguageModelTask, OneCarriedStateKnowsMoreThanOnesThatBeginAnew) {
  const testing::TempDir dir;
  ToyRun run =
      run_of(dir.write("text.txt", alphabet(400, 1)), settings_of({{"max_steps", "120"}, {"learning_rate", "0.02"}}));
  run.train();
  auto& model = dynamic_cast<LanguageModelTask&>(*run.job.model);
  const data::TextFiles text({dir.write("test.txt", alphabet(60, 5))});
  const data::SymbolStore ids = data::make_stream(*model.parts().tokenizer, text).ids;
  const TextScore one = model.score(ids, 1), many = model.score(ids, static_cast<int64_t>(ids.size()) / 2);
  EXPECT_LT(one.nll_sum / static_cast<double>(one.symbols), many.nll_sum / static_cast<double>(many.symbols));
}

TEST(LanguageModelTask, ChoosesTheSymbolsFromTheText) {
  const testing::TempDir dir;
  std::string rare;
  for (int i = 0; i < 60; ++i) rare += "word" + std::to_string(i) + " stands once\n";
  EXPECT_NE(run_of(dir.write("rare.txt", rare), settings_of()).said.find("text: characters, because its"),
            std::string::npos);
  EXPECT_NE(run_of(dir.write("rare.txt", rare), settings_of({{"tokens", "bpe"}, {"bpe_merges", "5"}}))
                .said.find("text: bpe, as asked for"),
            std::string::npos);
}

TEST(LanguageModelTask, SaysThatAProjectionStandsBetweenUnequalWidths) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(60, 1));
  EXPECT_NE(
      run_of(file, settings_of({{"embedding_size", "8"}})).said.find("a projection to 8 stands before the output"),
      std::string::npos);
  EXPECT_EQ(run_of(file, settings_of()).said.find("projection"), std::string::npos);
}

TEST(LanguageModelTask, LinesOfABatchAreNamed) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(60, 1));
  ToyRun run = run_of(file, settings_of());
  const std::string batch = run.job.objective->describe_batch(0, 0);
  EXPECT_EQ(batch.rfind(file + " lines 1-", 0), 0u) << batch;
  EXPECT_NE(batch.find("(+1 more streams)"), std::string::npos) << batch;
}

TEST(LanguageModelTask, RefusesOneLineWithoutADevFile) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", "one line alone\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { run_of(file, settings_of()); }),
            file +
                ": [data] a text must have two lines at least, one of them for evaluation; got one. Break it into "
                "lines, or give another file with --dev.");
}

TEST(LanguageModelTask, HasGatesButNoAttention) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(60, 1));
  ToyRun run = run_of(file, settings_of());
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { run.job.model->inspect("red", {}); }),
            "[inspect] a recurrent language model has no attention to show; got such a model. Look at its gates with "
            "--gates.");
  const GateTrace trace = run.job.model->gates("red green", {});
  bool forget = false;
  for (const GateSeries& s : trace.series) forget = forget || (s.gate == "forget_gate" && s.tokens.size() == 9u);
  EXPECT_TRUE(forget);
  PredictOptions search;
  search.beam_size = 4;
  EXPECT_EQ(testing::error_of<ConfigError>([&] { run.job.model->gates("red", search); }),
            "[inspect] a language model reads a line without a search; got --beam. Leave it out; there is nothing to "
            "search.");
  ToyRun window = run_of(file, settings_of({{"model", "window"}}));
  const std::string refusal =
      "[inspect] a window model has neither attention nor gates; got such a model. Train with --set model=recurrent.";
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { window.job.model->gates("red", {}); }), refusal);
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { window.job.model->inspect("red", {}); }), refusal);
}

/// The rows of `info` by name.
std::map<std::string, std::string> rows_of(const std::string& file, const Settings& settings) {
  const ToyRun run = run_of(file, settings);
  std::map<std::string, std::string> rows;
  for (const auto& [name, value] : run.job.model->describe()) rows[name] += value;
  return rows;
}

TEST(LanguageModelTask, DescribesWhatStandsBetweenLayersAndWhatIsRandom) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(60, 1));
  auto all = rows_of(file, settings_of({{"num_layers", "2"},
                                        {"residual", "true"},
                                        {"layer_norm", "true"},
                                        {"dropout", "0.2"},
                                        {"variational_dropout", "true"},
                                        {"recurrent_dropout", "0.1"},
                                        {"zoneout", "0.05"},
                                        {"input_dropout", "0.3"},
                                        {"embedding_dropout", "0.15"},
                                        {"output_dropout", "0.4"}}));
  EXPECT_EQ(all["between layers"], "y = LN(h + x), dropout 0.2, one mask per sequence");
  EXPECT_EQ(all["in the cells"], "recurrent dropout 0.1, zoneout 0.05");
  EXPECT_EQ(all["dropout"], "0.3 on embeddings, 0.4 before the output, 0.15 of whole symbols");
  EXPECT_EQ(
      rows_of(file, settings_of({{"num_layers", "2"}, {"layer_norm", "true"}, {"dropout", "0"}}))["between layers"],
      "y = LN(h)");
  auto none = rows_of(file, settings_of({{"num_layers", "1"}, {"dropout", "0.2"}}));
  EXPECT_EQ(none.count("between layers") + none.count("in the cells"), 0u);
}

TEST(LanguageModelTask, PrintsTheParametersOfEachLayer) {
  const testing::TempDir dir;
  auto rows =
      rows_of(dir.write("text.txt", alphabet(60, 1)),
              settings_of({{"cell", "gru"}, {"num_layers", "2"}, {"hidden_size", "8,6"}, {"embedding_size", "5"}}));
  EXPECT_EQ(rows["parameters of layer 0"], "3 * 8 * (5 + 8) + 24 biases = 336");
  EXPECT_EQ(rows["parameters of layer 1"], "3 * 6 * (8 + 6) + 18 biases = 270");
}

/// Everything that a run leaves behind: weights, tokenizer, scores.
std::string outcome(const std::string& file, const Settings& settings) {
  ToyRun run = run_of(file, settings);
  run.train();
  std::string text = run.weights();
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  return text + std::to_string(run.job.model->evaluate({file}, {}).metrics.at("perplexity"));
}

TEST(LanguageModelOptions, EveryOptionChangesTheOutcome) {
  const std::map<std::string, Settings> changes = {
      {"tokens", {{"tokens", "words"}}},
      {"bpe_merges", {{"tokens", "bpe"}, {"bpe_merges", "3"}}},
      {"min_count", {{"min_count", "60"}}},
      {"vocab_size", {{"vocab_size", "5"}}},
      {"dev_share", {{"dev_share", "0.4"}}},
      {"recipe", {{"recipe", "regularised"}}},
      {"model", {{"model", "window"}}},
      {"window", {{"model", "window"}, {"window", "2"}}},
      {"cell", {{"cell", "gru"}}},
      {"reset", {{"cell", "gru"}, {"reset", "after"}}},
      {"update", {{"cell", "gru"}, {"update", "keep"}}},
      {"biases", {{"biases", "2"}}},
      {"activation", {{"cell", "rnn"}, {"activation", "relu"}}},
      {"projection_size", {{"cell", "projected_lstm"}, {"projection_size", "4"}}},
      {"hidden_size", {{"hidden_size", "17"}}},
      {"num_layers", {{"num_layers", "2"}}},
      {"residual", {{"residual", "true"}}},
      {"layer_norm", {{"layer_norm", "true"}}},
      {"dropout", {{"num_layers", "2"}, {"dropout", "0.6"}}},
      {"variational_dropout", {{"num_layers", "2"}, {"dropout", "0.6"}, {"variational_dropout", "true"}}},
      {"recurrent_dropout", {{"recurrent_dropout", "0.5"}}},
      {"zoneout", {{"zoneout", "0.5"}}},
      {"embedding_size", {{"embedding_size", "9"}}},
      {"tie_weights", {{"tie_weights", "false"}}},
      {"input_dropout", {{"input_dropout", "0.5"}}},
      {"output_dropout", {{"output_dropout", "0.6"}}},
      {"embedding_dropout", {{"embedding_dropout", "0.5"}}},
      {"batch_size", {{"batch_size", "3"}}},
      {"bptt", {{"bptt", "5"}}},
      {"carry_state", {{"carry_state", "false"}}}};
  const std::map<std::string, Settings> company = {
      {"bpe_merges", {{"tokens", "bpe"}}}, {"window", {{"model", "window"}}},
      {"reset", {{"cell", "gru"}}},        {"update", {{"cell", "gru"}}},
      {"activation", {{"cell", "rnn"}}},   {"projection_size", {{"cell", "projected_lstm"}}},
      {"dropout", {{"num_layers", "2"}}},  {"variational_dropout", {{"num_layers", "2"}, {"dropout", "0.6"}}}};
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(80, 1));
  auto task = make_task("lm");
  OptionTable table;
  task->options(table);
  std::map<Settings, std::string> before;
  for (const Option& row : table.rows()) {
    // The trainer's own are tested with the task transduce; a language model that reads backwards is refused.
    if (row.section == "train" && !changes.contains(row.name)) continue;
    if (row.name == "bidirectional" || row.name == "max_line_bytes") continue;
    ASSERT_TRUE(changes.contains(row.name)) << "no test for the option " << row.name;
    const Settings base = settings_of(company.contains(row.name) ? company.at(row.name) : Settings{});
    if (!before.contains(base)) before[base] = outcome(file, base);
    EXPECT_TRUE(outcome(file, settings_of(changes.at(row.name))) != before[base]) << row.name << " changes nothing";
  }
}

/// Weights after a training whose symbols lie in memory, or all on the disk.
std::string weights_with(const std::string& file, const Settings& settings, int64_t held_bytes) {
  ToyRun run = run_of(file, settings);
  auto& model = dynamic_cast<LanguageModelTask&>(*run.job.model);
  const data::TextFiles text({file});
  TextSets sets;
  sets.file = file;
  sets.train = data::make_stream(*model.parts().tokenizer, text, 0, text.lines() - 8, held_bytes);
  sets.dev = data::make_stream(*model.parts().tokenizer, text, text.lines() - 8, text.lines(), held_bytes);
  EXPECT_EQ(sets.train.ids.on_disk(), held_bytes == 0);
  const auto objective = make_language_model_objective(model, std::move(sets));
  train::Trainer(*objective, run.job.trainer).run({});
  return run.weights();
}

TEST(LanguageModelTask, TrainsFromTheDiskAsFromMemory) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(80, 1));
  for (const char* tokens : {"characters", "words", "bpe", "byte_bpe", "unigram"}) {
    const Settings settings = settings_of({{"tokens", tokens}});
    ToyRun plain = run_of(file, settings);
    plain.train();
    EXPECT_TRUE(weights_with(file, settings, 0) == plain.weights()) << tokens;
    EXPECT_TRUE(weights_with(file, settings, 1 << 20) == plain.weights()) << tokens;
  }
}

TEST(LanguageModelTask, WordsBeyondTheVocabularyAreCounted) {
  const testing::TempDir dir;
  const ToyRun run =
      run_of(dir.write("text.txt", alphabet(80, 1)), settings_of({{"tokens", "words"}, {"vocab_size", "3"}}));
  EXPECT_NE(run.said.find(" symbols are too rare for the vocabulary and count as one unknown symbol"),
            std::string::npos)
      << run.said;
}

TEST(LanguageModelTask, MoreWordsThanAVocabularyTakesBecomeSubwords) {
  const testing::TempDir dir;
  std::string text;
  for (int round = 0; round < 46; ++round)  // a tenth is cut off for dev
    for (int i = 0; i < 50100; ++i) text += std::to_string(i) + (i % 20 == 19 ? "\n" : " ");
  const ToyRun run = run_of(dir.write("text.txt", text), settings_of({{"bpe_merges", "5"}}));
  EXPECT_EQ(run.said.rfind("text: bpe, because its ", 0), 0u) << run.said;
}

TEST(LanguageModelTask, CarriedStateIsPartOfACheckpoint) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(200, 1));
  for (const char* model : {"recurrent", "window"}) {
    const Settings settings = settings_of({{"model", model}, {"max_steps", "9"}});
    ToyRun whole = run_of(file, settings);
    train::Trainer(*whole.job.objective, whole.job.trainer).run({});
    ToyRun first = run_of(file, settings);
    train::Trainer stopped(*first.job.objective, first.job.trainer);
    int steps = 0;
    train::TrainerHooks hooks;
    hooks.stop = [&] { return steps++ == 4; };
    stopped.run(hooks);
    train::TrainerState state = stopped.export_state();
    Archive archive;
    for (NamedTensor& t : state.tensors) archive.tensors.push_back({t.name, t.tensor.clone()});
    ToyRun second = run_of(file, settings);
    train::Trainer resumed(*second.job.objective, second.job.trainer);
    resumed.import_state(archive, state.json, "checkpoint");
    resumed.run({});
    EXPECT_TRUE(second.weights() == whole.weights()) << model;
  }
}

TEST(LanguageModelOptions, TheRegularisedRecipeFillsInWhatIsLeftOpen) {
  LanguageModelOptions options;
  options.recipe = "regularised";
  options.model.input_dropout = 0.2;
  decide(options, {900000, false});
  const nn::LanguageModelConfig& m = options.model;
  EXPECT_EQ(m.stack.hidden_size, std::vector<int64_t>{650});
  EXPECT_EQ(m.input_dropout, 0.2) << "what the user set stays";
  EXPECT_EQ(m.output_dropout, 0.4);
  EXPECT_EQ(m.embedding_dropout, 0.1);
  EXPECT_EQ(m.stack.recurrent_dropout, 0.5);
  EXPECT_TRUE(m.stack.variational_dropout);
  EXPECT_EQ(options.trainer.average_from, 0.8);

  LanguageModelOptions plain;
  decide(plain, {900000, false});
  EXPECT_EQ(plain.model.embedding_dropout, 0);
  EXPECT_EQ(plain.model.stack.recurrent_dropout, 0);
  EXPECT_FALSE(plain.model.stack.variational_dropout);
  EXPECT_EQ(plain.trainer.average_from, 1);

  LanguageModelOptions averaged;
  averaged.recipe = "regularised";
  averaged.trainer.ema = 0.99;
  decide(averaged, {900000, false});
  EXPECT_EQ(averaged.trainer.average_from, 1) << "one way of averaging";
}

TEST(LanguageModelOptions, TheRegularisedRecipeIsOneOfRecurrentLayers) {
  LanguageModelOptions options;
  options.recipe = "regularised";
  options.model.model = "window";
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              decide(options, {900000, false});
            }),
            "[language model] the regularised recipe is one of recurrent layers; got recipe = regularised for a window "
            "model. Leave it out, or set model = recurrent.");
}

TEST(LanguageModelTask, RefusesToSearch) {
  const testing::TempDir dir;
  const std::string file = dir.write("text.txt", alphabet(60, 1));
  const ToyRun run = run_of(file, settings_of());
  PredictOptions options;
  options.beam_size = 4;
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { run.job.model->evaluate({file}, options); }),
      "[eval] a language model is scored symbol by symbol; got --beam. Leave it out; there is nothing to search.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] { run.job.model->predict({"one"}, options); }),
            "[predict] a language model writes a line on without a search; got --beam. Leave it out; carousel generate "
            "knows other ways to choose.");
}

TEST(LanguageModelOptions, SizesFollowTheTableOfTheGuide) {
  const std::string guide = testing::content_of(CAROUSEL_SOURCE_DIR "/docs/guide/language_model.md");
  const std::regex row(R"(\| (\d+ or more|fewer) \| (\d+), (\d+) \| (\d+), (\d+) \|)");
  int rows = 0;
  for (std::sregex_iterator it(guide.begin(), guide.end(), row), end; it != end; ++it, ++rows)
    for (const int kind : {0, 1}) {
      const std::string first = (*it)[1];
      LanguageModelOptions options;
      decide(options, {first == "fewer" ? 299999 : std::stoll(first), kind == 0});
      EXPECT_EQ(options.model.stack.num_layers, std::stoll((*it)[static_cast<size_t>(2 + 2 * kind)])) << first;
      EXPECT_EQ(options.model.stack.hidden_size.front(), std::stoll((*it)[static_cast<size_t>(3 + 2 * kind)])) << first;
    }
  EXPECT_EQ(rows, 3);
}

TEST(LanguageModelTask, DamagedMetadataIsRefused) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("text.txt", alphabet(60, 1)), settings_of());
  auto metadata = run.job.model->metadata();
  metadata.erase("lm.counts");
  EXPECT_EQ(testing::error_of<FormatError>([&] { load_parts({}, metadata, "m.safetensors"); }),
            "m.safetensors: byte 0: [model] the metadata must hold 'lm.counts'; got none. The file is no language "
            "model or is "
            "damaged; train again.");
  metadata["lm.counts"] = "{\"counts\":[1,2]}";
  EXPECT_THROW(load_parts({}, metadata, "m.safetensors"), FormatError);
}

}  // namespace language_model_test
}  // namespace carousel::tasks
