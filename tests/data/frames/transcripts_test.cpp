// Recordings with what they say: lists, folders with a text beside each, folders with tables.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/data/frames/frames.h"
#include "carousel/data/frames/split.h"
#include "tests/support/array.h"
#include "tests/support/sound.h"
#include "tests/support/temp_dir.h"

namespace carousel::data {
namespace transcripts_test {

using testing::TempDir;

FrameSet read(const std::string& file, const FrameFormat& format = {}) {
  return read_frames({file}, plan_frames({file}, format), format, {});
}

std::string error_of(const std::string& file, const FrameFormat& format = {}) {
  try {
    read(file, format);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

void folder(const TempDir& dir, const std::string& name) {
  std::filesystem::create_directories(dir.file(name));
}

const std::string kArray = testing::npy({1, 2, 3, 4}, 2);

TEST(Transcripts, LiesBesideTheRecordingUnderItsName) {
  const TempDir dir;
  folder(dir, "r/bob");
  dir.write("r/a.wav", testing::wav(8000, 800));
  dir.write("r/a.txt", "  one two \n\nthree\r\n");
  dir.write("r/bob/b.wav", testing::wav(8000, 800));
  dir.write("r/bob/b.txt", "four");
  const FramePlan plan = plan_frames({dir.file("r")}, {});
  EXPECT_EQ(plan.format, "transcripts");
  EXPECT_TRUE(plan.transcripts && gives_texts(plan));
  EXPECT_EQ(plan.reason, "a folder of 2 recordings, all of them with a text of the same name beside it (.txt)");
  const FrameSet set = read(dir.file("r"));
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.examples[0].target, "one two three");
  EXPECT_EQ(set.examples[0].group, "");
  EXPECT_EQ(set.examples[1].target, "four");
  EXPECT_EQ(set.examples[1].group, "bob");
  EXPECT_EQ(files_of_frames(dir.file("r")).size(), 4u) << "texts are data too";
}

TEST(Transcripts, MissingAndEmptyTextsAreRefusedByName) {
  const TempDir dir;
  for (const char* name : {"a", "b", "c"}) dir.write(std::string(name) + ".npy", kArray);
  dir.write("a.txt", "one");
  dir.write("b.txt", "two");
  EXPECT_EQ(error_of(dir.path()), dir.file("c.npy") +
                                      ": [data] each recording of the folder must have a text beside it, as others "
                                      "have; got no c.txt. Write it, or take the recording out.");
  EXPECT_TRUE(plan_frames({dir.path()}, {}).reason.find("3 recordings, 2 of them") != std::string::npos);
  dir.write("c.txt", " \n");
  EXPECT_EQ(error_of(dir.path()), dir.file("c.txt") +
                                      ": [data] the text beside a recording must say something; got white space. "
                                      "Write what is said, or take the recording out.");
  dir.write("c.txt", "\xFF\xFE");
  EXPECT_NE(error_of(dir.path()).find("UTF-8"), std::string::npos) << error_of(dir.path());
  // Fewer than half: names say labels.
  std::filesystem::remove(dir.file("c.txt"));
  std::filesystem::remove(dir.file("b.txt"));
  EXPECT_NE(error_of(dir.path()).find("names of files must say their labels"), std::string::npos);
}

TEST(Transcripts, TablesOfLibriSpeechNameSpeakers) {
  const TempDir dir;
  folder(dir, "l/19/198");
  folder(dir, "l/26/495");
  for (const char* name : {"19/198/19-198-0000", "19/198/19-198-0001", "26/495/26-495-0000"})
    dir.write(fmt::format("l/{}.wav", name), testing::wav(16000, 1600));
  dir.write("l/19/198/19-198.trans.txt", "19-198-0000 NORTHANGER ABBEY\n19-198-0001 THIS LITTLE WORK\n");
  dir.write("l/26/495/26-495.trans.txt", "26-495-0000 A CHAPTER\n");
  const FramePlan plan = plan_frames({dir.file("l")}, {});
  EXPECT_EQ(plan.reason, "a folder of 3 recordings with tables of what they say (19-198.trans.txt)");
  const FrameSet set = read(dir.file("l"));
  ASSERT_EQ(set.examples.size(), 3u);
  EXPECT_EQ(set.examples[1].target, "THIS LITTLE WORK");
  EXPECT_EQ(set.examples[1].group, "19");
  EXPECT_EQ(set.examples[2].group, "26");
  EXPECT_EQ(files_of_frames(dir.file("l")).size(), 5u);
  const std::string table = dir.write("l/26/495/26-495.trans.txt", "26-495-0000 A CHAPTER\n26-495-0009 NOT THERE\n");
  EXPECT_EQ(error_of(dir.file("l")),
            table +
                ":2:1: [data] a line is the name of a recording beside this table, a space and what it says; got "
                "\"26-495-0009 NOT THERE\". Check the line, and that the recording is there.");
  dir.write("l/26/495/26-495.trans.txt", "26-495-0000\n");
  EXPECT_NE(error_of(dir.file("l")).find(":1:12: [data] a line is the name"), std::string::npos);
}

TEST(Transcripts, APartOfTheNamesMayTellTheSpeakers) {
  const TempDir dir;
  for (const char* name : {"ann_1", "ann_2", "bob_1"}) {
    dir.write(std::string(name) + ".npy", kArray);
    dir.write(std::string(name) + ".txt", "one two");
  }
  FrameFormat format;
  format.group_part = 1;
  const FrameSet set = read(dir.path(), format);
  EXPECT_EQ(set.examples[0].group + set.examples[2].group, "annbob");
  const FrameSplit split = cut_frames_with_texts(set, 0.5, 1);
  EXPECT_EQ(split.train.size() + split.dev.size(), 3u);
  EXPECT_TRUE(split.dev.size() == 2 ? split.train.front() == 2 : split.dev.front() == 2) << "ann is cut in two";
  format.group_part = 3;
  EXPECT_EQ(error_of(dir.path(), format),
            "[data] group_part counts the parts of names that are all cut into as many at _ or -; got 3 for names such "
            "as ann_1.npy. Name the groups behind a second tab, or leave group_part out.");
}

TEST(Transcripts, ListsOfNamesHaveNoTargets) {
  const TempDir dir;
  dir.write("a.npy", kArray);
  const std::string names = dir.write("names.txt", "a.npy\n\n" + dir.file("a.npy") + "\n");
  const FramePlan plan = plan_frames({names}, {});
  EXPECT_EQ(plan.format, "names");
  EXPECT_FALSE(plan.evident || gives_texts(plan));
  const FrameSet set = read(names);
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.examples[1].line, 3);
  EXPECT_EQ(set.examples[1].target, "");
  EXPECT_EQ(files_of_frames(names).size(), 3u);
}

TEST(Transcripts, TablesNameTheirColumns) {
  const TempDir dir;
  dir.write("a.npy", kArray);
  const std::string csv = dir.write("t.csv", "client_id,path,sentence,age\nc1,a.npy,\"one, two\",\nc2,a.npy,three,9\n");
  FramePlan plan = plan_frames({csv}, {});
  EXPECT_EQ(plan.format, "table");
  EXPECT_TRUE(plan.transcripts && gives_texts(plan));
  EXPECT_EQ(plan.reason, "a table of files; path is the file, sentence what it says, client_id the group");
  FrameSet set = read(csv);
  ASSERT_EQ(set.examples.size(), 2u);
  EXPECT_EQ(set.examples[0].target, "one, two");
  EXPECT_EQ(set.examples[1].group, "c2");
  EXPECT_EQ(set.examples[1].line, 3);
  EXPECT_EQ(files_of_frames(csv).size(), 3u);
  const std::string labels = dir.write("l.tsv", "file\tlabel\na.npy\tx\na.npy\ty y\n");
  plan = plan_frames({labels}, {});
  EXPECT_EQ(plan.reason, "a table of files; file is the file, label its label");
  EXPECT_FALSE(plan.transcripts) << "whatever they look like";
  const std::string json =
      dir.write("m.jsonl", "{\"audio_filepath\": \"a.npy\", \"duration\": 1.5, \"text\": \"one two\"}\n");
  set = read(json);
  ASSERT_EQ(set.examples.size(), 1u);
  EXPECT_EQ(set.examples[0].target, "one two");
  EXPECT_EQ(read(dir.write("b.txt", "wav|text\na.npy|one two\n")).examples[0].target, "one two");
  const std::string empty = dir.write("e.csv", "path,text\na.npy,one\na.npy, \n");
  EXPECT_EQ(error_of(empty),
            empty +
                ":3:7: [data] a row must name a file and what it is or says; got nothing for text. Fill "
                "it in, or take the row out.");
  const std::string twice = dir.write("w.csv", "path,file,text\na.npy,a.npy,one\n");
  EXPECT_EQ(plan_frames({twice}, {}).format, "") << "two columns of paths";
  EXPECT_EQ(plan_frames({dir.write("n.csv", "path,text\nx,one\ny,two\n")}, {}).format, "") << "no files of frames";
}

TEST(Transcripts, SplitsKeepAboutTheShareAndNeverTakeAll) {
  FrameSet set;
  for (int i = 0; i < 20; ++i) {
    FrameExample e;
    e.name = fmt::format("{}", i);
    e.target = fmt::format("text {}", i);
    set.examples.push_back(e);
  }
  EXPECT_EQ(cut_frames_with_texts(set, 0.1, 1).dev.size(), 2u);
  EXPECT_NE(cut_frames_with_texts(set, 0.1, 1).dev, cut_frames_with_texts(set, 0.1, 2).dev);
  EXPECT_EQ(cut_frames_with_texts(set, 0.99, 1).train.size(), 1u);
  set.examples.resize(1);
  EXPECT_THROW(cut_frames_with_texts(set, 0.5, 1), DataError);
}

TEST(Transcripts, AnyBytesInListsAndTextsAreReadOrRefused) {
  const TempDir dir;
  dir.write("a.npy", kArray);
  const std::string list = "a.npy\tone two\ta\na.npy\tthree\tb\n", table = "a one two\n";
  Rng rng(1, 0);
  for (int round = 0; round < 400; ++round) {
    const bool in_list = round % 2 == 0;
    std::string bytes = in_list ? list : table;
    for (uint64_t k = 0; k <= rng.below(3); ++k) {
      const size_t at = rng.below(bytes.size());
      if (rng.below(3) == 0) bytes.erase(at, 1 + rng.below(4));
      if (bytes.empty()) break;
      bytes[std::min(at, bytes.size() - 1)] = static_cast<char>(rng.below(256));
    }
    const std::string file = in_list ? dir.write("l.tsv", bytes) : dir.write("x.trans.txt", bytes);
    try {
      const FramePlan plan = plan_frames({in_list ? file : dir.path()}, {});
      if (plan.format.empty()) continue;
      const FrameSet set = read_frames({in_list ? file : dir.path()}, plan, {}, {});
      for (const FrameExample& e : set.examples) EXPECT_TRUE(plan.format == "names" || !e.target.empty());
    } catch (const DataError&) {
    }
  }
}

}  // namespace transcripts_test
}  // namespace carousel::data
