// The task `classify` from file to answers.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>

#include "carousel/base/error.h"
#include "carousel/tasks/classify_model.h"
#include "tests/tasks/frame_options.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace classify_test {

/// Reviews "__label__good the food was nice today": one word of five decides; good ones are `share` of all.
std::string reviews(int64_t count, uint64_t seed, double share = 0.5) {
  static const char* const kGood[] = {"nice", "great", "lovely"};
  static const char* const kBad[] = {"awful", "dull", "bad"};
  static const char* const kThings[] = {"food", "film", "room", "walk"};
  static const char* const kDays[] = {"today", "yesterday", "again"};
  Rng rng(seed, 0);
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    const bool good = static_cast<double>(rng.uniform()) < share;
    text += std::string(good ? "__label__good" : "__label__bad") + " the " + kThings[rng.below(4)] + " was " +
            (good ? kGood : kBad)[rng.below(3)] + " " + kDays[rng.below(3)] + "\n";
  }
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"hidden_size", "12"}, {"embedding_size", "8"}, {"batch_size", "8"}, {"max_steps", "6"},
                {"dropout", "0.1"},    {"min_count", "1"},      {"tokens", "words"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

ToyRun run_of(const std::string& file, const Settings& settings, const std::vector<std::string>& dev = {}) {
  return ToyRun(file, settings, dev, "classify");
}

TEST(ClassifyTask, AsksAboutARowOfUnusualNames) {
  const testing::TempDir dir;
  std::string rows;
  for (int i = 0; i < 30; ++i) rows += i % 2 == 0 ? "a nice day,good\n" : "an awful day,bad\n";
  const std::string hint =
      "warning: the label \"bar\" of line 1 comes nowhere else: if that row holds names, leave it out "
      "with --set header=yes";
  EXPECT_NE(run_of(dir.write("a.csv", "foo,bar\n" + rows), settings_of()).said.find(hint), std::string::npos);
  EXPECT_EQ(run_of(dir.write("b.csv", rows), settings_of()).said.find("comes nowhere else"), std::string::npos);
  EXPECT_EQ(run_of(dir.write("c.csv", "foo,bar\n" + rows), settings_of({{"header", "yes"}})).said.find("nowhere else"),
            std::string::npos);
}

TEST(ClassifyTask, LearnsWhatDecidesAndBeatsTheMajority) {
  const testing::TempDir dir;
  ToyRun run =
      run_of(dir.write("t.txt", reviews(200, 1)), settings_of({{"max_steps", "60"}, {"learning_rate", "0.02"}}));
  EXPECT_NE(run.said.find("data: each line begins with its label (2 different ones so far)"), std::string::npos)
      << run.said;
  EXPECT_NE(run.said.find("labels: 2: bad ("), std::string::npos) << run.said;
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.write("test.txt", reviews(60, 9))}, {});
  EXPECT_EQ(report.task, "classify");
  EXPECT_EQ(report.examples, 60);
  EXPECT_GT(report.metrics.at("accuracy"), 0.98);
  EXPECT_GT(report.metrics.at("macro_f1"), 0.98);
  EXPECT_LT(report.metrics.at("expected_calibration_error"), 0.1);
  EXPECT_LT(report.baseline.at("accuracy"), 0.7);
  std::vector<std::string> keys, baseline_keys;
  for (const auto& [key, value] : report.metrics) keys.push_back(key);
  for (const auto& [key, value] : report.baseline) baseline_keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"accuracy", "expected_calibration_error", "macro_f1"}));
  EXPECT_EQ(keys, baseline_keys);
  EXPECT_EQ(run.answers({"the walk was lovely today", "the film was dull again"}),
            (std::vector<std::string>{"good", "bad"}));
}

