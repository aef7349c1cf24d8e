// Tagging from outside: columns in, tags out.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>

#include "tests/support/run_program.h"

namespace carousel::cli {
namespace tag_test {

using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;
using Json = nlohmann::json;

std::string sentences(int count) {
  static const char* const kPlaces[] = {"Rome\tR\tB-LOC", "New\tN\tB-LOC\nYork\tY\tI-LOC", "Oslo\tO\tB-LOC"};
  std::string text;
  for (int i = 0; i < count; ++i)
    text += std::string("we\tw\tO\n") + (i % 2 ? "see" : "leave") + "\tv\tO\n" + kPlaces[i % 3] + "\n\n";
  return text;
}

const std::vector<std::string> kSmall = {"--epochs",         "3",     "--set",        "hidden_size=6", "--set",
                                         "embedding_size=6", "--set", "batch_size=8", "--threads",     "1"};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(TagProgram, FromColumnsToTags) {
  const TempDir dir;
  const std::string data = dir.write("places.conll", sentences(60)), model = dir.file("model.safetensors");
  const Ran trained = run(with({"train", data, "-o", model, "--columns", "token,_,tag"}, kSmall));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(
      trained.err.find("task: tag, because a token a line in 3 columns between tabs, blank lines between "
                       "sentences; columns token,_,tag (3 different tags so far, which mark spans), as asked for"),
      std::string::npos)
      << trained.err;
  EXPECT_NE(trained.err.find("best dev span f1 "), std::string::npos) << trained.err;

  const Ran scored = run({"eval", model, data, "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  const Json score = Json::parse(scored.out);
  EXPECT_EQ(score["task"], "tag");
  for (const char* part : {"metrics", "baseline"})
    for (const char* key : {"accuracy", "sentence_accuracy", "span_precision", "span_recall", "span_f1"})
      EXPECT_TRUE(score[part][key].is_number()) << part << " " << key;

  const Ran answered = run({"predict", model}, "we see Rome\n\nleave New York\n");
  ASSERT_EQ(answered.code, 0) << answered.err;
  EXPECT_EQ(std::count(answered.out.begin(), answered.out.end(), '\n'), 3) << answered.out;
  EXPECT_EQ(std::count(answered.out.begin(), answered.out.end(), ' '), 4) << "a tag for each word: " << answered.out;

  const Ran detailed = run({"predict", model, "--json"}, "we see New York\n");
  const Json answer = Json::parse(detailed.out);
  EXPECT_EQ(answer["tokens"], Json({"we", "see", "New", "York"}));
  EXPECT_EQ(answer["tags"].size(), 4u);
  EXPECT_EQ(answer["tag_probabilities"].size(), 4u);
  EXPECT_TRUE(answer["spans"].is_array());
  EXPECT_FALSE(answer.contains("intent"));
  const Ran gates = run({"inspect", model, "we see Rome", "--gates"});
  EXPECT_EQ(gates.code, 0) << gates.err;
  EXPECT_NE(gates.out.find("forget_gate"), std::string::npos) << gates.out;
}

TEST(TagProgram, AFolderTrainsResumesAndGivesIntents) {
  const TempDir dir;
  const std::string data = dir.file("requests");
  std::filesystem::create_directory(data);
  std::string in, out, label;
  for (int i = 0; i < 40; ++i) {
    in += i % 2 ? "play some jazz\n" : "rain in oslo today\n";
    out += i % 2 ? "O O B-genre\n" : "O O B-town O\n";
    label += i % 2 ? "PlayMusic\n" : "GetWeather\n";
  }
  dir.write("requests/seq.in", in + "play folk\n");
  dir.write("requests/seq.out", out + "O B-genre\n");
  dir.write("requests/label", label + "PlayMusic\n");
  const std::string model = dir.file("model.safetensors");
  const std::vector<std::string> train = with({"train", data + "/", "--dev", data, "-o", model}, kSmall);
  const Ran trained = run(train);
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Ran answered = run({"predict", model}, "play some jazz\n");
  ASSERT_EQ(answered.code, 0) << answered.err;
  EXPECT_EQ(answered.out.find('\t') == std::string::npos, false) << "the intent stands first: " << answered.out;
  const Json answer = Json::parse(run({"predict", model, "--json"}, "play some jazz\n").out);
  EXPECT_EQ(answer["intent"], answered.out.substr(0, answered.out.find('\t')));
  EXPECT_EQ(answer["probabilities"].size(), 2u);
  // The hash of the data is that of the files in the folder.
  EXPECT_EQ(run(with(train, {"--resume"})).code, 0);
  dir.write("requests/label", label + "GetWeather\n");
  const Ran other = run(with(train, {"--resume"}));
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("belongs to a run on other data"), std::string::npos) << other.err;
}

TEST(TagProgram, ChoosesTheFieldOfConllu) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += "1\tthe\t_\tDET\tDT\t_\t2\tdet\t_\t_\n2\tcat" + std::to_string(i) + "\t_\tNOUN\tNN\t_\t0\troot\t_\t_\n\n";
  const std::string data = dir.write("a.conllu", text), model = dir.file("m");
  ASSERT_EQ(run(with({"train", data, "-o", model, "--target", "xpos"}, kSmall)).code, 0);
  const Ran answered = run({"predict", model}, "the cat\n");
  EXPECT_EQ(answered.out.find_first_not_of("DNT \n"), std::string::npos) << answered.out;
  EXPECT_EQ(run({"eval", model, data}).code, 0);
}

TEST(TagProgram, RefusesWithItsOwnCodes) {
  const TempDir dir;
  const std::string data = dir.write("places.conll", sentences(30)), model = dir.file("m");
  EXPECT_EQ(run({"train", data, "-o", model, "--columns", "token,tga,_"}).code, 2);
  EXPECT_EQ(run({"train", data, "-o", model, "--columns", "token,tag"}).code, 3);
  EXPECT_EQ(run({"train", data, "-o", model, "--target", "lemma"}).code, 2);
  EXPECT_EQ(run({"train", dir.path(), "-o", model}).code, 3) << "a folder without seq.in";
  const Ran checked = run({"data", "check", data});
  EXPECT_EQ(checked.code, 0) << checked.out;
}

}  // namespace tag_test
}  // namespace carousel::cli
