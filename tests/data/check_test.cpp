#include "carousel/data/check.h"
#include "carousel/base/error.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <algorithm>

#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace check_test {

using testing::TempDir;

bool says(const DataReport& report, const std::string& part) {
  const auto sentences = report.sentences();
  return std::any_of(sentences.begin(), sentences.end(),
                     [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

TEST(DataCheck, RunningText) {
  TempDir folder;
  const std::string line = "the carousel turns and turns, and nobody knows why it does";
  const std::string train = folder.write("t.txt", line + "\n\nA short line.\nin\xE2\x80\x8Bvisible\n"),
                    dev = folder.write("d.txt", line + "\nA short line.\n" + line + " today\n");
  const DataReport report = check({train}, {dev}, {});
  ASSERT_TRUE(report.text.has_value());
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.text->lines, 4);
  EXPECT_EQ(report.text->blank_lines, 1);
  EXPECT_EQ(report.text->words, 15);
  EXPECT_EQ(report.text->longest_line, 1);
  EXPECT_EQ(report.text->suspicious.examples, (std::vector<std::string>{train + ":4: U+200B"}));
  EXPECT_EQ(report.text->dev_long_lines, 2);
  EXPECT_EQ(report.dev.leaked.count, 1) << "short lines come twice by chance";
  EXPECT_TRUE(says(report, "in 4 lines of running text ("));
  EXPECT_TRUE(says(report, "1 of 2 long lines of dev is in the training text too: " + dev + ":1: "));
  EXPECT_TRUE(says(report, "1 line holds control, invisible or damaged characters: "));
  EXPECT_NE(report.to_json().find("\"in_train\":{\"count\":1"), std::string::npos) << report.to_json();
  EXPECT_FALSE(check({train}, {}, {}).has_dev);
  EXPECT_TRUE(report.warnings().empty()) << "half of them is no more than half";
  EXPECT_EQ(check({train}, {train}, {}).warnings(),
            (std::vector<std::string>{
                "1 of 1 long lines of dev are in the training text too, so their score means nothing"}));
}

TEST(DataCheck, FindsWhatIsThere) {
  TempDir folder;
  const std::string train = folder.write("t.tsv",
                                         "cab\tK AE B\n"
                                         "\n"
                                         "cab\tK AE B\n"
                                         "cab\tK AH B\n"
                                         "lonely\n"
                                         "ba\xE2\x80\x8B"
                                         "d\tB AE D\n");
  const std::string dev = folder.write("d.tsv", "cab\tK AE B\ncad\tK AE D\ncab\tK X\nzap\tB\n");
  const DataReport report = check({train}, {dev}, {});
  EXPECT_FALSE(report.sound());
  EXPECT_EQ(report.examples, 4);
  EXPECT_EQ(report.blank_lines, 1);
  EXPECT_EQ(report.faults.count, 1);
  EXPECT_NE(report.faults.examples[0].find("t.tsv:5:7: [data] a line must have two tab-separated columns"),
            std::string::npos);
  EXPECT_EQ(report.duplicates.count, 1);
  EXPECT_EQ(report.duplicates.examples[0], train + ":3 repeats line 1: \"cab\"");
  EXPECT_EQ(report.sources, 2);
  EXPECT_EQ(report.ambiguous.examples, (std::vector<std::string>{"\"cab\" has 2"}));
  EXPECT_EQ(report.source.inventory, 5);  // a b c d and the invisible one
  EXPECT_EQ(report.source.once.count, 2);
  EXPECT_EQ(report.source.suspicious.examples, (std::vector<std::string>{train + ":6: U+200B"}));
  EXPECT_EQ(report.source.unseen.examples, (std::vector<std::string>{"p", "z"}));
  EXPECT_EQ(report.target.length_min, 3);
  EXPECT_EQ(report.target.length_max, 3);
  EXPECT_EQ(report.target.unseen.examples, (std::vector<std::string>{"X"}));
  EXPECT_EQ(report.dev.examples, 4);
  EXPECT_EQ(report.dev.sources_in_train, 2);
  EXPECT_EQ(report.dev.leaked.count, 1);

  EXPECT_TRUE(says(report, "1 line would be refused: "));
  EXPECT_TRUE(says(report, "4 examples with 2 different sources (tsv: two tab-separated columns in 4 of the 5 lines)"));
  EXPECT_TRUE(says(report, "source: 2 symbols of dev are not in the training data: p; z"));
  EXPECT_TRUE(says(report, "1 dev example is in the training data too, so its score means nothing: "));
  const std::string json = report.to_json();
  EXPECT_TRUE(json.starts_with(R"({"schema":"carousel/data-check@1","sound":false,"format":"tsv",)")) << json;
  EXPECT_NE(json.find(R"("sources_in_train":2)"), std::string::npos);
}

TEST(DataCheck, CleanDataIsSound) {
  TempDir folder;
  const DataReport report = check({folder.write("t.tsv", "ab\tx y\nba\ty x\n")}, {}, {});
  EXPECT_TRUE(report.sound());
  EXPECT_FALSE(report.has_dev);
  EXPECT_EQ(report.to_json().find("\"dev\":"), std::string::npos);
}

TEST(DataCheck, ConstantTargetsAndEmptyDataAreNotSound) {
  TempDir folder;
  const DataReport constant = check({folder.write("c.tsv", "a\tx\nb\tx\n")}, {}, {});
  EXPECT_TRUE(constant.constant_target);
  EXPECT_FALSE(constant.sound());
  EXPECT_TRUE(says(constant, "all targets are equal"));
  const DataReport empty = check({folder.write("e.tsv", "a\nb\n")}, {}, {});
  EXPECT_FALSE(empty.sound());
  EXPECT_EQ(empty.faults.count, 2);
  EXPECT_TRUE(says(empty, "no example"));
}

TEST(DataCheck, RefusesWhatTrainingRefuses) {
  TempDir folder;
  const std::string one = folder.write("one.tsv", "a\tx\na\ty\n");
  const DataReport single = check({one}, {}, {});
  EXPECT_FALSE(single.sound());
  EXPECT_EQ(single.refusal, one +
                                ": [data] cutting a dev set needs at least 2 different sources; got 1 in 2 examples. "
                                "Add data, or give a dev file with --dev.");
  EXPECT_TRUE(says(single, "training would refuse: " + single.refusal));
  EXPECT_TRUE(says(single, "2 examples with 1 different source ("));
  EXPECT_NE(single.to_json().find("\"sound\":false"), std::string::npos);
  const std::string dev = folder.write("dev.tsv", "b\tx\n");
  EXPECT_TRUE(check({one}, {dev}, {}).sound()) << "nothing needs to be cut";
  const DataReport no_dev = check({one}, {folder.write("blank.tsv", "\n\n")}, {});
  EXPECT_FALSE(no_dev.sound());
  EXPECT_NE(no_dev.refusal.find("[data] the dev file must hold at least one pair; got none. Check it."),
            std::string::npos)
      << no_dev.refusal;
}

TEST(DataCheck, CountsInGoodEnglish) {
  TempDir folder;
  const DataReport report = check({folder.write("t.tsv", "a\tx\n\n")}, {folder.write("d.tsv", "b\ty\n")}, {});
  EXPECT_TRUE(says(report, "1 example with 1 different source ("));
  EXPECT_TRUE(says(report, "dev: 1 example, 0 of them"));
  EXPECT_TRUE(says(report, "1 blank line is skipped"));
  EXPECT_TRUE(says(report, "source: 1 symbol of 1 kind; "));
}

TEST(DataCheck, LooksAtNumbersAsTrainingDoes) {
  TempDir folder;
  std::string text = "date,load\n";
  for (int i = 0; i < 60; ++i)
    text += "2020-01-0" + std::to_string(1 + i / 24) + " " + (i % 24 < 10 ? "0" : "") + std::to_string(i % 24) +
            ":00," + std::to_string(i % 6 * 1.5) + "\n";
  const DataReport report = check({folder.write("t.csv", text)}, {}, {});
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.sentences(),
            (std::vector<std::string>{"1 series of 60 values, one each 1 hour (wide: comma-separated columns under "
                                      "a row of names: date is the time, 1 column of values)",
                                      "a season of 6 steps, by autocorrelation"}));
  EXPECT_NE(report.to_json().find("\"series\":1,\"values\":60"), std::string::npos) << report.to_json();
  const DataReport bad = check({folder.write("t.csv", text + "2020-01-03 12:00,NA\n")}, {}, {});
  EXPECT_FALSE(bad.sound());
  EXPECT_TRUE(says(bad, ":62:18: [data] a value must not be missing; got \"NA\"."));
  EXPECT_EQ(bad.series->values, 60);
}

TEST(DataCheck, CountsLabelledAnomalies) {
  TempDir folder;
  std::string text = "time,load,anomaly\n", silent = text;
  for (int i = 0; i < 40; ++i) {
    text += fmt::format("{},{},{:d}\n", i, i * i, i == 10 || i == 11 || i == 20);
    silent += fmt::format("{},{},0\n", i, i * i);
  }
  const DataReport report = check({folder.write("t.csv", text)}, {}, {});
  EXPECT_TRUE(says(report, "2 labelled anomalies"));
  EXPECT_NE(report.to_json().find("\"labelled\":true,\"anomalies\":2"), std::string::npos) << report.to_json();
  EXPECT_TRUE(says(check({folder.write("t.csv", silent)}, {}, {}),
                   "no anomaly is labelled: there is nothing to score a detector by"));
}

TEST(DataCheck, LooksIntoAFolderOfSeries) {
  TempDir folder;
  std::filesystem::create_directories(folder.file("data/g"));
  std::string text = "time,load\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{}\n", i, i * i);
  folder.write("data/g/a.csv", text);
  folder.write("data/g/b.csv", text + "40,1600\n");
  folder.write("windows.json", R"({"g/a.csv": [[3, 5], [7, 9]]})");
  const DataReport report = check({folder.path()}, {}, {});
  EXPECT_TRUE(report.sound());
  EXPECT_TRUE(says(report, "2 series of 40 to 41 values, one each step 1 "));
  EXPECT_TRUE(says(report, "2 tables"));
  EXPECT_TRUE(says(report, "2 labelled anomalies"));
  EXPECT_TRUE(says(report, "1 table has no entry in "));
}

