// The laboratory: its problems are what they say, every option counts, and threads change nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "carousel/base/error.h"
#include "carousel/base/threads.h"
#include "carousel/tasks/lab/capacity.h"
#include "carousel/tasks/lab/gradients.h"
#include "carousel/tasks/lab/memory.h"
#include "carousel/tasks/lab/timing.h"
#include "carousel/tasks/lab/trial.h"
#include "tests/support/temp_dir.h"

namespace carousel::tasks::lab {
namespace {

using carousel::testing::error_of;

TEST(AddingProblem, AsksForTheSumOfTheMarkedValues) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = adding_problem(11).draw(rng, 50);
  for (int64_t i = 0; i < 50; ++i) {
    const float* frame = batch.frames.data<float>() + i * 22;
    float sum = 0;
    int first = 0, second = 0;
    for (int64_t t = 0; t < 11; ++t) {
      if (frame[2 * t + 1] == 0) continue;
      sum += frame[2 * t];
      ++(t < 5 ? first : second);
    }
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 1);
    EXPECT_FLOAT_EQ(batch.values.data<float>()[i], sum);
  }
}

TEST(AddingProblem, GuessingTheMeanGivesOneSixth) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = adding_problem(4).draw(rng, 20000);
  double sum = 0;
  for (const float value : batch.values.span<float>()) sum += std::pow(static_cast<double>(value) - 1, 2) / 20000;
  EXPECT_NEAR(sum, adding_problem(4).guessing, 0.005);
}

TEST(CopyProblem, AsksForTheSymbolsAfterTheDistance) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = copy_problem({5}, 3).draw(rng, 4);
  ASSERT_EQ(batch.lengths, (std::vector<int64_t>{8, 8, 8, 8}));
  for (size_t i = 0; i < 4; ++i) {
    for (size_t t = 0; t < 8; ++t) {
      const int32_t wanted = batch.classes[i * 8 + t];
      EXPECT_EQ(wanted, t < 5 ? -1 : batch.ids[i * 8 + t - 5]);
    }
    EXPECT_EQ(batch.ids[i * 8 + 3], 8) << "blank";
    EXPECT_EQ(batch.ids[i * 8 + 5], 9) << "begin";
  }
}

TEST(RecallProblem, NamesOtherCountriesOnTheWay) {
  Rng rng(1, 0);
  const RecallExample example = recall_example(rng, 60);
  EXPECT_EQ(example.words.size(), 5u + 60u + 4u);
  EXPECT_EQ(example.words[2], "born");
  const std::map<std::string, std::string> some{{"japan", "japanese"}, {"france", "french"}, {"poland", "polish"}};
  const auto found = some.find(example.words[4]);
  if (found != some.end()) {
    EXPECT_EQ(example.language, found->second);
  }
  const nn::SequenceBatch batch = recall_problem({0, 7}).draw(rng, 200);
  std::map<int64_t, int> lengths;
  for (const int64_t length : batch.lengths) ++lengths[length];
  EXPECT_EQ(lengths.size(), 2u);
  EXPECT_EQ(batch.classes.size(), 200u);
}

TEST(CountProblem, WantsASpikeAtEachNthPulse) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = count_problem(3, 30).draw(rng, 5);
  for (size_t i = 0; i < 5; ++i) {
    int pulses = 0;
    for (size_t t = 0; t < 30; ++t) {
      const bool pulse = batch.frames.data<float>()[i * 30 + t] == 1;
      pulses += pulse;
      EXPECT_EQ(batch.classes[i * 30 + t], pulse && pulses % 3 == 0 ? 1 : 0);
    }
  }
}

TEST(RhythmProblem, WantsSpikesLongAfterTheOnlyPulse) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = rhythm_problem(4, 16).draw(rng, 1);
  int64_t start = 0;
  while (batch.frames.data<float>()[start] == 0) ++start;
  for (int64_t t = 0; t < 16; ++t) {
    EXPECT_EQ(batch.frames.data<float>()[t] == 1, t == start);
    EXPECT_EQ(batch.classes[static_cast<size_t>(t)], t > start && (t - start) % 4 == 0 ? 1 : 0);
  }
}

TEST(DelayProblem, AsksEachHeadForItsDelay) {
  Rng rng(1, 0);
  const nn::SequenceBatch batch = delay_problem({0, 2}, 5).draw(rng, 1);
  for (size_t t = 0; t < 5; ++t) {
    EXPECT_EQ(batch.classes[2 * t], batch.ids[t]);
    EXPECT_EQ(batch.classes[2 * t + 1], t < 2 ? -1 : batch.ids[t - 2]);
  }
}