TEST(ClassifyTask, ProbabilitiesOfAllLabelsSumToOneAndTheBestComeFirst) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.txt", reviews(100, 1)), settings_of());
  PredictOptions options;
  options.nbest = 5;
  const Prediction p = run.job.model->predict({"the food was nice"}, options).front();
  ASSERT_EQ(p.hypotheses.size(), 2u) << "there are only two labels";
  EXPECT_NEAR(p.hypotheses[0].probability + p.hypotheses[1].probability, 1, 1e-9);
  EXPECT_GE(p.hypotheses[0].probability, p.hypotheses[1].probability);
  EXPECT_NEAR(std::exp(p.hypotheses[0].log_probability), p.hypotheses[0].probability, 1e-9);
  EXPECT_EQ(p.probabilities.at(p.hypotheses[0].text), p.hypotheses[0].probability);
  EXPECT_EQ(run.job.model->predict({"the food was nice"}, {}).front().hypotheses.size(), 1u);
}

TEST(ClassifyTask, AnEmptyLineAndStrangersGetAnAnswerAndANote) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.txt", reviews(100, 1)), settings_of({{"max_length", "4"}}));
  const auto p = run.job.model->predict({"", "zzz was nice", "the food was nice today"}, {});
  EXPECT_EQ(p[0].hypotheses.size(), 1u);
  EXPECT_EQ(p[1].notes, (std::vector<std::string>{"unknown symbol: zzz"}));
  EXPECT_EQ(p[2].notes,
            (std::vector<std::string>{"of 5 symbols only 4 were read (max_length): the beginning and the end"}));
  auto& model = dynamic_cast<ClassifyModel&>(*run.job.model);
  EXPECT_EQ(model.parts().tokenizer->decode(model.cut(model.parts().tokenizer->encode("the food was nice today"))),
            "the was nice today");
}

TEST(ClassifyTask, TheTemperatureIsFittedToDevAndStored) {
  const testing::TempDir dir;
  // Labels that say nothing about their texts, learnt by heart: the network is too sure of them.
  std::string noisy;
  for (int i = 0; i < 60; ++i)
    noisy += std::string((i * i / 7) % 2 == 0 ? "__label__good" : "__label__bad") + " the food number " +
             std::to_string(i % 20) + " was " + std::to_string(i % 9) + "\n";
  ToyRun run =
      run_of(dir.write("t.txt", noisy),
             settings_of({{"max_steps", "80"}, {"learning_rate", "0.03"}, {"dropout", "0"}, {"dev_share", "0.4"}}));
  const train::TrainResult result = run.train();
  auto& model = dynamic_cast<ClassifyModel&>(*run.job.model);
  EXPECT_EQ(model.network().temperature(),
            static_cast<double>(static_cast<float>(result.best.evaluation.metrics.at("temperature"))))
      << "of the best weights";
  EXPECT_NE(model.network().temperature(), 1);
  const double warm = model.predict({"the food was nice today"}, {}).front().hypotheses.front().probability;
  model.network().set_temperature(100);
  EXPECT_LT(model.predict({"the food was nice today"}, {}).front().hypotheses.front().probability, warm);
}

TEST(ClassifyTask, SaysWhatIsOddAboutAFileThatItScores) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.txt", reviews(60, 1)), settings_of());
  const EvalReport report = run.job.model->evaluate(
      {dir.write("test.txt", "__label__odd the food\n__label__good zzz\n__label__odd the film\n__label__bad zzz\n")},
      {});
  EXPECT_EQ(report.metrics.at("accuracy"), 0.25) << "equal texts have equal answers";
  std::string notes;
  for (const std::string& note : report.notes) notes += note + "\n";
  EXPECT_NE(notes.find("2 of 4 texts have a label that training did not have (\"odd\") and count as wrong\n"),
            std::string::npos)
      << notes;
  EXPECT_NE(notes.find("2 of 4 texts hold no symbol that training had\n"), std::string::npos) << notes;
  EXPECT_NE(notes.find("naive Bayes on runs of up to 2 symbols reaches accuracy 0.2500 and macro F1 "),
            std::string::npos)
      << notes;
  EXPECT_NE(notes.find("the model is not better than the baseline"), std::string::npos) << notes;
  const std::string blank = dir.write("blank.txt", "\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->evaluate({blank}, {}); }),
            blank + ": [eval] at least one labelled text is needed; got none. Check the file.");
}

