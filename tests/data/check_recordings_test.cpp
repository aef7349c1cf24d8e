// The check of recordings and arrays.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "carousel/data/check.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace check_recordings_test {

using testing::TempDir;
using testing::wav;

/// A recording whose samples are cut off at full scale, or all zero.
std::string with_samples(int16_t high, int16_t low) {
  std::string bytes = wav(8000, 1600);
  for (size_t i = 44; i + 1 < bytes.size(); i += 2) {
    const int16_t value = i / 2 % 20 < 10 ? high : low;
    bytes[i] = static_cast<char>(value & 0xFF);
    bytes[i + 1] = static_cast<char>(value >> 8 & 0xFF);
  }
  return bytes;
}

TempDir& folder() {
  static TempDir dir;
  static const bool once = [] {
    dir.write("cat_1.wav", wav(8000, 1600));
    dir.write("cat_2.wav", wav(8000, 2400, 16, 300));
    dir.write("dog_1.wav", wav(16000, 1600, 16, 500));
    dir.write("dog_2.wav", with_samples(0, 0));
    dir.write("dog_3.wav", with_samples(32767, -32768));
    dir.write("dog_4.wav", wav(8000, 1600));
    dir.write("dog_5.wav", wav(8000, 0));
    dir.write("dog_6.wav", "no sound");
    return true;
  }();
  EXPECT_TRUE(once);
  return dir;
}

TEST(CheckRecordings, NamesSilentClippedEmptyAndRepeatedOnes) {
  const DataReport report = check({folder().path()}, {}, {});
  ASSERT_TRUE(report.recordings);
  EXPECT_EQ(report.examples, 8);
  EXPECT_EQ(report.recordings->files, 6);
  EXPECT_EQ(report.recordings->rates, (std::map<int64_t, int64_t>{{8000, 5}, {16000, 1}}));
  EXPECT_DOUBLE_EQ(report.recordings->shortest, 0.1);
  EXPECT_DOUBLE_EQ(report.recordings->longest, 0.3);
  EXPECT_NEAR(report.recordings->total, 0.2 + 0.3 + 0.1 + 3 * 0.2, 1e-12);
  ASSERT_EQ(report.recordings->silent.count, 1);
  EXPECT_EQ(report.recordings->silent.examples[0], folder().file("dog_2.wav"));
  ASSERT_EQ(report.recordings->clipped.count, 1);
  EXPECT_EQ(report.recordings->clipped.examples[0], folder().file("dog_3.wav"));
  ASSERT_EQ(report.duplicates.count, 1);
  EXPECT_EQ(report.duplicates.examples[0],
            folder().file("dog_4.wav") + " sounds as " + folder().file("cat_1.wav") + ", but is dog and not cat");
  EXPECT_EQ(report.faults.count, 2) << "an empty one and one that is none";
  EXPECT_FALSE(report.sound());
  std::string text;
  for (const std::string& sentence : report.sentences()) text += sentence + "\n";
  EXPECT_NE(text.find("2 files would be refused: "), std::string::npos) << text;
  EXPECT_NE(text.find("sampling rates differ: 8000 Hz (5), 16000 Hz (1)"), std::string::npos) << text;
  EXPECT_NE(text.find("2 labels: dog 6 (75.0 %), cat 2 (25.0 %)"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["schema"], "carousel/data-check@1");
  EXPECT_EQ(json["recordings"], 6);
  EXPECT_EQ(json["sample_rates"]["16000"], 1);
}

TEST(CheckRecordings, ARecordingOnBothSidesIsALeak) {
  const TempDir dir;
  const std::string train = dir.write("train.tsv", "a.wav\tx\nb.wav\ty\ne.wav\tx\nf.wav\ty\n"),
                    dev = dir.write("dev.tsv", "c.wav\ty\nd.wav\tz\n");
  dir.write("a.wav", wav(8000, 1600));
  dir.write("b.wav", wav(8000, 1600, 16, 300));
  dir.write("c.wav", wav(8000, 1600, 16, 300));
  dir.write("d.wav", wav(8000, 1600, 16, 700));
  dir.write("e.wav", wav(8000, 1600, 16, 800));
  dir.write("f.wav", wav(8000, 1600, 16, 900));
  const DataReport report = check({train}, {dev}, {});
  ASSERT_TRUE(report.recordings);
  EXPECT_EQ(report.format, "list");
  EXPECT_EQ(report.dev.examples, 2);
  ASSERT_EQ(report.dev.leaked.count, 1);
  EXPECT_EQ(report.dev.leaked.examples[0], dir.file("c.wav") + " sounds as " + dir.file("b.wav"));
  EXPECT_EQ(report.target.unseen.examples, (std::vector<std::string>{"z"}));
  EXPECT_EQ(report.duplicates.count, 0);
  EXPECT_TRUE(report.sound());
}

}  // namespace check_recordings_test
}  // namespace carousel::data
