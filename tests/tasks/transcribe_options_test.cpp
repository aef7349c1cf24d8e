// Options of the task `transduce` that act on sequences of frames.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "carousel/base/error.h"
#include "carousel/tasks/transduce_config.h"
#include "tests/support/sound.h"
#include "tests/tasks/frame_options.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace transcribe_options_test {

Settings small(const Settings& more = {}) {
  Settings s = {{"hidden_size", "8"}, {"num_layers", "1"}, {"embedding_size", "6"},      {"batch_size", "4"},
                {"max_steps", "4"},   {"dropout", "0.1"},  {"feature_mask_share", "0.5"}};
  for (const auto& pair : more) s.push_back(pair);
  return s;
}

/// A folder of tones with texts, by two speakers.
std::string tones(const testing::TempDir& dir) {
  std::filesystem::create_directories(dir.file("r"));
  for (int i = 0; i < 12; ++i) {
    const std::string name = fmt::format("r/{}_{}", i % 3 == 0 ? "ann" : "bob", i);
    dir.write(name + ".wav", testing::wav(8000, 1200 + 100 * i, 16, 300 + 300 * (i % 2) + 10 * i));
    dir.write(name + ".txt", i == 5 ? "one tone e\xCC\x81" : i % 2 == 0 ? "one low tone" : "two high tones here");
  }
  return dir.file("r");
}

std::string outcome(const std::string& folder, const Settings& settings) {
  ToyRun run(folder, settings);
  run.train();
  std::string text = run.weights();
  for (const auto& [key, value] : run.job.model->metadata()) text += key + value;
  PredictOptions options;
  options.nbest = 3;
  for (const Prediction& p : run.job.model->predict({folder + "/ann_0.wav", folder + "/bob_1.wav"}, options))
    for (const Hypothesis& h : p.hypotheses) text += h.text + std::to_string(h.log_probability);
  return text;
}

TEST(TranscribeOptions, EachChangesTheOutcome) {
  const Settings attention = {{"decoder", "attention"}};
  const auto with = [&](const Settings& more) {
    Settings all = attention;
    for (const auto& pair : more) all.push_back(pair);
    return all;
  };
  const std::map<std::string, std::pair<Settings, Settings>> changes = {
      {"decoder", {{}, attention}},
      {"group_part", {{{"dev_share", "0.5"}}, {{"dev_share", "0.5"}, {"group_part", "1"}}}},
      {"features", {{}, {{"features", "mfcc"}}}},
      {"sample_rate", {{}, {{"sample_rate", "6000"}}}},
      {"frame_length", {{}, {{"frame_length", "30"}}}},
      {"frame_step", {{}, {{"frame_step", "12"}}}},
      {"num_mels", {{}, {{"num_mels", "24"}}}},
      {"num_cepstra", {{{"features", "mfcc"}}, {{"features", "mfcc"}, {"num_cepstra", "9"}}}},
      {"deltas", {{}, {{"deltas", "0"}}}},
      {"scaling", {{}, {{"scaling", "training"}}}},
      {"stack_frames", {{{"target_tokens", "words"}}, {{"target_tokens", "words"}, {"stack_frames", "2"}}}},
      {"frame_noise", {{}, {{"frame_noise", "0.5"}}}},
      {"time_masks", {{}, {{"time_masks", "3"}}}},
      {"time_mask_share", {{}, {{"time_mask_share", "0.9"}}}},
      {"feature_masks", {{}, {{"feature_masks", "3"}}}},
      {"feature_mask_share", {{}, {{"feature_mask_share", "0.9"}}}},
      {"time_stretch", {{}, {{"time_stretch", "0.4"}}}},
      {"target_tokens", {{{"target_tokens", "characters"}}, {{"target_tokens", "words"}}}},
      {"bpe_merges",
       {{{"target_tokens", "bpe"}, {"bpe_merges", "9"}}, {{"target_tokens", "bpe"}, {"bpe_merges", "3"}}}},
      {"normalize",
       {{{"target_tokens", "characters"}, {"dev_share", "0.1"}},
        {{"target_tokens", "characters"}, {"dev_share", "0.1"}, {"normalize", "nfc"}}}},
      {"min_count", {{}, {{"min_count", "100"}}}},
      {"dev_share", {{}, {{"dev_share", "0.5"}}}},
      {"max_length", {{{"target_tokens", "words"}}, {{"target_tokens", "words"}, {"max_length", "3"}}}},
      {"beam_size", {{}, {{"beam_size", "9"}}}},
      {"attention", {attention, with({{"attention", "mlp"}})}},
      {"context", {attention, with({{"context", "input"}})}},
      {"query", {attention, with({{"query", "current"}})}},
      {"readout_size", {attention, with({{"readout_size", "7"}})}},
      {"label_smoothing", {attention, with({{"label_smoothing", "0.4"}})}},
      {"guided_attention", {attention, with({{"guided_attention", "4"}})}},
      {"batch_symbols", {{}, {{"batch_symbols", "30"}}}},
      {"max_output", {with({{"max_length_factor", "9"}}), with({{"max_length_factor", "9"}, {"max_output", "1"}})}},
      {"max_length_extra",
       {with({{"max_length_factor", "0"}, {"max_length_extra", "4"}}),
        with({{"max_length_factor", "0"}, {"max_length_extra", "2"}})}},
  };
  const testing::TempDir dir;
  const std::string folder = tones(dir);
  ASSERT_EQ(outcome(folder, small()), outcome(folder, small()));
  for (const auto& [name, change] : changes) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(outcome(folder, small(change.first)) != outcome(folder, small(change.second))) << "changes nothing";
  }
  auto task = make_task("transduce");
  OptionTable table;
  task->options(table);
  for (const Option& row : table.rows())
    EXPECT_TRUE(!is_of_frames(row.name) || changes.contains(row.name)) << "no test for the option " << row.name;
}