TEST(ClassifyTask, ScoresFilesOfOtherFormatsByItsOwnColumns) {
  const testing::TempDir dir;
  std::string table = "x\tgood\tthe food was nice\nx\tbad\tthe film was dull\n", lines = reviews(40, 1);
  const std::string data = dir.write("t.tsv", table + table + table);
  ToyRun run = run_of(data, settings_of({{"columns", "_,label,text"}, {"dev_share", "0.5"}}), {data});
  EXPECT_EQ(run.job.model->evaluate({data}, {}).examples, 6);
  EXPECT_EQ(run.job.model->evaluate({dir.write("t.txt", lines)}, {}).examples, 40);
  EXPECT_EQ(run.job.model->evaluate({dir.write("t.csv", "1,bad,\"the room, was awful\"\n")}, {}).examples, 1);
  EXPECT_EQ(run.table.find("columns")->value_text(), "_,label,text");
  EXPECT_EQ(run.table.find("format")->value_text(), "tsv");
}

TEST(ClassifyTask, WarnsOfLabelsThatOnlyDevHas) {
  const testing::TempDir dir;
  const ToyRun run = run_of(dir.write("t.txt", reviews(40, 1)), settings_of(),
                            {dir.write("d.txt", "__label__good the food\n__label__odd the film\n")});
  EXPECT_NE(run.said.find("dev: 1 labels of 1 texts never occur in training, such as odd; the model cannot give them"),
            std::string::npos)
      << run.said;
}

TEST(ClassifyTask, ShowsGatesAlwaysAndAttentionWhenItPoolsByIt) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.txt", reviews(60, 1));
  ToyRun run = run_of(file, settings_of());
  EXPECT_EQ(run.job.model->views(), (std::vector<std::string>{"gates"}));
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { run.job.model->inspect("the food", {}); }),
            "[inspect] a classifier shows where it looks when it pools by attention; got pooling = max. Look at its "
            "gates with --gates, or train with --set pooling=attention.");
  ToyRun looking = run_of(file, settings_of({{"pooling", "attention"}}));
  const AttentionMap map = looking.job.model->inspect("the food was nice", {});
  EXPECT_EQ(map.source, (std::vector<std::string>{"the", "food", "was", "nice"}));
  EXPECT_EQ(map.target, (std::vector<std::string>{map.output}));
  double sum = 0;
  for (const float w : map.weights) sum += static_cast<double>(w);
  EXPECT_NEAR(sum, 1, 1e-5);
  const GateTrace trace = looking.job.model->gates("the food was nice", {});
  bool forget = false;
  for (const GateSeries& s : trace.series) {
    EXPECT_EQ(s.tokens.size(), 4u);
    forget = forget || (s.layer == "layer.0.reverse" && s.gate == "forget_gate");
  }
  EXPECT_TRUE(forget);
  EXPECT_EQ(trace.output, map.output);
  EXPECT_EQ(testing::error_of<ConfigError>([&] { run.job.model->gates(" ", {}); }),
            "[inspect] the input must hold at least one symbol; got an empty line. Give a text to look at.");
  PredictOptions search;
  search.beam_size = 4;
  const std::string refusal =
      "[classify] a classifier gives labels and searches for no sequence; got --beam. Leave it out; --nbest gives more "
      "labels.";
  EXPECT_EQ(testing::error_of<ConfigError>([&] { looking.job.model->gates("food", search); }), refusal);
  EXPECT_EQ(testing::error_of<ConfigError>([&] { looking.job.model->inspect("food", search); }), refusal);
}