TEST(LabErrors, NameTheRuleAndTheRemedy) {
  EXPECT_EQ(error_of<ConfigError>([] { adding_problem(1); }),
            "[lab] the length of the adding problem must be at least 2; got 1. Raise it.");
  EXPECT_EQ(error_of<ConfigError>([] { copy_problem({4}); }),
            "[lab] a distance of the copy problem must be at least 5; got 4. Raise it.");
  EXPECT_EQ(error_of<ConfigError>([] { copy_problem({}); }),
            "[lab] the copy problem needs a distance; got none. Name one, for example 50.");
  EXPECT_EQ(error_of<ConfigError>([] { recall_problem({-1}); }),
            "[lab] a distance of the recall problem must be at least 0; got -1. Raise it.");
  EXPECT_EQ(error_of<ConfigError>([] { read_contestants("rnn,,lstm"); }),
            "[lab] cells must be names joined by commas; got \"rnn,,lstm\". Write for example rnn,lstm.");
  MemoryOptions memory;
  memory.problems = "ading";
  EXPECT_EQ(error_of<ConfigError>([&] { memory_experiment(memory, {}); }),
            "[lab] a problem must be adding, copy or recall; got \"ading\". Did you mean \"adding\"?");
  TimingOptions timing;
  timing.problems = "rythm";
  EXPECT_EQ(error_of<ConfigError>([&] { timing_experiment(timing, {}); }),
            "[lab] a timing problem must be count or rhythm; got \"rythm\". Did you mean \"rhythm\"?");
  timing = {};
  timing.cells = "lstm+attention";
  EXPECT_EQ(error_of<ConfigError>([&] { timing_experiment(timing, {}); }),
            "[lab] timing wants an answer at each step, and attention pools them all; got lstm+attention. Leave "
            "+attention out.");
  CapacityOptions capacity;
  capacity.cells = "lstm+attention";
  EXPECT_EQ(error_of<ConfigError>([&] { capacity_experiment(capacity, {}); }),
            "[lab] capacity is that of a state, and attention keeps every step; got lstm+attention. Leave +attention "
            "out.");
  EXPECT_EQ(error_of<ConfigError>([] { gradient_experiment({}, "short", {}); }),
            "[lab] a text to look at has at least 20 characters; got 5. Give a longer one, or a file.");
  EXPECT_EQ(error_of<ConfigError>([] { gradient_experiment({}, "\xff", {}); }),
            "[lab] the text must be UTF-8; got other bytes. Convert it, for example with iconv.");
}

/// All measured values but times and memory.
std::string values_of(const Report& report) {
  std::string all;
  for (const Table& table : report.tables) {
    for (const auto& row : table.rows) {
      for (size_t c = 0; c < row.size(); ++c) {
        if (table.columns[c] == "seconds" || table.columns[c] == "memory_bytes") continue;
        all += std::visit([](const auto& value) { return fmt::format("{} ", value); }, row[c]);
      }
      all += "\n";
    }
  }
  return all;
}

const char* const kText = "the quick brown fox jumps over the lazy dog and runs away from the slow cat again.";

template <class Options>
struct Experiment {
  std::map<std::string, std::string> small;                 ///< option -> value that makes it quick
  std::map<std::string, std::vector<std::string>> changes;  ///< option -> others
  std::function<Report(const Options&)> run;

  std::string with(const std::string& option, const std::string& value) const {
    Options options;
    OptionTable table;
    options.options(table);
    for (const auto& [name, text] : small) table.set(name, text, "test");
    if (!option.empty()) table.set(option, value, "test");
    return values_of(run(options));
  }
  void every_option_counts() const {
    const std::string plain = with("", "");
    EXPECT_FALSE(plain.empty());
    EXPECT_EQ(with("", ""), plain) << "the same options give the same values";
    Options options;
    OptionTable table;
    options.options(table);
    for (const Option& row : table.rows()) {
      ASSERT_TRUE(changes.contains(row.name)) << row.name << " has no test";
      for (const std::string& value : changes.at(row.name)) EXPECT_NE(with(row.name, value), plain) << row.name;
    }
  }
};

TEST(MemoryExperiment, EveryOptionChangesTheResult) {
  Experiment<MemoryOptions> e;
  e.small = {{"cells", "rnn,lstm+attention"},
             {"lengths", "4"},
             {"distances", "5,6"},
             {"hidden_size", "4"},
             {"steps", "3"},
             {"batch_size", "4"}};
  e.changes = {{"problems", {"adding", "copy", "recall"}},
               {"cells", {"lstm"}},
               {"lengths", {"5"}},
               {"distances", {"7"}},
               {"hidden_size", {"5"}},
               {"steps", {"4"}},
               {"batch_size", {"5"}},
               {"learning_rate", {"0.1"}},
               {"seed", {"2"}}};
  e.run = [](const MemoryOptions& o) { return memory_experiment(o, {}); };
  e.every_option_counts();
}

