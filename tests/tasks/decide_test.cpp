// What is decided from the data and the time, and that the guide says the same.
#include <gtest/gtest.h>

#include <regex>

#include "carousel/tasks/transduce_config.h"
#include "carousel/tasks/transduce_objective.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks {
namespace decide_test {

TransduceConfig decided(int64_t examples, double seconds, double length = 8) {
  TransduceConfig config;
  config.trainer.threads = 2;
  config.trainer.max_seconds = seconds;
  decide(config, {examples, length, length, 40});
  return config;
}

TEST(Decide, FollowsTheTableOfTheGuide) {
  const std::string guide = testing::content_of(CAROUSEL_SOURCE_DIR "/docs/guide/transduce.md");
  const std::regex row(R"(\| (\d+ or more|fewer) \| (\d+), (\d+), (\d+) \| (\d+) \|)");
  int rows = 0;
  for (std::sregex_iterator it(guide.begin(), guide.end(), row), end; it != end; ++it, ++rows) {
    const std::string first = (*it)[1];
    const TransduceConfig config = decided((first == "fewer" ? 14992 : std::stoll(first)) / 8, 0);  // 8 symbols each
    EXPECT_EQ(config.model.stack.num_layers, std::stoll((*it)[2])) << first;
    EXPECT_EQ(config.model.decoder_size(), std::stoll((*it)[3])) << first;
    EXPECT_EQ(config.model.embedding_size, std::stoll((*it)[4])) << first;
    EXPECT_EQ(config.batch_size, std::stoll((*it)[5])) << first;
  }
  EXPECT_EQ(rows, 3);
}

TEST(Decide, TakesASmallerModelWhenTimeIsShort) {
  EXPECT_EQ(decided(110000, 1800).model.stack.num_layers, 2);
  EXPECT_EQ(decided(110000, 900).model.stack.num_layers, 1);
  EXPECT_LT(decided(110000, 90).model.decoder_size(), 256);
  EXPECT_EQ(decided(3600, 240).model.decoder_size(), 192);
}

TEST(Decide, ManySymbolsGetAReadoutTiedToTheEmbedding) {
  TransduceConfig few, many;
  decide(few, {40000, 10, 10, 999});
  decide(many, {40000, 10, 10, 1000});
  EXPECT_EQ(few.model.embedding_size, 128);
  EXPECT_EQ(few.model.readout_size, 0);
  EXPECT_EQ(few.model.tie_weights, "off");
  EXPECT_EQ(many.model.embedding_size, 256);
  EXPECT_EQ(many.model.readout_size, 256);
  EXPECT_EQ(many.model.tie_weights, "on");
  TransduceConfig tied;
  tied.model.tie_weights = "on";
  decide(tied, {40000, 10, 10, 40});
  EXPECT_EQ(tied.model.readout_size, tied.model.embedding_size);
}

TEST(Decide, AnswersMayBeAsLongAsTheLongestTargets) {
  TransduceConfig usual, longer, said;
  decide(usual, {.examples = 100, .mean_source_length = 5, .mean_target_length = 5, .length_factor = 0.5});
  decide(longer, {.examples = 100, .mean_source_length = 5, .mean_target_length = 5, .length_factor = 3.21});
  said.search.max_length_factor = 1;
  decide(said, {.examples = 100, .mean_source_length = 5, .mean_target_length = 5, .length_factor = 3.21});
  EXPECT_EQ(usual.search.max_length_factor, 2);
  EXPECT_EQ(longer.search.max_length_factor, 3.3);
  EXPECT_EQ(said.search.max_length_factor, 1);
}

TEST(Decide, LongTextsNeitherFillTheMemoryNorTheAnswers) {
  TransduceConfig free, said;
  decide(free, {.examples = 100, .mean_source_length = 200, .mean_target_length = 30, .longest_target = 70});
  said.search.max_output = 9;
  said.batch_symbols = 7;
  decide(said, {.examples = 100, .mean_source_length = 200, .mean_target_length = 30, .longest_target = 70});
  TransduceConfig short_ones, factor;
  decide(short_ones, {.examples = 100, .mean_source_length = 20, .mean_target_length = 30, .longest_target = 0});
  factor.search.max_length_factor = 3;
  decide(factor, {.examples = 100, .mean_source_length = 200, .mean_target_length = 30, .longest_target = 70});
  EXPECT_EQ(short_ones.search.max_length(500), 1020) << "no bound where targets are as long as sources";
  EXPECT_EQ(factor.search.max_length(500), 1520) << "nor beside a factor that was asked for";
  EXPECT_EQ(free.batch_symbols, 8192);
  EXPECT_EQ(free.search.max_output, 160) << "twice the longest and max_length_extra";
  EXPECT_EQ(free.search.max_length(5), 30);
  EXPECT_EQ(free.search.max_length(500), 160);
  EXPECT_EQ(said.batch_symbols, 7);
  EXPECT_EQ(said.search.max_length(500), 9);
  said.search.min_length = 12;
  EXPECT_EQ(said.search.max_length(500), 13) << "the least length and its end marker fit";
}

TEST(Decide, LongDevQuestionsAreFewer) {
  EXPECT_EQ(questions_to_search(3000, 60000), 3000);
  EXPECT_EQ(questions_to_search(3000, 120000), 1500);
  EXPECT_EQ(questions_to_search(818, 1000000), 200);
  EXPECT_EQ(questions_to_search(100, 1000000), 100);
}

TEST(Decide, CopyingFollowsTheShareOfSymbolsThatTargetsTake) {
  TransduceConfig off, on, none;
  decide(off, {.examples = 100, .mean_source_length = 5, .mean_target_length = 5, .target_vocab = 40, .copied = 0.09});
  decide(on, {.examples = 100, .mean_source_length = 5, .mean_target_length = 5, .target_vocab = 40, .copied = 0.1});
  none.model.attention = "none";
  decide(none, {.examples = 100, .mean_source_length = 5, .mean_target_length = 5, .target_vocab = 40, .copied = 0.5});
  EXPECT_EQ(off.model.copy, "off");
  EXPECT_EQ(off.model.query, "previous");
  EXPECT_EQ(on.model.copy, "on");
  EXPECT_EQ(on.model.query, "current");
  EXPECT_EQ(on.model.guided_attention, 0);
  EXPECT_EQ(off.model.guided_attention, 1);
  EXPECT_EQ(none.model.copy, "off");
}

TEST(Decide, LeavesWhatTheUserSetAlone) {
  TransduceConfig config;
  config.model.stack.hidden_size = {77};
  config.model.stack.dropout = 0;
  config.model.guided_attention = 0;
  config.batch_size = 5;
  config.trainer.learning_rate = 0.5;
  config.trainer.epochs = 3;
  decide(config, {100, 5, 5, 40});
  EXPECT_EQ(config.model.decoder_size(), 77);
  EXPECT_EQ(config.model.attention_size, 77);
  EXPECT_EQ(config.model.stack.dropout, 0);
  EXPECT_EQ(config.model.guided_attention, 0);
  EXPECT_EQ(config.batch_size, 5);
  EXPECT_EQ(config.trainer.learning_rate, 0.5);
  EXPECT_EQ(config.trainer.epochs, 3);
}

TEST(Decide, EpochsFollowTheSizeOfTheDataUnlessAnythingBoundsTheRun) {
  EXPECT_EQ(decided(3600, 0).trainer.epochs, 100);
  EXPECT_EQ(decided(60000, 0).trainer.epochs, 20);
  EXPECT_EQ(decided(10000000, 0).trainer.epochs, 8);
  EXPECT_EQ(decided(3600, 60).trainer.epochs, 0);
}

}  // namespace decide_test
}  // namespace carousel::tasks
