// The task `transduce` for sequences of numeric frames, from file to answers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "carousel/base/error.h"
#include "carousel/base/files.h"
#include "carousel/tasks/transcribe_model.h"
#include "tests/tasks/spoken.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace transcribe_test {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Settings tiny(const Settings& more = {}) {
  Settings s = {{"hidden_size", "8"}, {"num_layers", "1"},           {"embedding_size", "6"},   {"batch_size", "8"},
                {"max_steps", "4"},   {"feature_mask_share", "0.5"}, {"target_tokens", "words"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

Settings learning(const Settings& more = {}) {
  Settings s = {{"hidden_size", "24"},     {"num_layers", "1"},    {"embedding_size", "12"},
                {"batch_size", "8"},       {"max_steps", "150"},   {"dropout", "0"},
                {"learning_rate", "0.02"}, {"feature_masks", "0"}, {"time_masks", "0"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

struct Trained {
  explicit Trained(const Settings& settings)
      : list(spoken_list(dir, "train", 80, 1)), test(spoken_list(dir, "test", 40, 2)), run(list, settings) {
    run.train();
  }
  testing::TempDir dir;
  std::string list, test;
  ToyRun run;
};

/// One trained model for all tests that only look at it.
Trained& trained() {
  static Trained one(learning());
  return one;
}

TEST(Transcribe, LearnsWordsWithoutTheirPlaces) {
  TaskModel& model = *trained().run.job.model;
  EXPECT_EQ(decide_task({trained().list}).first, "transduce");
  EXPECT_TRUE(holds(decide_task({trained().list}).second, "a list of files with texts"));
  EXPECT_TRUE(holds(decide_task({trained().list}).second, "; --task classify takes them for labels"));
  const EvalReport report = model.evaluate({trained().test}, {});
  EXPECT_EQ(report.task, "transduce");
  EXPECT_EQ(report.examples, 40);
  EXPECT_LT(report.metrics.at("word_error_rate"), 0.05);
  EXPECT_LT(report.metrics.at("character_error_rate"), 0.05);
  EXPECT_EQ(report.metrics.at("token_error_rate"), report.metrics.at("word_error_rate")) << "tokens are words";
  EXPECT_GT(report.baseline.at("word_error_rate"), 0.5);
  EXPECT_TRUE(holds(report.baseline_name, "always the most frequent training text, \""));
  EXPECT_EQ(report.notes.front(), "tokens are words between spaces");
}

TEST(Transcribe, SaysWhatItDecided) {
  const std::string& said = trained().run.said;
  for (const char* part :
       {"data: a list of files with texts (", "target: words, because the ", "dev: 8 of 80 sequences cut from the data",
        "frames: 3 numbers, ", "decoder = ctc, 3 symbols, projection to 12"})
    EXPECT_TRUE(holds(said, part)) << part << "\n" << said;
}

/// By all edits of beginnings, with the rows of the textbook table: independent of train/metrics.
int64_t edits(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::vector<int64_t>> d(a.size() + 1, std::vector<int64_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = static_cast<int64_t>(i + j);
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
    }
  return d[a.size()][b.size()];
}

std::vector<std::string> cut(const std::string& text, bool words) {
  std::vector<std::string> parts;
  for (const char c : text) {
    if (!words || parts.empty() || c == ' ') parts.emplace_back();
    if (!words || c != ' ') parts.back() += c;
  }
  return parts;
}

TEST(Transcribe, ErrorRatesEqualAnIndependentCount) {
  auto& model = dynamic_cast<TranscribeModel&>(*trained().run.job.model);
  const std::vector<std::string> wanted = {"up down left", "left", "up up", "down left up", "up"},
                                 answers = {"up left", "left up", "up up", "", "dow"};
  double word_edits = 0, words = 0, character_edits = 0, characters = 0, wrong = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    word_edits += static_cast<double>(edits(cut(wanted[i], true), cut(answers[i], true)));
    words += static_cast<double>(cut(wanted[i], true).size());
    character_edits += static_cast<double>(edits(cut(wanted[i], false), cut(answers[i], false)));
    characters += static_cast<double>(wanted[i].size());
    wrong += wanted[i] != answers[i];
  }
  const auto metrics = model.score(wanted, answers);
  EXPECT_DOUBLE_EQ(metrics.at("word_error_rate"), word_edits / words);
  EXPECT_DOUBLE_EQ(metrics.at("character_error_rate"), character_edits / characters);
  EXPECT_DOUBLE_EQ(metrics.at("sequence_error_rate"), wrong / 5);
  EXPECT_DOUBLE_EQ(word_edits / words, 6.0 / 10) << "1 lost, 1 too many, 0, 3 lost, 1 other";
  EXPECT_EQ(model.score({"up  down"}, {"up down"}).at("character_error_rate"), 0) << "runs of spaces are one";
}

TEST(Transcribe, AnswersOneLineForEachNameAndTablesForFiles) {
  TaskModel& model = *trained().run.job.model;
  const testing::TempDir& dir = trained().dir;
  const std::string one = dir.file("test0.npy"), none = dir.file("none.npy");
  EXPECT_TRUE(model.reads_names());
  const auto p = model.predict({one, none, dir.file("test1.npy")}, {});
  ASSERT_EQ(p.size(), 3u);
  EXPECT_EQ(p[0].hypotheses.size(), 1u);
  EXPECT_EQ(p[0].input, one);
  EXPECT_TRUE(p[1].hypotheses.empty());
  EXPECT_TRUE(holds(p[1].error, "none.npy"));
  const FileAnswer table = model.predict_file(trained().test, {});
  EXPECT_EQ(table.columns, (std::vector<std::string>{"input", "text", "probability"}));
  ASSERT_EQ(table.rows.size(), 40u);
  EXPECT_EQ(std::get<std::string>(table.rows[0][1]), p[0].hypotheses[0].text);
  EXPECT_NEAR(std::get<double>(table.rows[0][2]), p[0].hypotheses[0].probability, 1e-5);
  // Names alone are a list too, and a folder is read whatever its files are called.
  EXPECT_EQ(model.predict_file(dir.write("names.txt", "test0.npy\ntest1.npy\n"), {}).rows.size(), 2u);
  EXPECT_EQ(model.predict_file(dir.path(), {}).rows.size(), 120u);
}

TEST(Transcribe, ABeamFindsNothingLessProbableThanGreedyAndOrdersItsAnswers) {
  TaskModel& model = *trained().run.job.model;
  PredictOptions greedy, wide;
  greedy.beam_size = 1;
  wide.beam_size = wide.nbest = 6;
  for (int i = 0; i < 8; ++i) {
    const std::string file = trained().dir.file(fmt::format("test{}.npy", i));
    const Prediction a = model.predict({file}, greedy).front(), b = model.predict({file}, wide).front();
    ASSERT_GE(b.hypotheses.size(), 2u);
    EXPECT_GE(b.hypotheses[0].log_probability, a.hypotheses[0].log_probability - 1e-9);
    double total = 0;
    for (size_t k = 0; k < b.hypotheses.size(); ++k) {
      total += b.hypotheses[k].probability;
      EXPECT_NEAR(std::exp(b.hypotheses[k].log_probability), b.hypotheses[k].probability, 1e-12);
      if (k > 0) {
        EXPECT_LE(b.hypotheses[k].log_probability, b.hypotheses[k - 1].log_probability);
      }
    }
    EXPECT_LE(total, 1 + 1e-9);
    // The same answer has the same probability however it was found: that of all its paths.
    for (const Hypothesis& h : b.hypotheses)
      if (h.text == a.hypotheses[0].text) {
        EXPECT_NEAR(h.log_probability, a.hypotheses[0].log_probability, 1e-9);
      }
  }
  PredictOptions refused;
  refused.min_length = 3;
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { model.predict({}, refused); }),
      "[predict] decoder = ctc searches with a beam alone; got --min-length. Leave it out; --beam, --nbest and --lm "
      "it knows.");
}

/// A language model of words that has never seen "down".
ToyRun upwards(const testing::TempDir& dir, const Settings& more = {}) {
  Rng rng(5, 0);
  std::string text;
  for (int i = 0; i < 300; ++i) text += rng.below(2) == 0 ? "up left up\n" : "left up\n";
  Settings settings = {{"tokens", "words"}, {"hidden_size", "8"},      {"num_layers", "1"}, {"batch_size", "4"},
                       {"bptt", "10"},      {"learning_rate", "0.05"}, {"max_steps", "60"}};
  for (const auto& pair : more) settings.push_back(pair);
  return ToyRun(dir.write("upwards.txt", text), settings, {}, "lm");
}

PredictOptions helped_by(ToyRun& run) {
  PredictOptions options;
  options.language_model = std::shared_ptr<TaskModel>(run.job.model.get(), [](TaskModel*) {});
  return options;
}

/// Words of all answers to the test files, by word.
std::map<std::string, int64_t> words_written(const PredictOptions& options) {
  const FileAnswer table = trained().run.job.model->predict_file(trained().test, options);
  std::map<std::string, int64_t> words;
  for (const auto& row : table.rows)
    for (const std::string& word : cut(std::get<std::string>(row[1]), true))
      if (!word.empty()) ++words[word];
  return words;
}

TEST(Transcribe, ALanguageModelRanksTheAnswers) {
  const testing::TempDir dir;
  ToyRun lm = upwards(dir);
  lm.train();
  PredictOptions with = helped_by(lm);
  const auto alone = words_written({});
  with.lm_weight = 0;
  EXPECT_EQ(words_written(with), alone);
  EXPECT_GT(alone.at("down"), 10);
  with.lm_weight = 30;
  auto steered = words_written(with);
  EXPECT_EQ(steered["down"], 0) << "never seen by the language model";
  EXPECT_LT(steered["up"] + steered["left"], alone.at("up") + alone.at("left") + alone.at("down"));
  with.symbol_bonus = 40;
  auto longer = words_written(with);
  EXPECT_GT(longer["up"] + longer["left"], steered["up"] + steered["left"]);
  // One answer without a beam is ranked too.
  with.symbol_bonus = 0;
  with.beam_size = 1;
  EXPECT_EQ(words_written(with)["down"], 0);
}

TEST(Transcribe, RefusesLanguageModelsThatCannotHelp) {
  const testing::TempDir dir;
  TaskModel& model = *trained().run.job.model;
  const auto refused = [&](ToyRun& helper) {
    return testing::error_of<ConfigError>([&] { model.predict({}, helped_by(helper)); });
  };
  ToyRun letters = upwards(dir, {{"tokens", "characters"}});
  EXPECT_EQ(refused(letters),
            "[predict] a language model and the model that it helps must write the same kind of symbols, characters or "
            "words; got characters and words. Train the language model with --set tokens=words.");
  ToyRun foreign(dir.write("foreign.txt", std::string("un deux trois\nquatre cinq\nun deux\nsix\n")),
                 {{"tokens", "words"}, {"hidden_size", "4"}, {"max_steps", "1"}}, {}, "lm");
  EXPECT_EQ(
      refused(foreign),
      "[predict] the language model must know symbols of the model that it helps; got none of 3 in common. Train it "
      "on texts of the same language.");
  EXPECT_EQ(refused(trained().run),
            "[predict] --lm names a language model; got a model of task transduce. Train one with: carousel train TEXT "
            "--task lm --set tokens=words -o lm.safetensors.");
  ToyRun pairs(dir.write("pairs.tsv", "ab\tcd\nba\tdc\nbb\tdd\naa\tcc\n"), {{"hidden_size", "4"}, {"max_steps", "1"}});
  ToyRun lm = upwards(dir);
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { pairs.job.model->predict({"ab"}, helped_by(lm)); }),
      "[predict] a language model helps to read the output of decoder = ctc; got --lm for a model that has learnt "
      "one itself, its decoder. Leave it out.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              lm.job.model->streaming();
              helped_by(lm).refuse_search("[x] no", "y");
            }),
            "[x] no; got --lm. Leave it out; y.");
}