TEST(GradientExperiment, EveryOptionChangesTheResult) {
  Experiment<GradientOptions> e;
  e.small = {{"cells", "lstm"}, {"hidden_size", "4"}, {"distance", "12"}, {"steps", "3"}, {"batch_size", "4"}};
  e.changes = {{"cells", {"gru", "rnn"}}, {"hidden_size", {"5"}},     {"distance", {"14"}}, {"steps", {"0", "4"}},
               {"batch_size", {"5"}},     {"learning_rate", {"0.1"}}, {"seed", {"2"}}};
  e.run = [](const GradientOptions& o) { return gradient_experiment(o, kText, {}); };
  e.every_option_counts();
}

TEST(TimingExperiment, EveryOptionChangesTheResult) {
  Experiment<TimingOptions> e;
  e.small = {{"problems", "count"}, {"cells", "lstm"},   {"periods", "4"}, {"hidden_size", "6"},
             {"steps", "400"},      {"batch_size", "8"}, {"seeds", "1"},   {"learning_rate", "0.03"}};
  e.changes = {
      {"problems", {"rhythm"}}, {"cells", {"peephole_lstm"}}, {"periods", {"3"}},          {"hidden_size", {"5"}},
      {"steps", {"270"}},       {"batch_size", {"6"}},        {"learning_rate", {"0.05"}}, {"seeds", {"2"}},
      {"seed", {"2"}}};
  e.run = [](const TimingOptions& o) { return timing_experiment(o, {}); };
  e.every_option_counts();
}

TEST(CapacityExperiment, EveryOptionChangesTheResult) {
  Experiment<CapacityOptions> e;
  e.small = {{"cells", "rnn"},    {"hidden_size", "4"}, {"delays", "1,2"},
             {"tokens", "20,40"}, {"steps", "5"},       {"batch_size", "4"}};
  e.changes = {{"cells", {"gru"}}, {"hidden_size", {"5"}}, {"delays", {"1,3"}},        {"tokens", {"20,50"}},
               {"steps", {"6"}},   {"batch_size", {"5"}},  {"learning_rate", {"0.1"}}, {"seed", {"2"}}};
  e.run = [](const CapacityOptions& o) { return capacity_experiment(o, {}); };
  e.every_option_counts();
}

TEST(CapacityExperiment, TheStateDoesNotGrowWithTheStream) {
  CapacityOptions o;
  o.cells = "lstm";
  o.hidden_size = 8;
  o.delays = {1};
  o.tokens = {20, 500};
  o.steps = 1;
  const Report report = capacity_experiment(o, {});
  const auto& rows = report.tables[0].rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(std::get<int64_t>(rows[0][2]), 2 * 8 * 4) << "h and c of 8 floats";
  EXPECT_EQ(rows[0][2], rows[1][2]);
  EXPECT_EQ(rows[0][3], rows[1][3]) << "memory in use";
}

TEST(Experiments, DoNotDependOnTheNumberOfThreads) {
  MemoryOptions o;
  o.problems = "adding,recall";
  o.cells = "lstm";
  o.lengths = {6, 8};
  o.distances = {5};
  o.hidden_size = 32;
  o.steps = 3;
  set_threads(1);
  const std::string one = values_of(memory_experiment(o, {}));
  set_threads(2);
  EXPECT_EQ(values_of(memory_experiment(o, {})), one);
  set_threads(0);
}

TEST(Experiments, StopWhenAsked) {
  const Observer observer{nullptr, [] { return true; }};
  EXPECT_TRUE(memory_experiment({}, observer).interrupted);
  EXPECT_TRUE(memory_experiment({}, observer).tables.empty());
  EXPECT_TRUE(timing_experiment({}, observer).interrupted);
  EXPECT_TRUE(capacity_experiment({}, observer).interrupted);
  EXPECT_TRUE(gradient_experiment({}, kText, observer).interrupted);
}

TEST(Experiments, PassOnWhatFails) {
  EXPECT_THROW(each_at_once(3,
                            [](int64_t i) {
                              if (i == 1) throw ConfigError("no");
                            }),
               ConfigError);
}

TEST(GradientExperiment, AShortTextShortensTheDistance) {
  GradientOptions o;
  o.cells = "rnn";
  o.hidden_size = 4;
  o.steps = 0;
  const Report report = gradient_experiment(o, "abcdefghijklmnopqrstuvwxyz", {});
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_EQ(report.notes[0], "the text has 26 characters, so the distance is 24");
}

TEST(TimingExperiment, ALstmLearnsAShortRhythm) {
  TimingOptions o;
  o.problems = "rhythm";
  o.cells = "lstm";
  o.periods = {3};
  o.seeds = 1;
  o.steps = 600;
  const Report report = timing_experiment(o, {});
  EXPECT_GE(std::get<double>(report.tables[0].rows[0][3]), 0.99);
}

}  // namespace
}  // namespace carousel::tasks::lab
