// What tasks say when data or options do not fit.
#include <gtest/gtest.h>

#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/data/frames/frames.h"
#include "tests/support/array.h"
#include "tests/tasks/spoken.h"
#include "tests/tasks/toy_run.h"

namespace carousel::tasks {
namespace messages_test {

using testing::error_of;

TEST(TaskMessages, SayWhatDataATaskNeeds) {
  const testing::TempDir dir;
  EXPECT_EQ(error_of<ConfigError>([&] { decide_task({}); }),
            "[task] at least one data file is needed; got none. Name one.");
  ToyRun pairs(dir.write("pairs.tsv", spelling_lines(20, 1)), {{"hidden_size", "4"}, {"max_steps", "1"}});
  const std::string blank = dir.write("blank.tsv", "\n");
  EXPECT_EQ(error_of<DataError>([&] { pairs.job.model->evaluate({blank}, {}); }).rfind(blank, 0), 0u);
}

TEST(TaskMessages, FramesHoldNothingToCopyAndNoAlignment) {
  const testing::TempDir dir;
  const std::string list = spoken_list(dir, "train", 20, 1);
  const auto refused = [&](const std::string& key, const std::string& value) {
    return error_of<ConfigError>([&] { ToyRun(list, {{key, value}, {"decoder", "attention"}, {"hidden_size", "4"}}); });
  };
  EXPECT_EQ(refused("copy", "on"),
            "[transduce] copy takes symbols from the source, and frames hold none; got on. Leave it out.");
  EXPECT_EQ(refused("replace_unknown", "on"),
            "[transduce] replace_unknown takes symbols from the source, and frames hold none; got on. Leave it out.");
  EXPECT_EQ(refused("guided_by", "alignment"),
            "[transduce] an alignment is learnt from symbols on both sides; got guided_by = alignment for frames. Set "
            "guided_by = diagonal.");
}

TEST(TaskMessages, AnAlignmentGuidesAnAttention) {
  const testing::TempDir dir;
  const std::string file = dir.write("pairs.tsv", spelling_lines(30, 1));
  for (const auto& [key, value] : Settings{{"attention", "none"}, {"guided_attention", "0"}, {"guided_until", "0"}}) {
    const Settings settings = {{"guided_by", "alignment"}, {key, value}, {"hidden_size", "4"}, {"copy", "off"}};
    const std::string refused = error_of<ConfigError>([&] { ToyRun(file, settings); });
    EXPECT_EQ(refused.rfind("[seq2seq] guided_by = alignment needs an attention that is guided; got attention = ", 0),
              0u)
        << key << ": " << refused;
  }
  const ToyRun copying(file, {{"guided_by", "alignment"},
                              {"copy", "on"},
                              {"source_tokens", "characters"},
                              {"target_tokens", "characters"},
                              {"hidden_size", "4"}});
  for (const Option& row : copying.table.rows())
    if (row.name == "guided_attention") {
      EXPECT_EQ(row.value_text(), "1");
    }
}

TEST(TaskMessages, ALineNamesAFileOfOneSequence) {
  const testing::TempDir dir;
  ToyRun run(spoken_list(dir, "train", 20, 1), {{"hidden_size", "4"}, {"max_steps", "1"}});
  const std::string list = dir.write("two.txt", "train0.npy\ntrain1.npy\n");
  EXPECT_EQ(run.job.model->predict({list}, {}).front().error,
            list +
                ": [predict] each line names a file of one sequence; got 2. Give the file itself: carousel predict "
                "MODEL FILE.");
}

TEST(TaskMessages, ACalendarNeedsDates) {
  const testing::TempDir dir;
  std::string dated = "date,value\n", plain = "value\n";
  for (int i = 0; i < 400; ++i) {
    const int value = 10 + (i % 24) + (i * 7) % 5;
    dated += fmt::format("2024-01-{:02d} {:02d}:00:00,{}\n", 1 + i / 24, i % 24, value);
    plain += fmt::format("{}\n", value);
  }
  ToyRun run(dir.write("dated.csv", dated),
             {{"calendar", "yes"}, {"horizon", "4"}, {"window", "24"}, {"hidden_size", "4"}, {"max_steps", "1"}}, {},
             "forecast");
  const std::string file = dir.write("plain.csv", plain);
  EXPECT_EQ(error_of<DataError>([&] { run.job.model->evaluate({file}, {}); }),
            file +
                ": [forecast] the model was told the calendar, so the file must have the column of dates; got none. "
                "Add it, or train with calendar=no.");
}

TEST(FrameMessages, NamesMustSayTheirLabelsInOnePlace) {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir.file("r"));
  for (const char* name : {"r/one.npy", "r/two.npy", "r/three.npy"}) dir.write(name, testing::npy({1, 2, 3, 4}, 2));
  EXPECT_EQ(error_of<DataError>([&] { data::plan_frames({dir.file("r")}, {}); }),
            dir.file("r") +
                ": [data] names of files must say their labels in the same place, as in cat_01.wav and dog_01.wav; got "
                "names such as one.npy. Rename them, sort them into a folder for each label, or write a list of lines "
                "`path TAB label`.");
}

TEST(FrameMessages, AllFramesAreOfOneWidth) {
  const testing::TempDir dir;
  dir.write("a.npy", testing::npy({1, 2, 3, 4}, 2));
  dir.write("b.npy", testing::npy({1, 2, 3}, 3));
  const std::string list = dir.write("list.tsv", "a.npy\tx\nb.npy\ty\n");
  const auto plan = data::plan_frames({list}, {});
  EXPECT_EQ(
      error_of<DataError>([&] { data::read_frames({list}, plan, {}, {}); }),
      list + ":2:1: " + dir.file("b.npy") +
          ": [data] all frames must have 2 numbers, as the first ones; got 3. Do not mix arrays of other widths.");
}

}  // namespace messages_test
}  // namespace carousel::tasks
