// Every option of the task `tag` changes what comes out, and what is decided follows the guide.
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "carousel/tasks/tag_model.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace tag_options_test {

/// Everything that a run leaves behind: weights, vocabularies, tags, score.
std::string outcome(const std::string& file, const Settings& settings) {
  ToyRun run(file, settings, {}, "tag");
  const double best = run.train().best.evaluation.value;
  std::string text = run.weights() + std::to_string(best);
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  return text;
}

TEST(TagOptions, EveryOptionChangesTheOutcome) {
  const std::map<std::string, Settings> changes = {
      {"format", {{"format", "columns"}}},
      {"columns", {{"format", "columns"}, {"columns", "_,token,_,_,tag,_,_,_,_,_"}}},
      {"target", {{"target", "xpos"}}},
      {"dev_share", {{"dev_share", "0.4"}}},
      {"min_count", {{"min_count", "8"}}},
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
      {"character_embedding_size", {{"character_embedding_size", "5"}}},
      {"character_hidden_size", {{"character_hidden_size", "0"}}},
      {"crf", {{"crf", "yes"}}},
      {"word_dropout", {{"word_dropout", "20"}}},
      {"batch_size", {{"batch_size", "5"}}}};
  const std::map<std::string, Settings> company = {{"columns", {{"format", "columns"}}},
                                                   {"reset", {{"cell", "gru"}}},
                                                   {"update", {{"cell", "gru"}}},
                                                   {"activation", {{"cell", "rnn"}}},
                                                   {"projection_size", {{"cell", "projected_lstm"}}},
                                                   {"variational_dropout", {{"num_layers", "2"}}}};
  const testing::TempDir dir;
  // CoNLL-U without anything that columns do not have, and a last column that could be the tag too.
  std::string text;
  for (int i = 0; i < 40; ++i) {
    const std::string n(1, static_cast<char>('a' + i % 7));
    text += "1\tthe\t_\tDET\tDT\t_\t2\tdet\t_\tX\n2\tthing" + n + "\t_\tNOUN\tNN" + (i % 2 ? "S" : "") +
            "\t_\t0\troot\t_\tY\n" + (i % 3 ? "3\tfalls" + n + "\t_\tVERB\tVBZ\t_\t2\tdep\t_\tY\n" : "") + "\n";
  }
  const std::string file = dir.write("t.conllu", text);
  auto task = make_task("tag");
  OptionTable table;
  task->options(table);
  std::map<Settings, std::string> before;
  for (const Option& row : table.rows()) {
    // The trainer's own are tested with the task transduce.
    if (row.section == "train" && !changes.contains(row.name)) continue;
    if (row.name == "max_line_bytes") continue;
    ASSERT_TRUE(changes.contains(row.name)) << "no test for the option " << row.name;
    Settings base = {{"hidden_size", "12"}, {"embedding_size", "8"}, {"character_hidden_size", "4"},
                     {"batch_size", "8"},   {"max_steps", "3"},      {"dropout", "0.1"}};
    if (company.contains(row.name))
      for (const auto& pair : company.at(row.name)) base.push_back(pair);
    Settings changed = base;
    for (const auto& pair : changes.at(row.name)) changed.push_back(pair);
    if (!before.contains(base)) before[base] = outcome(file, base);
    EXPECT_TRUE(outcome(file, changed) != before[base]) << row.name << " changes nothing";
  }
}

TEST(TagOptions, SizesFollowTheTableOfTheGuide) {
  const std::string guide = testing::content_of(CAROUSEL_SOURCE_DIR "/docs/guide/tagging.md");
  const std::regex row(R"(\| (\d+ or more|fewer) \| (\d+), (\d+), (\d+), (\d+) \| (\d+) \|)");
  int rows = 0;
  for (std::sregex_iterator it(guide.begin(), guide.end(), row), end; it != end; ++it, ++rows) {
    const std::string first = (*it)[1];
    TagOptions options;
    decide(options, {first == "fewer" ? 19999 : std::stoll(first), data::TagScheme::none});
    EXPECT_EQ(options.model.stack.num_layers, std::stoll((*it)[2])) << first;
    EXPECT_EQ(options.model.stack.hidden_size.front(), std::stoll((*it)[3])) << first;
    EXPECT_EQ(options.model.embedding_size, std::stoll((*it)[4])) << first;
    EXPECT_EQ(options.model.character_hidden_size, std::stoll((*it)[5])) << first;
    EXPECT_EQ(options.batch_size, std::stoll((*it)[6])) << first;
  }
  EXPECT_EQ(rows, 3);
}

TEST(TagOptions, TheSchemeDecidesTheOutputAndTheTimeTheSize) {
  const auto decided = [](int64_t tokens, data::TagScheme scheme, double seconds) {
    TagOptions options;
    options.trainer.threads = 2;
    options.trainer.max_seconds = seconds;
    decide(options, {tokens, scheme});
    return options;
  };
  EXPECT_EQ(decided(50000, data::TagScheme::none, 0).model.crf, "no");
  EXPECT_EQ(decided(50000, data::TagScheme::iob2, 0).model.crf, "yes");
  TagOptions forced;
  forced.model.crf = "no";
  decide(forced, {50000, data::TagScheme::iob2});
  EXPECT_EQ(forced.model.crf, "no");
  EXPECT_GT(decided(200000, data::TagScheme::none, 0).model.stack.hidden_size.front(),
            decided(200000, data::TagScheme::none, 20).model.stack.hidden_size.front());
  EXPECT_EQ(decided(1000, data::TagScheme::none, 900).trainer.epochs, 40);
  EXPECT_EQ(decided(10000000, data::TagScheme::none, 900).trainer.epochs, 10);
}

}  // namespace tag_options_test
}  // namespace carousel::tasks