TEST(Transcribe, ShowsWhereEachWordWasFoundAndTheGates) {
  TaskModel& model = *trained().run.job.model;
  testing::TempDir dir;
  // "up" is in the first frames, "left" in the last.
  std::vector<float> values;
  for (int t = 0; t < 12; ++t)
    for (int c = 0; c < 3; ++c) values.push_back((t < 4 && c == 0) || (t >= 6 && t < 10 && c == 2) ? 1.0F : 0.0F);
  const std::string file = dir.write("x.npy", testing::npy(values, 3));
  const AttentionMap map = model.inspect(file, {});
  EXPECT_EQ(map.output, "up left");
  EXPECT_EQ(map.target, (std::vector<std::string>{"up", "left", "(none)"}));
  ASSERT_EQ(map.source.size(), 12u);
  ASSERT_EQ(map.weights.size(), 36u);
  std::vector<double> centre;
  for (size_t row = 0; row < 3; ++row) {
    double sum = 0, place = 0;
    for (size_t t = 0; t < 12; ++t) {
      const auto w = static_cast<double>(map.weights[row * 12 + t]);
      sum += w;
      place += w * static_cast<double>(t);
    }
    EXPECT_NEAR(sum, 1, 1e-5);
    centre.push_back(place);
  }
  EXPECT_LT(centre[0], 5);
  EXPECT_GT(centre[1], 5);
  const GateTrace trace = model.gates(file, {});
  EXPECT_EQ(trace.output, "up left");
  ASSERT_FALSE(trace.series.empty());
  EXPECT_EQ(trace.series[0].values.size(), 12u * 24);
}