TEST(ClassifyTask, DescribesItself) {
  const testing::TempDir dir;
  const ToyRun run = run_of(dir.write("t.txt", reviews(60, 1)), settings_of());
  std::map<std::string, std::string> rows;
  for (const auto& [name, value] : run.job.model->describe()) rows[name] += value;
  EXPECT_EQ(rows["labels"].rfind("2: bad (", 0), 0u) << rows["labels"];
  EXPECT_EQ(rows["network"], "1 lstm layer of 12 units in each direction");
  EXPECT_EQ(rows["pooling"], "max");
  EXPECT_EQ(rows["temperature"], "1");
}

/// Everything that a run leaves behind: weights, tokenizer, labels, score.
std::string outcome(const std::string& file, const Settings& settings) {
  ToyRun run = run_of(file, settings);
  const double best = run.train().best.evaluation.value;
  std::string text = run.weights() + std::to_string(best);
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  return text;
}

TEST(ClassifyTask, TheMeanOfSeveralNetworksAnswers) {
  const testing::TempDir dir;
  const std::string file = dir.write("t.txt", reviews(60, 1));
  ToyRun one = run_of(file, settings_of()), three = run_of(file, settings_of({{"members", "3"}}));
  EXPECT_EQ(one.said.find("the mean of"), std::string::npos);
  EXPECT_NE(three.said.find("model: the mean of 3 networks: "), std::string::npos) << three.said;
  EXPECT_EQ(three.job.model->module().num_parameters(), 3 * one.job.model->module().num_parameters());
  three.train();
  auto& model = dynamic_cast<ClassifyModel&>(*three.job.model);
  const std::vector<int32_t> text = model.parts().tokenizer->encode("the food was nice today");
  const std::vector<float> mean = model.network_logits({text});
  for (size_t k = 0; k < mean.size(); ++k) {
    double sum = 0, apart = 0;
    for (int64_t m = 0; m < 3; ++m) {
      nn::Context ctx;
      const Tensor own = model.member(m).forward(ctx, {text}).value(),
                   first = model.network().forward(ctx, {text}).value();
      sum += static_cast<double>(own.data<float>()[k]);
      apart += std::abs(static_cast<double>(own.data<float>()[k] - first.data<float>()[k]));
    }
    EXPECT_NEAR(static_cast<double>(mean[k]), sum / 3, 1e-5);
    EXPECT_GT(apart, 1e-4) << "members that are all alike";
  }
  std::string members;
  for (const auto& [name, value] : model.describe())
    if (name == "members") members = value;
  EXPECT_EQ(members, "3");
}