TEST(DataCheck, ComparesTheNumbersOfDev) {
  TempDir folder;
  std::string train = "time,load\n", other = train, copy = train;
  for (int i = 0; i < 60; ++i) {
    train += fmt::format("{},{}\n", i, i * i % 97);
    other += fmt::format("{},{}\n", 60 + i, i * i % 89 + 0.5);
    if (i >= 20) copy += fmt::format("{},{}\n", i, i * i % 97);
  }
  const std::string file = folder.write("t.csv", train), dev = folder.write("d.csv", copy);
  const DataReport report = check({file}, {dev}, {});
  EXPECT_EQ(report.series->dev_values, 40);
  EXPECT_EQ(report.dev.leaked.count, 40);
  EXPECT_EQ(
      report.warnings(),
      (std::vector<std::string>{"40 of 40 values of dev stand in the training data too, in runs of 16 and more: " +
                                dev + ": 40 of 40 values of \"load\". Is dev a copy of it?"}));
  EXPECT_NE(report.to_json().find(R"("dev":{"values":40,"in_train":{"count":40)"), std::string::npos);
  const DataReport apart = check({file}, {folder.write("o.csv", other)}, {});
  EXPECT_EQ(apart.dev.leaked.count, 0);
  EXPECT_TRUE(apart.warnings().empty());
  EXPECT_TRUE(says(apart, "dev: 60 values"));
}

