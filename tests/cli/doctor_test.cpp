// carousel doctor: each finding from a model or a file that has it.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "carousel/base/rng.h"
#include "carousel/tensor/archive.h"
#include "tests/support/run_program.h"

namespace carousel::cli {
namespace doctor_test {

using carousel::testing::Ran;
using carousel::testing::run;
using carousel::testing::TempDir;
using Findings = std::map<std::string, nlohmann::json>;

Findings findings_of(const Ran& ran) {
  Findings findings;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["schema"], "carousel/doctor@1");
  for (const auto& finding : json["findings"]) findings[finding["check"]] = finding;
  return findings;
}

std::string text_of(const Findings& findings, const char* check) {
  return findings.at(check)["verdict"].get<std::string>() + ": " + findings.at(check)["text"].get<std::string>();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Words over five letters and what they are backwards.
std::string pairs() {
  Rng rng(3, 0);
  std::string text;
  for (int i = 0; i < 160; ++i) {
    std::string word;
    for (uint64_t k = 0; k < 3 + rng.below(4); ++k) word += static_cast<char>('a' + rng.below(5));
    text += word + "\t" + std::string(word.rbegin(), word.rend()) + "\n";
  }
  return text;
}

/// Trains on them.
std::string trained(const TempDir& dir, const std::vector<std::string>& more) {
  const std::string model = dir.file("model.safetensors");
  std::vector<std::string> words = {"train", dir.write("pairs.tsv", pairs()),
                                    "-o",    model,
                                    "--set", "hidden_size=24",
                                    "--set", "embedding_size=12",
                                    "--set", "batch_size=16"};
  words.insert(words.end(), more.begin(), more.end());
  const Ran ran = run(words);
  EXPECT_EQ(ran.code, 0) << ran.err;
  return model;
}

TEST(Doctor, FindsAModelThatLearntNothing) {
  const TempDir dir;
  const std::string model = trained(dir, {"--set", "max_steps=1", "--set", "min_length=4"});
  const std::string lines = dir.write("lines.txt", "abc\nde\neab\nbadc\ncab\nddd\nxyz\n");
  const Ran ran = run({"doctor", model, lines, "--json"});
  EXPECT_EQ(ran.code, 1) << ran.err;
  const Findings findings = findings_of(ran);
  EXPECT_EQ(text_of(findings, "padding"), "healthy: 7 lines are answered the same alone and in one batch");
  EXPECT_TRUE(has(text_of(findings, "attention"), "ill: its entropy is ")) << text_of(findings, "attention");
  EXPECT_TRUE(has(text_of(findings, "attention"), "it has not formed. Train longer"));
  EXPECT_EQ(text_of(findings, "unknown symbols"), "healthy: 1 of 7 lines hold symbols that training never had");
  EXPECT_EQ(findings.at("unknown symbols")["lines"][0], "xyz");
  EXPECT_TRUE(has(text_of(findings, "gates"), "healthy: at most ")) << text_of(findings, "gates");
  const Ran text = run({"doctor", model, lines});
  EXPECT_TRUE(has(text.out, "ill         attention: its entropy")) << text.out;
}

TEST(Doctor, FindsOneAnswerForEverythingAndStrangeLines) {
  const TempDir dir;
  std::string labels;
  for (int i = 0; i < 60; ++i) labels += i % 10 == 0 ? "__label__rare a b c\n" : "__label__often a b c d\n";
  const std::string model = dir.file("model.safetensors");
  ASSERT_EQ(run({"train", dir.write("labels.txt", labels), "-o", model, "--set", "max_steps=4", "--set",
                 "hidden_size=8", "--set", "ngrams=0"})
                .code,
            0);
  const Findings findings =
      findings_of(run({"doctor", model, dir.write("lines.txt", "a x\nb y\nc z\na b\nd d\nx y\n"), "--json"}));
  EXPECT_EQ(
      text_of(findings, "sameness"),
      "ill: 6 different inputs get 1 different answers; 100 % get \"often\": the model hardly looks at its input. "
      "Train longer, or check that inputs and answers belong together");
  EXPECT_EQ(
      text_of(findings, "unknown symbols"),
      "suspicious: 4 of 6 lines hold symbols that training never had: is this the kind of text that the model was "
      "trained on?");
  EXPECT_EQ(text_of(findings, "attention").rfind("skipped: ", 0), 0u);
}

TEST(Doctor, FindsSaturatedGates) {
  const TempDir dir;
  std::string labels;
  for (int i = 0; i < 60; ++i)
    labels += (i % 2 == 0 ? "__label__one a b c " : "__label__two c b a ") + std::to_string(i) + "\n";
  const std::string model = dir.file("model.safetensors");
  ASSERT_EQ(run({"train", dir.write("labels.txt", labels), "-o", model, "--set", "max_steps=1", "--set",
                 "hidden_size=8", "--set", "learning_rate=100", "--set", "warmup=0", "--set", "clip_norm=0"})
                .code,
            0);
  const Findings findings = findings_of(run({"doctor", model, dir.write("lines.txt", "a b c\nc b a\n"), "--json"}));
  EXPECT_TRUE(has(text_of(findings, "gates"), "too many. Try a lower learning_rate")) << text_of(findings, "gates");
  EXPECT_EQ(text_of(findings, "sameness"), "skipped: needs four different lines");
}

TEST(Doctor, LearnsOneBatchOfSoundDataByHeart) {
  const TempDir dir;
  const Ran ran = run({"doctor", dir.write("pairs.tsv", pairs()), "--set", "hidden_size=24", "--set",
                       "embedding_size=12", "--set", "batch_size=8", "--set", "learning_rate=0.01", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const Findings findings = findings_of(ran);
  EXPECT_TRUE(has(text_of(findings, "one batch"), "healthy: the loss on one batch fell from "))
      << text_of(findings, "one batch");
  EXPECT_TRUE(has(text_of(findings, "size"), " to learn from, ")) << text_of(findings, "size");
}

TEST(Doctor, FindsDataThatCannotBeLearnt) {
  const TempDir dir;
  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines +=
        "same\t" + std::string(1, static_cast<char>('a' + (i * 7) % 13)) + static_cast<char>('a' + (i * 5) % 11) + "\n";
  for (int i = 0; i < 6; ++i) lines += "x" + std::string(1, static_cast<char>('a' + i)) + "\tab\n";
  const Ran ran = run({"doctor", dir.write("pairs.tsv", lines), "--task", "transduce", "--set", "hidden_size=16",
                       "--set", "embedding_size=8", "--set", "dev_share=0.1", "--json"});
  ASSERT_FALSE(ran.out.empty()) << ran.err;
  const Findings findings = findings_of(ran);
  EXPECT_TRUE(has(text_of(findings, "one batch"), "suspicious: the loss on one batch fell from "))
      << text_of(findings, "one batch");
  EXPECT_TRUE(has(text_of(findings, "one batch"), "Look for equal inputs with different answers"));
  EXPECT_TRUE(has(findings.at("one batch")["lines"][0], "pairs.tsv lines "));
  EXPECT_TRUE(has(text_of(findings, "size"), "too few for anything but learning them by heart"))
      << text_of(findings, "size");
}

TEST(Doctor, FindsPairsThatHaveSlipped) {
  const TempDir dir;
  std::vector<std::string> sources, targets;
  Rng rng(7, 0);
  for (int i = 0; i < 80; ++i) {
    std::string word;
    for (uint64_t k = 0; k < 2 + rng.below(12); ++k) word += static_cast<char>('a' + rng.below(5));
    sources.push_back(word);
    targets.emplace_back(word.rbegin(), word.rend());
  }
  const auto examined = [&](size_t before, size_t behind) {
    std::string left, right;
    for (size_t i = 0; i < 78; ++i) {
      left += sources[i + before] + "\n";
      right += targets[i + behind] + "\n";
    }
    const Findings findings =
        findings_of(run({"doctor", dir.write("a.src", left), dir.write("a.tgt", right), "--task", "transduce", "--set",
                         "hidden_size=4", "--set", "embedding_size=4", "--set", "batch_size=2", "--json"}));
    return text_of(findings, "off by one");
  };
  EXPECT_EQ(examined(0, 0), "healthy: lengths of sources and targets go together (correlation 1.00)");
  EXPECT_TRUE(has(examined(1, 0), "ill: targets seem to belong to the source one line before them: "))
      << examined(1, 0);
  EXPECT_TRUE(has(examined(0, 1), "ill: targets seem to belong to the source one line behind them: "))
      << examined(0, 1);
  EXPECT_TRUE(has(examined(0, 2), "lengths of sources and targets have nothing to do with each other"));
}

TEST(Doctor, FindsTagsThatTheSchemeDoesNotAllow) {
  const TempDir dir;
  const auto examined = [&](const std::string& odd) {
    std::string text;
    for (int i = 0; i < 60; ++i)
      text += "in\tO\nnew\tB-place\nyork\t" + (i == 30 ? odd : "I-place") + "\nwe\tO\nmeet\tO\n" + std::to_string(i) +
              "\tO\n\n";
    return findings_of(run({"doctor", dir.write("t.tsv", text), "--task", "tag", "--set", "hidden_size=4", "--json"}));
  };
  EXPECT_EQ(text_of(examined("I-place"), "tag format").rfind("healthy: tags mark spans by ", 0), 0u);
  const Findings odd = examined("I-person");
  EXPECT_TRUE(has(text_of(odd, "tag format"), "which does not allow 1 tag where they stand: mend them"))
      << text_of(odd, "tag format");
  EXPECT_TRUE(has(odd.at("tag format")["lines"][0], "t.tsv"));
}

TEST(Doctor, TellsWritingOnItsOwnFromBeingTold) {
  const TempDir dir;
  const std::string model = trained(dir, {"--set", "max_steps=2"}), lines = dir.write("lines.txt", "abc\nde\neab\n");
  const Findings findings = findings_of(run({"doctor", model, lines, "--json"}));
  EXPECT_TRUE(
      has(text_of(findings, "own writing"), " % of the symbols of its dev data were wrong when it wrote on its own"))
      << text_of(findings, "own writing");
  Archive archive = read_archive(model);
  auto best = nlohmann::json::parse(archive.metadata.at("carousel.best"));
  best["metrics"]["teacher_forced_error_rate"] = 0.05;
  best["metrics"]["token_error_rate"] = 0.4;
  archive.metadata["carousel.best"] = best.dump();
  write_archive(model, archive);
  const std::string apart = text_of(findings_of(run({"doctor", model, lines, "--json"})), "own writing");
  EXPECT_EQ(
      apart.rfind("suspicious: 40.0 % of the symbols of its dev data were wrong when it wrote on its own, 5.0 % when "
                  "told the right ones before: one error leads to the next.",
                  0),
      0u)
      << apart;
}

TEST(Doctor, KnowsForecastersAndWhatLearnsWithoutSteps) {
  const TempDir dir;
  std::string table = "date,load\n";
  for (int i = 0; i < 120; ++i)
    table += std::to_string(i) + "," + std::to_string(i % 6) + "." + std::to_string(i % 7) + "\n";
  const std::string data = dir.write("t.csv", table), model = dir.file("model.safetensors");
  const std::vector<std::string> settings = {"--task", "forecast", "--set", "model=dlinear"};
  std::vector<std::string> train = {"train", data, "-o", model, "--horizon", "3"}, doctor = {"doctor", data, "--json"};
  train.insert(train.end(), settings.begin(), settings.end());
  doctor.insert(doctor.end(), settings.begin(), settings.end());
  EXPECT_EQ(text_of(findings_of(run(doctor)), "one batch"),
            "skipped: there is nothing to learn step by step in this model");
  ASSERT_EQ(run(train).code, 0);
  EXPECT_EQ(
      run({"doctor", model, data}).err,
      "carousel: [doctor] a model is examined by how it answers lines; got one that answers whole files. Score it "
      "with eval.\n");
}

TEST(Doctor, RefusesAModelWithoutLines) {
  const TempDir dir;
  const std::string model = trained(dir, {"--set", "max_steps=1"});
  const Ran ran = run({"doctor", model});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err,
            "carousel: [doctor] a model is examined by how it answers lines; got none. Give a file of inputs.\n");
  EXPECT_EQ(run({"doctor", dir.file("none")}).code, 3);
}

TEST(Doctor, CountsTheDevFileItIsGiven) {
  const TempDir dir;
  const std::string data = dir.write("pairs.tsv", pairs()), dev = dir.write("dev.tsv", "abc\tcba\nab\tba\n");
  const std::vector<std::string> words = {"doctor",           data,    "--json", "--set", "hidden_size=8", "--set",
                                          "embedding_size=4", "--dev", dev};
  const Findings findings = findings_of(run(words));
  EXPECT_TRUE(has(text_of(findings, "size"), "suspicious: 160 examples to learn from, 2 examples held out"))
      << text_of(findings, "size");
}

}  // namespace doctor_test
}  // namespace carousel::cli