TEST(ClassifyOptions, EveryOptionChangesTheOutcome) {
  const std::map<std::string, Settings> changes = {
      {"format", {{"format", "lines"}}},
      {"columns", {{"columns", "_,label,text"}}},
      {"header", {{"header", "yes"}}},
      {"tokens", {{"tokens", "characters"}}},
      {"letter_case", {{"letter_case", "lower"}}},
      {"bpe_merges", {{"tokens", "bpe"}, {"bpe_merges", "3"}}},
      {"min_count", {{"min_count", "12"}}},
      {"dev_share", {{"dev_share", "0.4"}}},
      {"max_length", {{"max_length", "4"}}},
      {"cell", {{"cell", "gru"}}},
      {"reset", {{"cell", "gru"}, {"reset", "after"}}},
      {"update", {{"cell", "gru"}, {"update", "keep"}}},
      {"biases", {{"biases", "2"}}},
      {"activation", {{"cell", "rnn"}, {"activation", "relu"}}},
      {"projection_size", {{"cell", "projected_lstm"}, {"projection_size", "4"}}},
      {"hidden_size", {{"hidden_size", "11"}}},
      {"num_layers", {{"num_layers", "2"}}},
      {"bidirectional", {{"bidirectional", "false"}}},
      {"residual", {{"residual", "true"}}},
      {"layer_norm", {{"layer_norm", "true"}}},
      {"dropout", {{"dropout", "0.6"}}},
      {"variational_dropout", {{"num_layers", "2"}, {"variational_dropout", "true"}}},
      {"recurrent_dropout", {{"recurrent_dropout", "0.5"}}},
      {"zoneout", {{"zoneout", "0.5"}}},
      {"embedding_size", {{"embedding_size", "9"}}},
      {"pooling", {{"pooling", "mean"}}},
      {"label_smoothing", {{"label_smoothing", "0.3"}}},
      {"symbol_dropout", {{"symbol_dropout", "0.6"}}},
      {"ngrams", {{"ngrams", "3"}}},
      {"members", {{"members", "2"}}},
      {"class_weights", {{"class_weights", "balanced"}}},
      {"batch_size", {{"batch_size", "5"}}}};
  const std::map<std::string, Settings> company = {{"bpe_merges", {{"tokens", "bpe"}}},
                                                   {"reset", {{"cell", "gru"}}},
                                                   {"update", {{"cell", "gru"}}},
                                                   {"activation", {{"cell", "rnn"}}},
                                                   {"projection_size", {{"cell", "projected_lstm"}}},
                                                   {"variational_dropout", {{"num_layers", "2"}}}};
  const testing::TempDir dir;
  // Three columns, of which the middle one could be a label too; a tab-separated file that is also lines.
  std::string text;
  Rng rng(4, 0);
  for (int i = 0; i < 60; ++i)
    text += std::string(i % 4 == 0 ? "Good" : "Bad") + (i % 3 == 0 ? "\tx" : "\ty") + "\tThe thing " +
            std::to_string(i % 7) + " is " + (i % 4 == 0 ? "fine" : "poor") + " and no " + std::to_string(i) + "\n";
  const std::string file = dir.write("t.tsv", text);
  auto task = make_task("classify");
  OptionTable table;
  task->options(table);
  std::map<Settings, std::string> before;
  for (const Option& row : table.rows()) {
    // The trainer's own are tested with the task transduce.
    if (row.section == "train" && !changes.contains(row.name)) continue;
    if (row.name == "max_line_bytes" || is_of_frames(row.name)) continue;
    ASSERT_TRUE(changes.contains(row.name)) << "no test for the option " << row.name;
    Settings base = settings_of({{"columns", "label,_,text"}, {"max_steps", "3"}});
    if (company.contains(row.name))
      for (const auto& pair : company.at(row.name)) base.push_back(pair);
    Settings changed = base;
    for (const auto& pair : changes.at(row.name)) changed.push_back(pair);
    if (!before.contains(base)) before[base] = outcome(file, base);
    EXPECT_TRUE(outcome(file, changed) != before[base]) << row.name << " changes nothing";
  }
}

TEST(ClassifyOptions, SymbolsAreChosenFromTheTexts) {
  const testing::TempDir dir;
  const auto said = [&](const std::string& text) {
    return run_of(dir.write("t.txt", text), {{"max_steps", "1"}, {"hidden_size", "4"}}).said;
  };
  EXPECT_NE(said(reviews(60, 1)).find("text: words, because of "), std::string::npos) << said(reviews(60, 1));
  std::string names, sentences, rare;
  for (int i = 0; i < 40; ++i) {
    names += (i % 2 == 0 ? "__label__a na" : "__label__b no") + std::to_string(i) + "\n";
    sentences += (i % 2 == 0 ? "__label__a Well, this is so. " : "__label__b Oh, that is not!") + std::string("\n");
    rare +=
        (i % 2 == 0 ? "__label__a this " : "__label__b that ") + std::string("word") + std::to_string(i) + " is rare\n";
  }
  EXPECT_NE(said(names).find("text: characters, because most texts have no space"), std::string::npos) << said(names);
  EXPECT_NE(said(sentences).find("text: wordpunct, because punctuation is attached to "), std::string::npos)
      << said(sentences);
  EXPECT_NE(said(rare).find("text: bpe, because 25 % of the words occur once"), std::string::npos) << said(rare);
}

