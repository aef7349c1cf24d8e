// The task `tag` from file to answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>

#include "carousel/base/error.h"
#include "carousel/tasks/tag_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace tag_test {

/// A sentence about who goes where; names have one or two words. Columns token TAB tag.
std::string travels(int64_t count, uint64_t seed) {
  static const char* const kNames[] = {"Ann", "Bob Stone", "Eve", "Joe Field", "Kim Lake"};
  static const char* const kPlaces[] = {"Rome", "New York", "Oslo", "Cape Town"};
  static const char* const kVerbs[] = {"visits", "leaves", "likes"};
  Rng rng(seed, 0);
  std::string text;
  const auto add = [&](const std::string& words, const std::string& type) {
    std::string prefix = "B-";
    for (size_t begin = 0; begin < words.size();) {
      const size_t end = std::min(words.find(' ', begin), words.size());
      text += words.substr(begin, end - begin) + "\t" + (type.empty() ? "O" : prefix + type) + "\n";
      prefix = "I-";
      begin = end + 1;
    }
  };
  for (int64_t i = 0; i < count; ++i) {
    add(kNames[rng.below(5)], "PER");
    add(kVerbs[rng.below(3)], "");
    add(kPlaces[rng.below(4)], "LOC");
    if (rng.below(2) == 0) add("in 19" + std::to_string(10 + rng.below(80)), "");
    text += "\n";
  }
  return text;
}