TEST(Transcribe, TheOtherDecoderLearnsTheSameAndShowsWhereItLooks) {
  Trained other(learning({{"decoder", "attention"}, {"max_steps", "300"}}));
  TaskModel& model = *other.run.job.model;
  EXPECT_TRUE(holds(other.run.said, "decoder = attention, 3 symbols"));
  const EvalReport report = model.evaluate({other.test}, {});
  EXPECT_LT(report.metrics.at("word_error_rate"), 0.15);
  const std::string file = other.dir.file("test0.npy");
  const AttentionMap map = model.inspect(file, {});
  EXPECT_EQ(map.target.back(), "</s>");
  EXPECT_EQ(map.weights.size(), map.source.size() * map.target.size());
  const GateTrace trace = model.gates(file, {});
  EXPECT_TRUE(std::any_of(trace.series.begin(), trace.series.end(),
                          [&](const GateSeries& s) { return s.layer == "decoder" && s.tokens == map.target; }));
  PredictOptions options;
  options.beam_size = options.nbest = 3;
  options.min_length = 5;
  const Prediction long_ones = model.predict({file}, options).front();
  for (const Hypothesis& h : long_ones.hypotheses)
    EXPECT_GE(std::count(h.text.begin(), h.text.end(), ' '), 4) << h.text;
  const auto rows = model.describe();
  EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [](const auto& row) {
    return row.first == "decoder" &&
           row.second == "lstm of 24 units, additive attention with the previous state, context = both";
  }));
  const testing::TempDir dir;
  ToyRun none(spoken_list(dir, "a", 20, 1), tiny({{"decoder", "attention"}, {"attention", "none"}}));
  EXPECT_EQ(none.job.model->views(), (std::vector<std::string>{"gates"}));
  EXPECT_THROW(none.job.model->inspect(dir.file("a0.npy"), {}), UnsupportedError);
}