TEST(ClassifyTask, DamagedMetadataIsRefused) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.txt", reviews(60, 1)), settings_of());
  const auto sound = run.job.model->metadata();
  EXPECT_EQ(load_parts(ClassifyOptions{}, sound, "m").labels.names, (std::vector<std::string>{"bad", "good"}));
  for (const char* bad :
       {R"({"names":[],"counts":[]})", R"({"names":["a"],"counts":[1,2]})", R"({"names":["b","a"],"counts":[1,2]})",
        R"({"names":["a","a"],"counts":[1,2]})", R"({"names":["a","b"],"counts":[1,0]})",
        R"({"names":["a\nb","c"],"counts":[1,2]})", R"({"names":["a"]})", "[]"}) {
    auto metadata = sound;
    metadata["classify.labels"] = bad;
    EXPECT_THROW(load_parts(ClassifyOptions{}, metadata, "m"), FormatError) << bad;
  }
  auto metadata = sound;
  metadata.erase("classify.labels");
  EXPECT_EQ(testing::error_of<FormatError>([&] { load_parts(ClassifyOptions{}, metadata, "m.safetensors"); }),
            "m.safetensors: byte 0: [model] the metadata must hold 'classify.labels'; got none. The file is no "
            "classifier or is damaged; train again.");
}

TEST(ClassifyTask, IsRecognisedWhereTheFileShowsIt) {
  const testing::TempDir dir;
  EXPECT_EQ(decide_task({dir.write("a.txt", reviews(5, 1))}).first, "classify");
  EXPECT_EQ(decide_task({dir.write("b.tsv", spelling_lines(200, 1))}).first, "transduce");
  EXPECT_EQ(decide_task({dir.write("c.txt", "a book of\nmany lines\n")}).first, "lm");
}

TEST(ClassifyOptions, SizesFollowTheTableOfTheGuide) {
  const std::string guide = testing::content_of(CAROUSEL_SOURCE_DIR "/docs/guide/classify.md");
  const std::regex row(R"(\| (\d+ or more|fewer) \| (\d+), (\d+), (\d+) \| (\d+) \|)");
  int rows = 0;
  for (std::sregex_iterator it(guide.begin(), guide.end(), row), end; it != end; ++it, ++rows) {
    const std::string first = (*it)[1];
    ClassifyOptions options;
    decide(options, {first == "fewer" ? 1999 : std::stoll(first), 10});
    EXPECT_EQ(options.model.stack.num_layers, std::stoll((*it)[2])) << first;
    EXPECT_EQ(options.model.stack.hidden_size.front(), std::stoll((*it)[3])) << first;
    EXPECT_EQ(options.model.embedding_size, std::stoll((*it)[4])) << first;
    EXPECT_EQ(options.batch_size, std::stoll((*it)[5])) << first;
  }
  EXPECT_GE(rows, 2);
}

TEST(ClassifyOptions, ASmallerModelIsTakenWhenTimeIsShortAndEpochsAreBounded) {
  const auto decided = [](int64_t examples, double length, double seconds) {
    ClassifyOptions options;
    options.trainer.threads = 2;
    options.trainer.max_seconds = seconds;
    decide(options, {examples, length});
    return options;
  };
  EXPECT_EQ(decided(25000, 300, 0).model.stack.hidden_size.front(), 128);
  EXPECT_EQ(decided(25000, 300, 900).model.stack.hidden_size.front(), 128);
  EXPECT_EQ(decided(25000, 300, 120).model.stack.hidden_size.front(), 64);
  EXPECT_EQ(decided(5000, 10, 900).trainer.epochs, 40);
  EXPECT_EQ(decided(100000, 10, 900).trainer.epochs, 6);
  // One layer of two directions: 2 * 4 * 128 * (128 + 128) products a symbol, twice, three times.
  EXPECT_EQ(training_operations(decided(5000, 10, 0).model, {5000, 10}), 6.0 * 5000 * 10 * 2 * 4 * 128 * 256);
}

}  // namespace classify_test
}  // namespace carousel::tasks