Settings settings_of(const Settings& more = {}) {
  Settings s = {{"hidden_size", "12"},
                {"embedding_size", "8"},
                {"character_hidden_size", "4"},
                {"character_embedding_size", "4"},
                {"batch_size", "8"},
                {"max_steps", "6"},
                {"dropout", "0.1"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

ToyRun run_of(const std::string& file, const Settings& settings, const std::vector<std::string>& dev = {}) {
  return ToyRun(file, settings, dev, "tag");
}

std::vector<std::string> keys(const std::map<std::string, double>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

TEST(TagTask, LearnsSpansAndBeatsTheMostFrequentTags) {
  const testing::TempDir dir;
  ToyRun run =
      run_of(dir.write("t.conll", travels(150, 1)), settings_of({{"max_steps", "60"}, {"learning_rate", "0.03"}}));
  EXPECT_NE(run.said.find("tags: 5 that mark spans (iob2): B-LOC (135), B-PER (135), "), std::string::npos) << run.said;
  EXPECT_NE(run.said.find("conditional random field"), std::string::npos) << run.said;
  run.train();
  // "Stone" and "New" are no names of their own in training; here they are.
  const std::string test = dir.write("test.conll", travels(40, 9) + "New\tB-PER\nlikes\tO\nRome\tB-LOC\n\n");
  const EvalReport report = run.job.model->evaluate({test}, {});
  EXPECT_EQ(report.task, "tag");
  EXPECT_EQ(report.examples, 41);
  EXPECT_GT(report.metrics.at("span_f1"), 0.97);
  EXPECT_GT(report.metrics.at("accuracy"), 0.97);
  EXPECT_LE(report.baseline.at("span_f1"), 1);
  EXPECT_EQ(keys(report.metrics),
            (std::vector<std::string>{"accuracy", "sentence_accuracy", "span_f1", "span_precision", "span_recall"}));
  EXPECT_EQ(keys(report.metrics), keys(report.baseline));
  EXPECT_EQ(report.baseline_name, "the most frequent tag of each word, O for unknown words");
  EXPECT_EQ(run.answers({"Bob Stone visits Cape Town in 1950", "Eve likes Oslo"}),
            (std::vector<std::string>{"B-PER I-PER O B-LOC I-LOC O O", "B-PER O B-LOC"}));
}

/// Parts of speech where only the context tells: the same word is a noun behind "the" and a verb behind "to".
std::string walks(int64_t count, uint64_t seed) {
  static const char* const kWords[] = {"walk", "run", "talk", "play", "call"};
  Rng rng(seed, 0);
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    const std::string word = kWords[rng.below(5)];
    const bool noun = rng.below(2) == 0;
    int number = 0;
    const auto row = [&](const std::string& form, const std::string& upos) {
      text += std::to_string(++number) + "\t" + form + "\t_\t" + upos + "\tX" + upos + "\t_\t0\tdep\t_\t_\n";
    };
    row(noun ? "the" : "to", noun ? "DET" : "PART");
    row(word, noun ? "NOUN" : "VERB");
    if (rng.below(2) == 0) row("now", "ADV");
    text += "\n";
  }
  return text;
}

TEST(TagTask, LearnsPartsOfSpeechFromTheirContext) {
  const testing::TempDir dir;
  ToyRun run =
      run_of(dir.write("t.conllu", walks(120, 1)), settings_of({{"max_steps", "50"}, {"learning_rate", "0.03"}}));
  EXPECT_NE(run.said.find(", softmax, "), std::string::npos) << run.said;
  run.train();
  const EvalReport report = run.job.model->evaluate({dir.write("test.conllu", walks(60, 9))}, {});
  EXPECT_GT(report.metrics.at("accuracy"), 0.98);
  EXPECT_LT(report.baseline.at("accuracy"), 0.9) << "words alone do not tell";
  EXPECT_EQ(keys(report.metrics), (std::vector<std::string>{"accuracy", "sentence_accuracy"}));
  EXPECT_EQ(run.answers({"to call", "the call now"}), (std::vector<std::string>{"PART VERB", "DET NOUN ADV"}));
  EXPECT_EQ(run.table.find("target")->value_text(), "upos");
}

/// A folder with slots and intents.
void write_requests(const testing::TempDir& dir, int64_t count, uint64_t seed, bool intents = true) {
  Rng rng(seed, 0);
  static const char* const kGenres[] = {"jazz", "rock", "folk"};
  static const char* const kTowns[] = {"rome", "oslo", "bonn"};
  std::string in, out, label;
  for (int64_t i = 0; i < count; ++i) {
    const bool music = rng.below(2) == 0;
    in += (music ? std::string("play some ") + kGenres[rng.below(3)] : std::string("rain in ") + kTowns[rng.below(3)]) +
          (rng.below(2) == 0 ? " now\n" : "\n");
    const bool now = in.ends_with("now\n");
    out += std::string(music ? "O O B-genre" : "O O B-town") + (now ? " O\n" : "\n");
    label += music ? "PlayMusic\n" : "GetWeather\n";
  }
  dir.write("seq.in", in);
  dir.write("seq.out", out);
  if (intents) dir.write("label", label);
}

TEST(TagTask, LearnsIntentsBesideSlots) {
  const testing::TempDir dir;
  write_requests(dir, 120, 1);
  ToyRun run = run_of(dir.path(), settings_of({{"max_steps", "50"}, {"learning_rate", "0.03"}}));
  EXPECT_NE(run.said.find("intents: 2: GetWeather ("), std::string::npos) << run.said;
  EXPECT_EQ(run.train().best.evaluation.metric, "sentence_accuracy");
  const EvalReport report = run.job.model->evaluate({dir.path()}, {});
  EXPECT_GT(report.metrics.at("intent_accuracy"), 0.98);
  EXPECT_GT(report.metrics.at("span_f1"), 0.98);
  EXPECT_LT(report.baseline.at("intent_accuracy"), 0.7);
  EXPECT_EQ(keys(report.metrics), keys(report.baseline));
  EXPECT_NE(report.baseline_name.find("; the most frequent intent, "), std::string::npos) << report.baseline_name;
  const Prediction p = run.job.model->predict({"play some folk"}, {}).front();
  EXPECT_EQ(p.hypotheses.front().text, "PlayMusic\tO O B-genre");
  EXPECT_EQ(p.tagging->intent, "PlayMusic");
  EXPECT_NEAR(p.probabilities.at("PlayMusic") + p.probabilities.at("GetWeather"), 1, 1e-9);
  // A file without intents is scored for its tags alone.
  const EvalReport tags = run.job.model->evaluate({dir.write("c.txt", "play\tO\nfolk\tB-genre\n\nrain\tO\n")}, {});
  EXPECT_FALSE(tags.metrics.contains("intent_accuracy"));
  const testing::TempDir bare;
  write_requests(bare, 20, 2, false);
  EXPECT_EQ(testing::error_of<DataError>([&] { run_of(dir.path(), settings_of(), {bare.path()}); }),
            bare.path() +
                ": [dev] training and dev data must both name intents, or both none; got them in training "
                "only. Give a file named label to both, or to none.");
}

TEST(TagTask, AnswersLineByLineWithProbabilitiesAndSpans) {
  const testing::TempDir dir;
  ToyRun run =
      run_of(dir.write("t.conll", travels(100, 1)), settings_of({{"max_steps", "40"}, {"learning_rate", "0.03"}}));
  run.train();
  const auto p = run.job.model->predict({"", "Kim  Lake leaves\tNew York", "Zed likes Zed"}, {});
  EXPECT_EQ(p[0].hypotheses.front().text, "");
  EXPECT_TRUE(p[0].tagging->tokens.empty());
  EXPECT_EQ(p[1].input, "Kim  Lake leaves\tNew York");
  EXPECT_EQ(p[1].tagging->tokens, (std::vector<std::string>{"Kim", "Lake", "leaves", "New", "York"}));
  EXPECT_EQ(p[1].tagging->tags, (std::vector<std::string>{"B-PER", "I-PER", "O", "B-LOC", "I-LOC"}));
  ASSERT_EQ(p[1].tagging->spans.size(), 2u);
  EXPECT_EQ(p[1].tagging->spans[1].type, "LOC");
  EXPECT_EQ(p[1].tagging->spans[1].begin, 3);
  EXPECT_EQ(p[1].tagging->spans[1].end, 5);
  EXPECT_EQ(p[1].tagging->probabilities.size(), 5u);
  EXPECT_GT(p[1].hypotheses.front().probability, 0.5);
  EXPECT_NEAR(std::exp(p[1].hypotheses.front().log_probability), p[1].hypotheses.front().probability, 1e-12);
  for (const double q : p[1].tagging->probabilities)
    EXPECT_GE(q, p[1].hypotheses.front().probability - 1e-9) << "a tag is at least as probable as all of them together";
  EXPECT_EQ(p[2].notes, (std::vector<std::string>{"unknown word: Zed"})) << "each word once";
}

/// Whatever the weights say, no answer breaks the scheme.
TEST(TagTask, NoIllegalSequenceIsGivenWithAndWithoutCrf) {
  const testing::TempDir dir;
  std::string bioes = travels(60, 1);
  for (const auto& [from, to] : {std::pair("B-PER\n", "S-PER\n"), {"Stone\tI-PER", "Stone\tE-PER"}})
    for (size_t at = bioes.find(from); at != std::string::npos; at = bioes.find(from, at + 1))
      bioes.replace(at, std::string(from).size(), to);
  for (const std::string& text : {travels(60, 1), bioes}) {
    for (const char* crf : {"yes", "no"}) {
      ToyRun run = run_of(dir.write("t.conll", text), settings_of({{"crf", crf}, {"max_steps", "2"}}));
      auto& model = dynamic_cast<TagModel&>(*run.job.model);
      Rng rng(7, 0);
      for (const nn::NamedParameter& p : model.module().parameters())
        for (int64_t i = 0; i < p.var.value().numel(); ++i) p.var.mutable_value().data<float>()[i] = 2 * rng.normal();
      const std::string line = "Bob visits New Cape York Town Stone in Ann likes Lake Kim 1950 leaves Oslo";
      const auto tags = model.predict({line}, {}).front().tagging->tags;
      std::string before;
      for (const std::string& tag : tags) {
        EXPECT_TRUE(data::may_follow(model.parts().scheme, before, tag)) << before << " " << tag;
        before = tag;
      }
      EXPECT_TRUE(data::may_follow(model.parts().scheme, before, "")) << before << " at the end";
    }
  }
}

TEST(TagTask, AVeryLongSentenceIsReadInPieces) {
  const testing::TempDir dir;
  std::string longest, line;
  for (int i = 0; i < 950; ++i) {
    longest += i % 3 == 0 ? "Ann\tB-PER\n" : i % 3 == 1 ? "likes\tO\n" : "Rome\tB-LOC\n";
    line += i % 3 == 0 ? "Ann " : i % 3 == 1 ? "likes " : "Rome ";
  }
  ToyRun run = run_of(dir.write("t.conll", travels(30, 1) + longest), settings_of());
  EXPECT_EQ(run.job.train_examples + run.job.dev_examples, 31);
  EXPECT_EQ(run.job.objective->num_batches(0), (run.job.train_examples + 2 + 7) / 8) << "three pieces of one sentence";
  run.train();
  const Prediction p = run.job.model->predict({line}, {}).front();
  ASSERT_EQ(p.tagging->tags.size(), 950u);
  EXPECT_EQ(p.tagging->probabilities.size(), 950u);
  // Each piece as if it stood alone.
  std::string first;
  for (int i = 0; i < 400; ++i) first += p.tagging->tokens[static_cast<size_t>(i)] + " ";
  const auto alone = run.job.model->predict({first}, {}).front().tagging->tags;
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), p.tagging->tags.begin()));
  EXPECT_EQ(run.job.model->evaluate({dir.file("t.conll")}, {}).examples, 31);
}

