// The laboratory: every option counts, threads change nothing, and what fails is a result or an error.
#include <fmt/format.h>
#include <fmt/ranges.h>
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
namespace lab_test {

using carousel::testing::error_of;

TEST(LabErrors, NameTheRuleAndTheRemedy) {
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

TEST(LabErrors, NameTheNearestCellAndConvention) {
  EXPECT_EQ(error_of<ConfigError>([] { read_contestants("rnn,lstmm"); }),
            fmt::format("[cell] there is no cell 'lstmm'; got known cells {}. Did you mean 'lstm'?",
                        fmt::join(nn::cell_names(), ", ")));
  EXPECT_EQ(error_of<ConfigError>([] { read_contestants("gru:rest=after"); }),
            "[cell] a convention is one of reset, update, biases, activation, projection_size; got \"rest\" in "
            "\"gru:rest=after\". Did you mean \"reset\"?");
  EXPECT_EQ(error_of<ConfigError>([] { read_contestants("gru:reset=afer+attention"); }),
            "[cell] reset must be one of before, after, or auto; got \"afer\". Did you mean \"after\"?");
  EXPECT_EQ(
      error_of<ConfigError>([] { read_contestants("lstm:reset=after"); }),
      "[cell] reset is a choice of gru, layer_norm_gru; got reset = after for lstm. Leave it out, or choose such a "
      "cell.");
}

TEST(Contestants, HaveConventionsAndAttention) {
  const auto read = read_contestants("gru:reset=after:update=keep+attention,gru");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].name, "gru:reset=after:update=keep+attention");
  EXPECT_EQ(read[0].cell.cell, "gru");
  EXPECT_EQ(read[0].cell.reset, "after");
  EXPECT_EQ(read[0].cell.update, "keep");
  EXPECT_TRUE(read[0].attention);
  EXPECT_EQ(read[1].cell.reset, "before") << "its own default";
  EXPECT_FALSE(read[1].attention);
}

