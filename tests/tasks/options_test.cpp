// Every option of the task changes what comes out.
#include <gtest/gtest.h>

#include <map>

#include "carousel/base/error.h"
#include "tests/tasks/frame_options.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace options_test {

/// Everything that a run leaves behind: weights, tokenizers and answers.
std::string outcome(const std::string& file, Settings settings) {
  ToyRun run(file, settings);
  run.train();
  std::string text = run.weights();
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  PredictOptions options;
  options.nbest = 3;
  for (const Prediction& p : run.job.model->predict({"abcdef", "fedcba"}, options))
    for (const Hypothesis& h : p.hypotheses) text += h.text + std::to_string(h.log_probability);
  return text;
}

/// Another value of each option, and what must be set beside it to matter.
const std::map<std::string, Settings>& changes() {
  static const std::map<std::string, Settings> table = {
      {"columns", {{"columns", "target,source"}}},
      {"header", {{"columns", "source,target"}, {"header", "yes"}}},
      {"shared_tokens", {{"source_tokens", "bpe"}, {"target_tokens", "bpe"}, {"shared_tokens", "on"}}},
      {"readout_size", {{"readout_size", "8"}}},
      {"tie_weights", {{"readout_size", "8"}, {"tie_weights", "off"}}},
      {"copy", {{"target_tokens", "characters"}, {"copy", "on"}}},
      {"coverage_penalty", {{"max_steps", "60"}, {"learning_rate", "0.02"}, {"coverage_penalty", "9"}}},
      {"replace_unknown", {{"min_count", "100"}, {"replace_unknown", "on"}}},
      {"source_tokens", {{"source_tokens", "words"}}},
      {"target_tokens", {{"target_tokens", "characters"}}},
      {"normalize", {{"normalize", "nfd"}}},
      {"source_case", {{"source_case", "keep"}}},
      {"subword_sampling", {{"source_tokens", "unigram"}, {"subword_sampling", "0.2"}}},
      {"bpe_merges", {{"source_tokens", "bpe"}, {"bpe_merges", "3"}}},
      {"min_count", {{"min_count", "100"}}},
      {"dev_share", {{"dev_share", "0.4"}}},
      {"group", {{"group", "stem"}}},
      {"max_length", {{"max_length", "5"}}},
      {"cell", {{"cell", "gru"}}},
      {"reset", {{"cell", "gru"}, {"reset", "after"}}},
      {"update", {{"cell", "gru"}, {"update", "keep"}}},
      {"biases", {{"biases", "2"}}},
      {"activation", {{"cell", "rnn"}, {"activation", "relu"}}},
      {"projection_size", {{"cell", "projected_lstm"}, {"projection_size", "5"}}},
      {"embedding_size", {{"embedding_size", "9"}}},
      {"hidden_size", {{"hidden_size", "17"}}},
      {"num_layers", {{"num_layers", "2"}}},
      {"bidirectional", {{"bidirectional", "false"}}},
      {"residual", {{"residual", "true"}}},
      {"layer_norm", {{"layer_norm", "true"}}},
      {"variational_dropout", {{"num_layers", "2"}, {"variational_dropout", "true"}}},
      {"recurrent_dropout", {{"recurrent_dropout", "0.5"}}},
      {"zoneout", {{"zoneout", "0.5"}}},
      {"attention", {{"attention", "mlp"}}},
      {"attention_size", {{"attention_size", "5"}}},
      {"context", {{"context", "input"}}},
      {"query", {{"query", "current"}}},
      {"dropout", {{"dropout", "0.5"}}},
      {"label_smoothing", {{"label_smoothing", "0.3"}}},
      {"guided_attention", {{"guided_attention", "5"}}},
      {"guided_by", {{"guided_by", "alignment"}}},
      {"guided_until", {{"guided_until", "0.9"}}},
      {"guided_width", {{"guided_width", "0.1"}}},
      {"seed", {{"seed", "2"}}},
      {"max_steps", {{"max_steps", "5"}}},
      {"epochs", {{"max_steps", "0"}, {"epochs", "1"}}},
      {"precision", {{"precision", "bf16"}}},
      {"optimizer", {{"optimizer", "sgd"}}},
      {"learning_rate", {{"learning_rate", "0.01"}}},
      {"weight_decay", {{"weight_decay", "0.5"}}},
      {"momentum", {{"optimizer", "sgd"}, {"momentum", "0.5"}}},
      {"beta1", {{"beta1", "0.5"}}},
      {"beta2", {{"beta2", "0.5"}}},
      {"epsilon", {{"epsilon", "0.1"}}},
      {"warmup", {{"warmup", "0.5"}}},
      {"decay_start", {{"decay_start", "0"}}},
      {"final_learning_rate", {{"final_learning_rate", "1"}}},
      {"clip_norm", {{"clip_norm", "0.01"}}},
      {"ema", {{"ema", "0.9"}}},
      {"average_from", {{"average_from", "0.5"}}},
      {"batch_size", {{"batch_size", "8"}}},
      {"batch_symbols", {{"batch_symbols", "20"}}},
      {"beam_size", {{"beam_size", "1"}}},
      {"length_penalty", {{"max_steps", "60"}, {"learning_rate", "0.02"}, {"length_penalty", "4"}}},
      {"max_length_factor", {{"max_length_factor", "0"}, {"max_length_extra", "2"}}},
      {"max_length_extra", {{"max_length_factor", "0"}, {"max_length_extra", "1"}}},
      {"max_output", {{"max_output", "1"}}},
      {"min_length", {{"max_steps", "60"}, {"learning_rate", "0.02"}, {"min_length", "12"}}},
      {"no_repeat_ngram", {{"max_length_factor", "0"}, {"max_length_extra", "6"}, {"no_repeat_ngram", "1"}}}};
  return table;
}