TEST(TagTask, AnswersWhereTheSchemeAllowsNothing) {
  const testing::TempDir dir;
  // Only B- and E-: no sentence of one word is legal.
  ToyRun run = run_of(dir.write("t.conll", "a\tB-X\nb\tE-X\n\na\tB-X\nc\tE-X\n\nd\tB-X\nb\tE-X\n\n"), settings_of());
  const Prediction p = run.job.model->predict({"a"}, {}).front();
  EXPECT_EQ(p.tagging->tags.size(), 1u);
  EXPECT_GT(p.hypotheses.front().probability, 0);
}

TEST(TagTask, SaysWhatIsOddAboutAFileThatItScores) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.conll", travels(60, 1)), settings_of());
  const EvalReport report =
      run.job.model->evaluate({dir.write("test.conll", "zzz\tB-ODD\nyyy\tO\n\nlikes\tO\nRome\tB-ODD\n")}, {});
  std::string notes;
  for (const std::string& note : report.notes) notes += note + "\n";
  EXPECT_NE(notes.find("2 of 4 words have a tag that training did not have (\"B-ODD\") and count as wrong\n"),
            std::string::npos)
      << notes;
  EXPECT_NE(notes.find("2 of 4 words stood in no training sentence; "), std::string::npos) << notes;
  EXPECT_NE(notes.find("the model is not better than the baseline"), std::string::npos) << notes;
  const std::string blank = dir.write("blank.conll", "\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { run.job.model->evaluate({blank}, {}); }),
            blank + ": [eval] at least one tagged sentence is needed; got none. Check the file.");
  PredictOptions search;
  search.min_length = 3;
  EXPECT_EQ(testing::error_of<ConfigError>([&] { run.job.model->predict({"a"}, search); }),
            "[tag] a tagger finds the best of all sequences of tags without a search to steer; got --min-length. Leave "
            "it out; --json shows how sure each tag is.");
}