TransduceConfig decided(int64_t examples, double symbols, double seconds = 0) {
  TransduceConfig config;
  config.trainer.threads = 1;
  config.trainer.max_seconds = seconds;
  TextFramesSize size;
  size.frames.examples = examples;
  size.frames.mean_length = 100;
  size.mean_target_length = symbols / static_cast<double>(examples);
  size.target_vocab = 40;
  decide_frames(config, size);
  return config;
}

TEST(TranscribeOptions, AreDecidedAsTheGuideSays) {
  const std::string guide = testing::content_of(CAROUSEL_SOURCE_DIR "/docs/guide/transcribe.md");
  const auto row = [](const TransduceConfig& c) {
    return fmt::format("| {}, {}, {} |", c.model.stack.num_layers, c.model.stack.hidden_size.front(),
                       c.model.embedding_size);
  };
  for (const auto& [symbols, name] : {std::pair(100000, "100000 or more"), {20000, "20000 or more"}, {10, "fewer"}})
    EXPECT_TRUE(guide.find(fmt::format("| {} {}", name, row(decided(1000, symbols)))) != std::string::npos) << name;
  EXPECT_NE(row(decided(5000, 200000, 60)), row(decided(5000, 200000))) << "a minute is not enough for the largest";
  EXPECT_EQ(decided(1999, 10).batch_size, 8);
  EXPECT_EQ(decided(2000, 10).batch_size, 16);
  EXPECT_EQ(decided(20000, 10).batch_size, 32);
  EXPECT_EQ(decided(1000, 10).trainer.epochs, 60);
  EXPECT_EQ(decided(100, 10).trainer.epochs, 100);
  EXPECT_EQ(decided(100000, 10).trainer.epochs, 8);
  EXPECT_EQ(decided(1000, 10, 60).trainer.epochs, 0) << "the clock bounds it";
}

TEST(TranscribeOptions, FramesArePutTogetherWhereTextsKeepTheirRoom) {
  FrameSize sound, series;
  sound.recordings = true;
  const auto stack = [](const FrameSize& size, double symbols, double room, double frame_step = 10) {
    TransduceConfig config;
    config.frames.format.audio.frame_step = frame_step;
    decide_reading(config, size, symbols, [&](int64_t n) { return static_cast<double>(n) <= room ? 1.0 : 0.9; });
    return config.frames.stack_frames;
  };
  EXPECT_EQ(stack(sound, 10, 100), 3) << "30 ms";
  EXPECT_EQ(stack(sound, 10, 100, 15), 2);
  EXPECT_EQ(stack(sound, 10, 2), 2);
  EXPECT_EQ(stack(sound, 10, 1), 1);
  series.mean_length = 200;
  EXPECT_EQ(stack(series, 2.7, 100), 4) << "at most";
  EXPECT_EQ(stack(series, 10, 100), 3) << "8 steps for a symbol: 20 / 8";
  EXPECT_EQ(stack(series, 40, 100), 1);
  series.mean_length = 2000;
  EXPECT_EQ(stack(series, 400, 100), 8) << "250 steps";
}

TEST(TranscribeOptions, DotScoresAreRefusedWhereTheDecoderHasThem) {
  const testing::TempDir dir;
  const std::string folder = tones(dir);
  EXPECT_THROW(ToyRun(folder, {{"decoder", "attention"}, {"attention", "dot"}}), ConfigError);
  EXPECT_NO_THROW(ToyRun(folder, small({{"attention", "dot"}}))) << "ctc asks nothing of attention";
}

}  // namespace transcribe_options_test
}  // namespace carousel::tasks