TEST(Transcribe, MetadataRebuildsTheModel) {
  TaskModel& model = *trained().run.job.model;
  const auto task = make_task("transduce");
  OptionTable table;
  task->options(table);
  table.from_json(trained().run.table.to_json(), "model");
  const auto again = task->load(model.metadata(), "model");
  const auto from = model.module().parameters(), to = again->module().parameters();
  ASSERT_EQ(from.size(), to.size());
  for (size_t i = 0; i < from.size(); ++i) to[i].var.mutable_value() = from[i].var.value().clone();
  const std::string file = trained().dir.file("test3.npy");
  EXPECT_EQ(again->predict({file}, {})[0].hypotheses[0].log_probability,
            model.predict({file}, {})[0].hypotheses[0].log_probability);
  EXPECT_EQ(again->evaluate({trained().test}, {}).baseline_name, model.evaluate({trained().test}, {}).baseline_name);
  const auto sound = model.metadata();
  for (const char* bad : {"[]", R"({"mean":[0],"deviation":[0],"usual":"x","usual_count":1,"train_examples":1})",
                          R"({"mean":[0],"deviation":[1],"usual":"x","usual_count":2,"train_examples":1})",
                          R"({"mean":[0],"deviation":[1],"usual":"x","usual_count":1})"}) {
    auto metadata = sound;
    metadata["transduce.frames"] = bad;
    EXPECT_THROW(task->load(metadata, "m"), FormatError) << bad;
  }
  EXPECT_THROW(make_task("transduce")->load(sound, "m"), FormatError) << "options that nobody decided";
}