TEST(TagTask, WarnsOfTagsThatOnlyDevHas) {
  const testing::TempDir dir;
  const ToyRun run = run_of(dir.write("t.conll", travels(40, 1)), settings_of(),
                            {dir.write("d.conll", "Ann\tB-PER\nsees\tB-ODD\n\nBob\tB-PER\n")});
  EXPECT_NE(run.said.find("dev: 1 tag of 1 word never occur in training, such as B-ODD; the model cannot give them"),
            std::string::npos)
      << run.said;
  const std::string blank = dir.write("blank.conll", "\n");
  EXPECT_EQ(testing::error_of<DataError>([&] { run_of(dir.file("t.conll"), settings_of(), {blank}); }),
            blank + ": [dev] at least one tagged sentence is needed; got none. Check the file.");
}

TEST(TagTask, ShowsTheGatesOfEachWord) {
  const testing::TempDir dir;
  ToyRun run = run_of(dir.write("t.conll", travels(40, 1)), settings_of());
  EXPECT_EQ(run.job.model->views(), (std::vector<std::string>{"gates"}));
  const GateTrace trace = run.job.model->gates("Ann likes Rome", {});
  bool forget = false;
  for (const GateSeries& s : trace.series) {
    EXPECT_EQ(s.tokens, (std::vector<std::string>{"Ann", "likes", "Rome"}));
    forget = forget || (s.layer == "layer.0.reverse" && s.gate == "forget_gate" && s.units == 12);
  }
  EXPECT_TRUE(forget);
  EXPECT_EQ(trace.output, run.answers({"Ann likes Rome"}).front());
  EXPECT_EQ(testing::error_of<ConfigError>([&] { run.job.model->gates(" ", {}); }),
            "[inspect] the input must hold at least one word; got an empty line. Give a sentence.");
  PredictOptions search;
  search.beam_size = 4;
  EXPECT_THROW(run.job.model->gates("Ann", search), ConfigError);
  EXPECT_EQ(testing::error_of<UnsupportedError>([&] { run.job.model->inspect("Ann", {}); }),
            "[inspect] attention is shown by models that have it; got a tagger, which reads its words in order. Look "
            "at its gates with --gates.");
}

TEST(TagTask, DescribesItself) {
  const testing::TempDir dir;
  const ToyRun run = run_of(dir.write("t.conll", travels(60, 1)), settings_of());
  std::map<std::string, std::string> rows;
  for (const auto& [name, value] : run.job.model->describe()) rows[name] += value;
  EXPECT_EQ(rows["tags"].rfind("5: B-LOC (", 0), 0u) << rows["tags"];
  EXPECT_EQ(rows["spans"], "iob2");
  EXPECT_EQ(rows["network"], "1 lstm layer of 12 units in each direction");
  EXPECT_EQ(rows["output"], "conditional random field");
  EXPECT_EQ(rows["columns"], "token,tag");
}