/// All measured values but times and memory. The name of a cell is none: that another was asked for must show in the
/// numbers.
std::string values_of(const Report& report) {
  std::string all;
  for (const Table& table : report.tables) {
    for (const auto& row : table.rows) {
      for (size_t c = 0; c < row.size(); ++c) {
        const std::string& column = table.columns[c];
        if (column == "seconds" || column == "memory_bytes" || column == "cell") continue;
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
               {"cells", {"lstm,rnn+attention", "rnn,lstm:biases=0+attention"}},
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
  e.small = {{"cells", "gru"}, {"hidden_size", "4"}, {"distance", "12"}, {"steps", "3"}, {"batch_size", "4"}};
  e.changes = {{"cells", {"rnn", "gru:reset=after", "gru:update=keep"}},
               {"hidden_size", {"5"}},
               {"distance", {"14"}},
               {"steps", {"0", "4"}},
               {"batch_size", {"5"}},
               {"learning_rate", {"0.1"}},
               {"seed", {"2"}}};
  e.run = [](const GradientOptions& o) { return gradient_experiment(o, kText, {}); };
  e.every_option_counts();
}

TEST(TimingExperiment, EveryOptionChangesTheResult) {
  Experiment<TimingOptions> e;
  e.small = {{"problems", "count"}, {"cells", "lstm"},   {"periods", "4"}, {"hidden_size", "6"},
             {"steps", "400"},      {"batch_size", "8"}, {"seeds", "1"},   {"learning_rate", "0.03"}};
  e.changes = {{"problems", {"rhythm"}},
               {"cells", {"peephole_lstm", "lstm:biases=0"}},
               {"periods", {"3"}},
               {"hidden_size", {"5"}},
               {"steps", {"270"}},
               {"batch_size", {"6"}},
               {"learning_rate", {"0.05"}},
               {"seeds", {"2"}},
               {"seed", {"2"}}};
  e.run = [](const TimingOptions& o) { return timing_experiment(o, {}); };
  e.every_option_counts();
}

TEST(CapacityExperiment, EveryOptionChangesTheResult) {
  Experiment<CapacityOptions> e;
  e.small = {{"cells", "rnn"},    {"hidden_size", "4"}, {"delays", "1,2"},
             {"tokens", "20,40"}, {"steps", "5"},       {"batch_size", "4"}};
  e.changes = {{"cells", {"gru", "rnn:activation=relu"}},
               {"hidden_size", {"5"}},
               {"delays", {"1,3"}},
               {"tokens", {"20,50"}},
               {"steps", {"6"}},
               {"batch_size", {"5"}},
               {"learning_rate", {"0.1"}},
               {"seed", {"2"}}};
  e.run = [](const CapacityOptions& o) { return capacity_experiment(o, {}); };
  e.every_option_counts();
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

TEST(LabErrors, RefuseWhatIsNamedTwiceOrNotAtAll) {
  EXPECT_EQ(error_of<ConfigError>([] { read_contestants("rnn,lstm,rnn"); }),
            "[lab] cells must name each once; got \"rnn\" twice. Leave one out.");
  EXPECT_EQ(
      error_of<ConfigError>([] { read_contestants("gru,lstm,gru:reset=before"); }),
      "[lab] cells must name each once; got \"gru\" and \"gru:reset=before\", which are the same. Leave one out.");
  EXPECT_EQ(read_contestants("gru,gru+attention").size(), 2u);
  MemoryOptions memory;
  memory.problems = "copy,copy";
  EXPECT_EQ(error_of<ConfigError>([&] { memory_experiment(memory, {}); }),
            "[lab] problems must name each once; got \"copy\" twice. Leave one out.");
  memory = {};
  memory.lengths = {4, 6, 4};
  EXPECT_EQ(error_of<ConfigError>([&] { memory_experiment(memory, {}); }),
            "[lab] lengths must name each once; got 4 twice. Leave one out.");
  memory = {};
  memory.distances = {5, 5};
  EXPECT_EQ(error_of<ConfigError>([&] { memory_experiment(memory, {}); }),
            "[lab] distances must name each once; got 5 twice. Leave one out.");
  TimingOptions timing;
  timing.periods = {3, 3};
  EXPECT_EQ(error_of<ConfigError>([&] { timing_experiment(timing, {}); }),
            "[lab] periods must name each once; got 3 twice. Leave one out.");
  CapacityOptions capacity;
  capacity.tokens = {9, 9};
  EXPECT_EQ(error_of<ConfigError>([&] { capacity_experiment(capacity, {}); }),
            "[lab] tokens must name each once; got 9 twice. Leave one out.");
  capacity.delays.clear();
  EXPECT_EQ(error_of<ConfigError>([&] { capacity_experiment(capacity, {}); }),
            "[lab] delays must hold a number; got none. Name at least one.");
}

TEST(Reach, EndsAtTheFirstFailure) {
  EXPECT_EQ(reach({{50, true}, {100, false}, {200, true}}), 50);
  EXPECT_EQ(reach({{50, false}, {100, true}}), 0);
  EXPECT_EQ(reach({{50, true}, {100, true}}), 100);
}

/// The first words of all notes that tell of a divergence.
std::vector<std::string> diverged(const Report& report) {
  EXPECT_FALSE(report.interrupted);
  std::vector<std::string> labels;
  for (const std::string& note : report.notes)
    if (note.find(" diverged: [") != std::string::npos) labels.push_back(note.substr(0, note.find(" diverged: [")));
  return labels;
}

TEST(Divergence, IsARowAndANoteOfMemory) {
  MemoryOptions o;
  o.problems = "adding,recall";
  o.cells = "lstm,rnn";
  o.lengths = {4};
  o.distances = {5};
  o.hidden_size = 4;
  o.learning_rate = 1e38;
  const Report report = memory_experiment(o, {});
  EXPECT_EQ(diverged(report), (std::vector<std::string>{"lstm on adding over 4 steps", "rnn on adding over 4 steps",
                                                        "lstm on recall", "rnn on recall"}));
  EXPECT_TRUE(std::isnan(std::get<double>(report.tables[0].rows[1][2])));
  EXPECT_EQ(std::get<std::string>(report.tables[0].rows[1][3]), "no");
}

TEST(Divergence, IsARowAndANoteOfTiming) {
  TimingOptions o;
  o.problems = "count";
  o.cells = "lstm";
  o.periods = {3};
  o.seeds = 2;
  o.learning_rate = 3e38;
  const Report report = timing_experiment(o, {});
  EXPECT_EQ(diverged(report),
            (std::vector<std::string>{"lstm on count with period 3, seed 1", "lstm on count with period 3, seed 2"}));
  const auto& row = report.tables[0].rows.at(0);
  EXPECT_TRUE(std::isnan(std::get<double>(row[3])));
  EXPECT_EQ(std::get<int64_t>(row[6]), 2) << "seeds";
}

TEST(Divergence, IsANoteOfCapacity) {
  CapacityOptions o;
  o.cells = "lstm";
  o.hidden_size = 4;
  o.learning_rate = 1e38;
  EXPECT_EQ(diverged(capacity_experiment(o, {})), std::vector<std::string>{"lstm on delayed recall"});
}

TEST(Divergence, KeepsTheFirstLookOfGradients) {
  GradientOptions o;
  o.cells = "lstm";
  o.hidden_size = 4;
  o.distance = 12;
  o.learning_rate = 1e38;
  const Report report = gradient_experiment(o, kText, {});
  EXPECT_EQ(diverged(report), std::vector<std::string>{"lstm"});
  ASSERT_EQ(report.tables[0].rows.size(), 1u);
  EXPECT_EQ(std::get<std::string>(report.tables[0].rows[0][1]), "first");
}

TEST(MemoryExperiment, SaysWhoTakesNoPart) {
  MemoryOptions o;
  o.problems = "copy";
  o.cells = "rnn,lstm+attention";
  o.distances = {5};
  o.hidden_size = 4;
  o.steps = 1;
  const Report report = memory_experiment(o, {});
  EXPECT_EQ(report.notes,
            std::vector<std::string>{"lstm+attention takes no part in copy: attention answers once, not at each step"});
  EXPECT_EQ(report.tables.at(0).rows.size(), 1u);
  o.cells = "gru+attention,lstm+attention";
  EXPECT_EQ(error_of<ConfigError>([&] { memory_experiment(o, {}); }),
            "[lab] copy wants an answer at each step, and attention pools them all; got only "
            "gru+attention,lstm+attention. Add a cell without +attention, or another problem.");
}

TEST(MemoryExperiment, AttentionIsAnotherModelAndDistancesAreMeasuredApart) {
  MemoryOptions o;
  o.cells = "lstm,lstm+attention";
  o.problems = "adding";
  o.lengths = {6};
  o.hidden_size = 4;
  o.steps = 20;
  const auto adding = memory_experiment(o, {}).tables.at(0).rows;
  EXPECT_NE(adding.at(0)[2], adding.at(1)[2]);
  o.problems = "copy";
  o.distances = {5, 30};
  const auto copy = memory_experiment(o, {}).tables.at(0).rows;
  EXPECT_NE(copy.at(0)[2], copy.at(1)[2]);
}

TEST(MemoryExperiment, TitlesNameWhatGuessingGives) {
  MemoryOptions o;
  o.cells = "rnn";
  o.lengths = {6, 4};
  o.distances = {5};
  o.hidden_size = 4;
  o.steps = 1;
  const Report report = memory_experiment(o, {});
  ASSERT_EQ(report.tables.size(), 3u);
  EXPECT_EQ(report.tables[0].title, "adding: squared error (guessing 0.1667, solved below 0.01)");
  EXPECT_EQ(report.tables[1].title, "copy: accuracy against distance (guessing 0.125)");
  EXPECT_EQ(report.tables[2].title, "recall: accuracy against distance (guessing 0.1)");
  EXPECT_EQ(std::get<int64_t>(report.tables[0].rows[0][1]), 4) << "lengths in order";
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

TEST(TimingExperiment, GivesMeanAndBestOfItsSeeds) {
  TimingOptions o;
  o.problems = "count";
  o.cells = "lstm";
  o.periods = {4};
  o.hidden_size = 6;
  o.steps = 270;
  o.batch_size = 8;
  o.learning_rate = 0.03;
  o.seeds = 1;
  const auto f1 = [&](size_t column) { return std::get<double>(timing_experiment(o, {}).tables[0].rows[0][column]); };
  const double one = f1(3);
  o.seed = 2;
  const double two = f1(3);
  ASSERT_NE(one, two);
  o.seed = 1;
  o.seeds = 2;
  EXPECT_DOUBLE_EQ(f1(3), (one + two) / 2);
  EXPECT_DOUBLE_EQ(f1(4), std::max(one, two));
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

}  // namespace lab_test
}  // namespace carousel::tasks::lab