/// What an option is compared with when its change needs company.
Settings company(const std::string& name) {
  if (name == "tie_weights") return {{"readout_size", "8"}};
  if (name == "header") return {{"columns", "source,target"}};
  if (name == "shared_tokens") return {{"source_tokens", "bpe"}, {"target_tokens", "bpe"}};
  if (name == "copy") return {{"target_tokens", "characters"}};
  if (name == "replace_unknown") return {{"min_count", "100"}};
  if (name == "subword_sampling") return {{"source_tokens", "unigram"}};
  if (name == "bpe_merges") return {{"source_tokens", "bpe"}};
  if (name == "reset" || name == "update") return {{"cell", "gru"}};
  if (name == "activation") return {{"cell", "rnn"}};
  if (name == "projection_size") return {{"cell", "projected_lstm"}};
  if (name == "variational_dropout") return {{"num_layers", "2"}};
  if (name == "momentum") return {{"optimizer", "sgd"}};
  // A length penalty reorders hypotheses of unequal lengths that ended: the model must have learnt to end.
  if (name == "length_penalty" || name == "min_length" || name == "coverage_penalty")
    return {{"max_steps", "60"}, {"learning_rate", "0.02"}};
  if (name == "max_length_extra") return {{"max_length_factor", "0"}, {"max_length_extra", "2"}};
  if (name == "no_repeat_ngram") return {{"max_length_factor", "0"}, {"max_length_extra", "6"}};
  return {};
}

/// Options that must not change the numbers; each has its own test where it acts.
bool acts_elsewhere(const std::string& name) {
  return name == "threads"                      // same results, other speed
         || name == "max_seconds"               // depends on the clock; tests/train
         || name == "patience"                  // tests/train
         || name == "eval_every_epochs"         // tests/train
         || name == "checkpoint_every_seconds"  // tests/engine
         || name == "replay"                    // tests/engine
         || name == "max_line_bytes";           // tests/data
}