TEST(Transcribe, SequencesWithoutRoomForTheirTextsAreLeftOutOrAllRefused) {
  const testing::TempDir dir;
  std::string list = read_file(spoken_list(dir, "a", 20, 1));
  dir.write("short.npy", testing::npy({1, 0, 0, 0, 1, 0}, 3));
  ToyRun run(dir.write("some.tsv", "short.npy\tup down left up\n" + list), tiny());
  EXPECT_TRUE(holds(run.said, "data: 1 sequence has fewer steps than the text needs and is left out: ")) << run.said;
  EXPECT_TRUE(holds(run.said, "short.npy has 2 steps for 4")) << run.said;
  const EvalReport report = run.job.model->evaluate({dir.write("t.tsv", "short.npy\tup down left up\n")}, {});
  EXPECT_TRUE(std::find(report.notes.begin(), report.notes.end(),
                        "1 of 1 sequences have fewer steps than their texts need and count as wrong") !=
              report.notes.end());
  for (const char* name : {"b.npy", "c.npy"}) dir.write(name, testing::npy({1, 0, 0, 0, 1, 0}, 3));
  const std::string all = dir.write("all.tsv", "b.npy\tup up\nc.npy\tup up\nshort.npy\tup up\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { ToyRun(all, tiny(), {dir.file("a.tsv")}); }).substr(all.size()),
            ": [transduce] a sequence needs a step for each symbol of its text, and one more between equal ones; got "
            "fewer in all 3 of them: " +
                dir.file("b.npy") +
                " has 2 steps for 3. Set a smaller frame_step, target_tokens = words, or decoder = attention.");
  EXPECT_TRUE(holds(testing::error_of<DataError>([&] {
                      ToyRun(all, tiny({{"stack_frames", "2"}}), {dir.file("a.tsv")});
                    }),
                    "b.npy has 1 step for 3. Set stack_frames = 1 (now 2), a smaller frame_step, "));
  const std::string texts = dir.write("texts.tsv", list);
  EXPECT_EQ(testing::error_of<DataError>([&] {
              ToyRun(texts, tiny({{"target_tokens", "characters"}, {"max_length", "1"}}));
            }).substr(texts.size()),
            ": [transduce] a text may have at most 1 symbols (max_length); got more in all 18 of them. Cut the "
            "recordings into sentences, or raise max_length.");
  ToyRun cut(texts, tiny({{"target_tokens", "words"}, {"max_length", "2"}}));
  EXPECT_TRUE(holds(cut.said, " more than max_length = 2 symbols and are left out: ")) << cut.said;
}

TEST(Transcribe, PlayingFasterNeverTakesTheRoomOfAText) {
  // As many frames as words: any faster and the loss would refuse.
  const testing::TempDir dir;
  std::string list;
  for (int i = 0; i < 12; ++i) {
    std::vector<float> values(12, static_cast<float>(i % 3));
    dir.write(fmt::format("{}.npy", i), testing::npy(values, 3));
    list += fmt::format("{}.npy\tup down left up\n", i);
  }
  ToyRun run(dir.write("l.tsv", list), tiny({{"time_stretch", "0.9"}, {"stack_frames", "1"}}));
  EXPECT_NO_THROW(run.train());
}

