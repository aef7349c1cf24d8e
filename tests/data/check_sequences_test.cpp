// The check of files that hold many sequences: .ts files and images.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "carousel/data/check.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace check_sequences_test {

using testing::TempDir;

constexpr const char* kHeader = "@problemName walk\n@timeStamps false\n@classLabel true up down\n@data\n";

bool says(const DataReport& report, const std::string& sentence) {
  const auto sentences = report.sentences();
  return std::any_of(sentences.begin(), sentences.end(),
                     [&](const std::string& s) { return s.find(sentence) != std::string::npos; });
}

TEST(CheckSequences, CountsWhatATsFileHolds) {
  const TempDir dir;
  const std::string file =
      dir.write("walk_TRAIN.ts",
                std::string(kHeader) + "1,2,3:0,0,0:up\n3,2,1:0,0,0:down\n1,2,3:0,0,0:down\n5,6,7,8:0,0,0,0:up\n");
  const DataReport report = check({file}, {}, {});
  ASSERT_TRUE(report.sequences);
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.examples, 4);
  EXPECT_EQ(report.sources, 3);
  EXPECT_EQ(report.sequences->width, 2);
  EXPECT_EQ(report.sequences->frames, 13);
  EXPECT_TRUE(says(report, "4 sequences of 3 to 4 frames with 2 numbers each (ts: ")) << report.sentences()[0];
  EXPECT_TRUE(says(report, "1 number of a frame never changes"));
  EXPECT_EQ(report.duplicates.examples,
            (std::vector<std::string>{file + ":7 equals " + file + ":5, but is down and not up"}));
  EXPECT_TRUE(says(report, "2 labels: up 2 (50.0 %), down 2 (50.0 %)"));
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["frames"], 13);
  EXPECT_EQ(json["constant_columns"], 1);
  EXPECT_EQ(json["labels"]["counts"]["up"], 2);
}

TEST(CheckSequences, ListsFaultsLeaksAndStrangeLabels) {
  const TempDir dir;
  const std::string file = dir.write("a_TRAIN.ts", std::string(kHeader) + "1,2:up\n3,x:down\n4,5:down\n");
  const std::string dev =
      dir.write("a_TEST.ts", "@problemName walk\n@timeStamps false\n@data\n4,5:down\n7,7:sideways\n");
  const DataReport report = check({file}, {dev}, {});
  EXPECT_FALSE(report.sound());
  ASSERT_EQ(report.faults.count, 1);
  EXPECT_NE(report.faults.examples[0].find(file + ":6"), std::string::npos) << report.faults.examples[0];
  EXPECT_EQ(report.dev.examples, 2);
  EXPECT_EQ(report.dev.leaked.examples, (std::vector<std::string>{dev + ":4 equals " + file + ":7"}));
  EXPECT_EQ(report.target.unseen.examples, (std::vector<std::string>{"sideways"}));
  EXPECT_EQ(report.warnings().front(), "1 dev example is in the training data too, so its score means nothing: " + dev +
                                           ":4 equals " + file + ":7");
  const std::string wide = dir.write("b_TEST.ts", "@timeStamps false\n@data\n1,2:3,4:up\n");
  EXPECT_EQ(check({file}, {wide}, {}).refusal, "frames of dev must have 1 numbers, as those of training; got 2");
}

TEST(CheckSequences, ReadsImages) {
  const TempDir dir;
  const auto idx = [](const std::vector<int>& sizes, const std::string& values) {
    std::string bytes("\0\0\x08", 3);
    bytes += static_cast<char>(sizes.size());
    for (const int size : sizes) bytes += std::string("\0\0\0", 3) + static_cast<char>(size);
    return bytes + values;
  };
  const std::string images =
      dir.write("t-images-idx3-ubyte", idx({3, 2, 2}, std::string("\0\1\2\3\0\5\6\7\0\1\2\3", 12)));
  dir.write("t-labels-idx1-ubyte", idx({3}, "\7\3\7"));
  const DataReport report = check({images}, {}, {});
  ASSERT_TRUE(report.sequences);
  EXPECT_TRUE(says(report, "3 sequences of 2 frames with 2 numbers each (idx: "));
  EXPECT_EQ(report.duplicates.count, 1);
  EXPECT_TRUE(says(report, "2 labels: 7 2 (66.7 %), 3 1 (33.3 %)"));
}

}  // namespace check_sequences_test
}  // namespace carousel::data