TEST(DataCheck, ReadsDevAndAllTablesAsTheFirst) {
  TempDir folder;
  const auto rows = [](int from, int count) {
    std::string text = "time,x\n";
    for (int i = from; i < from + count; ++i)
      text += fmt::format("{}/4/2020 {}:00,{}\n", 1 + i / 24, i % 24, i * i % 97);
    return text;
  };
  std::filesystem::create_directories(folder.file("f"));
  const std::string train = folder.write("f/a.csv", rows(0, 600)), dev = folder.write("f/b.csv", rows(30, 10));
  EXPECT_TRUE(check({train}, {dev}, {}).sound()) << "alone it might be read both ways";
  EXPECT_TRUE(check({folder.file("f")}, {}, {}).sound());
}

TEST(DataCheck, WhereAllRowsAreBadTheyAreNamed) {
  TempDir folder;
  std::string text = "time,x\n";
  for (int i = 0; i < 20; ++i) text += fmt::format("2020-01-{:02},\n", i + 1);
  DataReading reading;
  reading.columns = "time,value";
  const DataReport report = check({folder.write("a.csv", text)}, {}, {}, CheckDepth::full, reading);
  EXPECT_EQ(report.faults.count, 20);
  EXPECT_FALSE(report.sound());
  EXPECT_EQ(report.refusal, report.faults.examples[0]);
  EXPECT_TRUE(says(report, "20 lines would be refused: "));
}