TEST(Transcribe, SpeakersStayOnOneSide) {
  const testing::TempDir dir;
  ToyRun run(spoken_list(dir, "a", 40, 1, 5), tiny());
  EXPECT_TRUE(holds(run.said, "dev: 8 of 40 sequences cut from the data by seed 1, 1 of 5 groups as a whole"))
      << run.said;
  ToyRun one(spoken_list(dir, "b", 40, 1, 1), tiny());
  EXPECT_TRUE(holds(one.said, "dev: 4 of 40 sequences cut from the data by seed 1\n")) << "one speaker is no group";
}

TEST(Transcribe, EitherTaskTakesAListWhenItIsTold) {
  const testing::TempDir dir;
  std::string labels, texts;
  Rng rng(5, 0);
  for (int i = 0; i < 24; ++i) {
    dir.write(fmt::format("{}.npy", i), testing::npy(speak(rng).values, 3));
    labels += fmt::format("{}.npy\t{}\n", i, i % 2 == 0 ? "yes" : "no");
    texts += fmt::format("{}.npy\tsay {} with words{} of{} kinds{}\n", i, i % 2 == 0 ? "yes" : "no", i, i, i);
  }
  const std::string list = dir.write("labels.tsv", labels), many = dir.write("texts.tsv", texts);
  EXPECT_EQ(decide_task({list}).first, "classify");
  EXPECT_TRUE(
      holds(decide_task({list}).second, "labels (2 different ones so far); --task transduce takes them for texts"));
  ToyRun written(list, {{"hidden_size", "8"}, {"max_steps", "2"}});
  EXPECT_TRUE(holds(written.said, "target: characters, because 100 % of the lines have no space")) << written.said;
  EXPECT_EQ(decide_task({many}).first, "transduce");
  ToyRun named(many, {{"hidden_size", "8"}, {"max_steps", "2"}}, {}, "classify");
  EXPECT_TRUE(holds(named.said, "labels: 24: say no with")) << named.said;
  // Subwords of few words are no symbols of frames.
  ToyRun few(many, {{"hidden_size", "8"}, {"max_steps", "2"}, {"stack_frames", "1"}, {"decoder", "attention"}});
  EXPECT_TRUE(holds(few.said, " words are too few to learn subwords from")) << few.said;
}

TEST(Transcribe, RefusesWhatHasNoTexts) {
  const testing::TempDir dir;
  const std::string list = spoken_list(dir, "a", 20, 1), names = dir.write("names.txt", "a0.npy\na1.npy\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { ToyRun(names, tiny()); }).substr(names.size()),
            ": [transduce] each sequence of frames needs the text that it says; got a list of files, 2 so far, and "
            "nothing of what they are. Give a list of lines `path TAB text`, or a folder with a text beside each "
            "recording (a.wav, a.txt).");
  EXPECT_TRUE(holds(testing::error_of<DataError>([&] { decide_task({names}); }), "needs the text that it says"));
  ToyRun run(list, tiny());
  EXPECT_TRUE(holds(testing::error_of<DataError>([&] { run.job.model->evaluate({names}, {}); }),
                    "needs the text that it says"));
  dir.write("wide.npy", testing::npy({1, 2, 3, 4}, 2));
  const std::string wide = dir.write("wide.tsv", "wide.npy\tup down\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->evaluate({wide}, {}); }).substr(wide.size()),
            ": [transduce] frames must have 3 numbers, as those of the training data; got 2. Give data of the same "
            "kind.");
  EXPECT_EQ(testing::error_of<DataError>([&] { ToyRun(list, tiny(), {wide}); }).substr(wide.size()),
            ": [transduce] frames of dev must have 3 numbers, as those of training; got 2. Give data of the same "
            "kind.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              ToyRun(dir.write("pairs.tsv", "abc\tA B\nbcd\tB C\n"), {{"decoder", "ctc"}});
            }),
            "[transduce] decoder = ctc writes the text of recordings or other frames; got texts as sources. Use "
            "decoder = attention.");
  ToyRun strangers(list, tiny(), {dir.write("dev.tsv", "a0.npy\tup sideways\n")});
  EXPECT_TRUE(holds(strangers.said,
                    "dev: training never had 1 symbol of 1 text, such as \"sideways\"; the model cannot write them"))
      << strangers.said;
}

}  // namespace transcribe_test
}  // namespace carousel::tasks