TEST(TransduceOptions, EveryOptionChangesTheOutcome) {
  const testing::TempDir dir;
  // Some words are beginnings of others, so that word families exist.
  std::string families;
  for (const char* word : {"abcde", "fedcb", "beadf", "cafed"})
    for (const char* end : {"", "a", "b", "ab"})
      families += std::string(word) + end + "\tA B" + (*end ? " E" : "") + "\n";
  const std::string file = dir.write("words.tsv", spelling_lines(30, 3) + families);
  auto task = make_task("transduce");
  OptionTable table;
  task->options(table);
  std::map<Settings, std::string> before;
  for (const Option& row : table.rows()) {
    if (acts_elsewhere(row.name) || is_of_frames(row.name)) continue;
    const auto change = changes().find(row.name);
    ASSERT_NE(change, changes().end()) << "no test for the option " << row.name;
    Settings base = small_settings(), changed = base;
    for (const auto& s : company(row.name)) base.push_back(s);
    for (const auto& s : change->second) changed.push_back(s);
    if (!before.contains(base)) before[base] = outcome(file, base);
    EXPECT_TRUE(outcome(file, changed) != before[base]) << row.name << " changes nothing";
  }
}

TEST(TransduceOptions, TheSameOptionsGiveTheSameBytes) {
  const testing::TempDir dir;
  const std::string file = dir.write("words.tsv", spelling_lines(40, 3));
  EXPECT_TRUE(outcome(file, small_settings()) == outcome(file, small_settings()));
}

TEST(TransduceOptions, NoneIsNotTheSameAsChosen) {
  // In the config structs 0 stands for "chosen from the data": who asks for 0 shall hear that it is none.
  const testing::TempDir dir;
  const std::string file = dir.write("words.tsv", spelling_lines(40, 3));
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              ToyRun(file, {{"dev_share", "0"}});
            }),
            "[test] dev_share must be a number from 1e-06 to 0.9, or auto; got \"0\". It means: Share of the examples "
            "that is cut off for evaluation when there is no dev file; auto takes 5 % to 10 %, at most 4,000.");
  EXPECT_EQ(testing::error_of<ConfigError>([&] {
              ToyRun(file, {{"bpe_merges", "0"}});
            }),
            "[test] bpe_merges must be an integer from 1 to 1000000, or auto; got \"0\". It means: Subwords to learn, "
            "byte-pair merges or symbols of unigram; auto takes one per 50 words, 200 to 16,000.");
}

TEST(TransduceOptions, DotScoresAreRefusedForBothDirectionsWithTheRemedy) {
  const testing::TempDir dir;
  const std::string file = dir.write("words.tsv", spelling_lines(40, 3));
  for (const char* score : {"dot", "scaled_dot"}) {
    Settings settings = small_settings();
    settings.emplace_back("attention", score);
    EXPECT_EQ(testing::error_of<ConfigError>([&] { ToyRun(dir.file("not_read_before"), settings); }),
              std::string("[seq2seq] attention = ") + score +
                  " compares the decoder's state with encoder states of both directions, which are twice as wide; got "
                  "unequal widths. Use attention = general, mlp or additive, which project, or bidirectional = false.");
    settings.emplace_back("bidirectional", "false");
    EXPECT_FALSE(outcome(file, settings).empty());
  }
}

TEST(TransduceOptions, TheEncoderTakesAWidthForEachLayer) {
  const testing::TempDir dir;
  const std::string file = dir.write("words.tsv", spelling_lines(40, 3));
  Settings settings = small_settings();
  settings.emplace_back("hidden_size", "12,10,6");
  ToyRun run(file, settings);
  const auto rows = run.job.model->describe();
  const auto said = [&](const std::string& name) {
    for (const auto& row : rows)
      if (row.first == name) return row.second;
    return std::string();
  };
  EXPECT_EQ(said("encoder"), "3 lstm layers of 12, 10, 6 units in each direction");
  EXPECT_EQ(said("decoder").rfind("lstm of 6 units", 0), 0u) << said("decoder");
  EXPECT_EQ(said("parameters of layer 1"), "4 * 10 * (24 + 10) + 40 biases = 1400 in each direction");
  settings.emplace_back("num_layers", "2");
  EXPECT_EQ(
      testing::error_of<ConfigError>([&] { ToyRun(dir.file("not_read_before"), settings); }),
      "[stack] hidden_size must be one width, or one for each layer; got 3 widths (12, 10, 6) for num_layers = 2. "
      "Leave num_layers out, or write 2 widths.");
}

}  // namespace options_test
}  // namespace carousel::tasks