TEST(DataCheck, SeriesHaveOneFileAndWhatIsSaidOfThemCounts) {
  TempDir folder;
  const std::string file = folder.write("a.csv", "time,x\n1,2\n2,3\n3,5\n4,4\n");
  DataReading reading;
  reading.columns = "time,value";
  try {
    check({file, file}, {}, {}, CheckDepth::full, reading);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "[data] all series stand in one file or folder; got 2 names. Give one, with a column for each series.");
  }
  DataReading said;
  said.series.layout = "wide";
  EXPECT_EQ(plan_data({folder.write("b.txt", "to be\nor not\n")}, {}, {}).kind, DataKind::text);
  EXPECT_THROW(plan_data({folder.file("b.txt")}, said, {}), DataError) << "whoever speaks of series means them";
}

TEST(DataCheck, ValuesThatStandStillAreNoLeak) {
  TempDir folder;
  std::string flat = "time,load\n";
  for (int i = 0; i < 60; ++i) flat += fmt::format("{},{}\n", i, i < 30 ? 1 : 2);
  const std::string file = folder.write("t.csv", flat);
  std::string still = "time,load\n";
  for (int i = 0; i < 40; ++i) still += fmt::format("{},1\n", i);
  EXPECT_EQ(check({file}, {folder.write("d.csv", still)}, {}).dev.leaked.count, 0);
  std::string tariff = "time,price\n";
  for (int i = 0; i < 96; ++i) tariff += fmt::format("{},{}\n", i, i % 24 < 6 ? 10 : i % 24 < 18 ? 30 : 15);
  const std::string prices = folder.write("p.csv", tariff);
  EXPECT_EQ(check({prices}, {prices}, {}).dev.leaked.count, 0);
}

TEST(DataCheck, WarnsOfWhatScoresCannotBeTrustedWith) {
  const TempDir dir;
  const std::string pairs = dir.write("p.tsv", "a b\tx\nc d\ty\ne f\tz\n"),
                    dev = dir.write("d.tsv", "c d\ty\nq r\ts\n");
  EXPECT_TRUE(check({pairs}, {}, {}).warnings().empty());
  EXPECT_EQ(check({pairs}, {dev}, {}, CheckDepth::quick).warnings(),
            (std::vector<std::string>{"1 dev example is in the training data too, so its score means nothing: " + dev +
                                      ":1: \"c d\""}));
  const std::string labels = dir.write("l.txt", "__label__a one two\n__label__b one two\n__label__b three\n");
  EXPECT_EQ(check({labels}, {}, {}, CheckDepth::quick).warnings(),
            (std::vector<std::string>{"1 text has several labels: at most one can be answered: \"one two\" has 2"}));
  std::string tags;
  for (int i = 0; i < 9; ++i)
    tags += std::string("we\tO\nin\tB-place\nit\t") + (i == 4 ? "I-time" : "I-place") + "\n\n";
  const auto odd = check({dir.write("t.tsv", tags)}, {}, {}, CheckDepth::quick).warnings();
  ASSERT_FALSE(odd.empty());
  EXPECT_NE(odd.back().find("1 tag breaks the scheme of its spans"), std::string::npos) << odd.back();
}

TEST(DataCheck, ListsOnlyTheFirstFindings) {
  TempDir folder;
  std::string text = "a\tx\nb\ty\n";
  for (int i = 0; i < 20; ++i) text += "a\tx\n";
  const DataReport report = check({folder.write("t.tsv", text)}, {}, {});
  EXPECT_EQ(report.duplicates.count, 20);
  EXPECT_EQ(report.duplicates.examples.size(), Finding::kExamples);
  EXPECT_TRUE(says(report, "; ..."));
}

}  // namespace check_test
}  // namespace carousel::data