TEST(TagTask, WordsAreKnownByFormAndSpelling) {
  EXPECT_EQ(word_form("McDonald's-1984"), "mcdonald's-0000");
  EXPECT_EQ(spelling("caf\xC3\xA9").size(), 4u);
  const std::string longest = std::string(30, 'a') + std::string(30, 'b');
  const auto letters = spelling(longest);
  ASSERT_EQ(letters.size(), 40u);
  EXPECT_EQ(letters[19], "a");
  EXPECT_EQ(letters[20], "b");
}

TEST(TagTask, TheBaselineIsTheMostFrequentTagOfEachWord) {
  data::TagData data;
  data.sentences = {{{"a", "b", "a", "c"}, {"X", "Y", "Y", "Y"}, {1, 2, 3, 4}, {3, 3, 3, 3}, ""},
                    {{"a", "d"}, {"X", "Y"}, {6, 7}, {3, 3}, ""}};
  const Labels tags = Labels::of({{"X", 2}, {"Y", 4}});
  const WordTags known = WordTags::learn(data, {0, 1}, tags);
  EXPECT_EQ(known.tag("a"), 0);
  EXPECT_EQ(known.tag("b"), 1);
  EXPECT_EQ(known.tag("stranger"), 1);
  EXPECT_EQ(known.to_json(), R"({"words":["a"],"tags":[0]})") << "the others have the most frequent tag of all";
  const WordTags loaded = WordTags::from_json(known.to_json(), "m", tags);
  EXPECT_EQ(loaded.tag("a"), 0);
  EXPECT_EQ(loaded.tag("b"), 1);
  for (const char* bad : {R"({"words":["a"],"tags":[2]})", R"({"words":["a"],"tags":[-1]})",
                          R"({"words":["a"],"tags":[]})", R"({"words":["a"]})", "[]"})
    EXPECT_THROW(WordTags::from_json(bad, "m", tags), FormatError) << bad;
}

TEST(TagTask, DamagedMetadataIsRefused) {
  const testing::TempDir dir;
  write_requests(dir, 40, 1);
  ToyRun run = run_of(dir.path(), settings_of());
  const auto sound = run.job.model->metadata();
  const TaggerParts parts = load_tagger_parts(TagOptions{}, sound, "m");
  EXPECT_EQ(parts.tags.names, (std::vector<std::string>{"B-genre", "B-town", "O"}));
  EXPECT_EQ(parts.intents.names, (std::vector<std::string>{"GetWeather", "PlayMusic"}));
  EXPECT_EQ(parts.scheme, data::TagScheme::iob2);
  for (const auto& [key, value] : sound) {
    auto metadata = sound;
    metadata[key] = "[]";
    EXPECT_THROW(load_tagger_parts(TagOptions{}, metadata, "m"), FormatError) << key;
  }
  auto metadata = sound;
  metadata["tag.scheme"] = "bio";
  EXPECT_EQ(testing::error_of<FormatError>([&] { load_tagger_parts(TagOptions{}, metadata, "m.safetensors"); }),
            "m.safetensors: byte 0: [model] tag.scheme must be none, iob1, iob2 or bioes; got \"bio\". The file is "
            "damaged; train again.");
  metadata.erase("tag.words");
  EXPECT_EQ(testing::error_of<FormatError>([&] { load_tagger_parts(TagOptions{}, metadata, "m.safetensors"); }),
            "m.safetensors: byte 0: [model] the metadata must hold 'tag.words'; got none. The file is no tagger or is "
            "damaged; train again.");
}

TEST(TagTask, IsRecognisedWhereTheFileShowsIt) {
  const testing::TempDir dir;
  EXPECT_EQ(decide_task({dir.write("a.conll", travels(5, 1))}).first, "tag");
  EXPECT_EQ(decide_task({dir.write("a.conllu", walks(5, 1))}).first, "tag");
  EXPECT_EQ(decide_task({dir.write("b.tsv", spelling_lines(200, 1))}).first, "transduce");
  EXPECT_EQ(decide_task({dir.write("c.txt", "a book of\nmany lines\n")}).first, "lm");
  write_requests(dir, 5, 1);
  EXPECT_EQ(decide_task({dir.path()}).first, "tag");
}

}  // namespace tag_test
}  // namespace carousel::tasks
